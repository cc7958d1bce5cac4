"""A video's predictions as HTML: a table of its faces, and its timeline, without scripts and without a network."""

from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from mien.extras import is_installed
from mien.html_tables import Html, html_lines, html_table
from mien.predict.timeline import FaceTime, Timeline, clock

LISTED = 12
"""How many faces are listed: those seen longest."""


def as_html(title: str, timeline: Timeline, crops: Mapping[int, NDArray[np.uint8]], trouble: str) -> str:
    """What was seen of a video.

    Args:
        title: its name, and how much of it was read.
        timeline: its faces.
        crops: by number, a picture of each face, uint8 [H, W].
        trouble: why it ended too early; "" where it did not.
    """
    faces = timeline.summary()
    lines = [Html(f"<b>{html_lines([title], 'span')}</b>")]
    if trouble:
        lines.append(Html(html_lines([f"note: {trouble}"])))
    if not faces:
        return html_lines(lines)
    rows = [_row(one, crops[one.face]) for one in faces[:LISTED]]
    parts = [html_lines(lines), html_table(["face", "", "emotions", "from", "to", "seen"], rows, text_columns=3)]
    if len(faces) > LISTED:
        parts.append(html_lines([f"and {len(faces) - LISTED} more faces, seen for less time"]))
    if is_installed("matplotlib"):
        parts.append(_plot(timeline))
    return "\n".join(parts)


def _row(one: FaceTime, crop: NDArray[np.uint8]) -> list[str | int]:
    most = sorted(one.shares.items(), key=lambda share: -share[1])
    looks = ", ".join(f"{emotion} {100 * share:.0f} %" for emotion, share in most if share >= 0.005)
    return [f"face {one.face}", _picture(crop), looks, clock(one.first), clock(one.last), clock(one.seconds)]


def _picture(pixels: NDArray[np.uint8]) -> Html:
    from PIL import Image

    content = BytesIO()
    Image.fromarray(pixels).save(content, "png")
    return _image(content.getvalue(), "height:48px")


def _plot(timeline: Timeline) -> Html:
    from PIL import Image

    from mien.predict.timeline_plot import timeline_figure

    content, small = BytesIO(), BytesIO()
    timeline_figure(timeline, "").savefig(content, format="png", dpi=110)
    with Image.open(content) as image:  # few colours: a palette takes a third of the bytes
        image.convert("RGB").quantize(64).save(small, "png", optimize=True)
    return _image(small.getvalue(), "max-width:100%")


def _image(content: bytes, style: str) -> Html:
    return Html(f'<img alt="" style="{style}" src="data:image/png;base64,{b64encode(content).decode()}">')
