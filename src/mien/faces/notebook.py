"""Notebook: faces, their counts and their audit as HTML, without scripts and without a network."""

from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.faces.clean import describe_left_out
from mien.faces.contact_sheets import pick
from mien.html_tables import Html, html_lines, html_table

if TYPE_CHECKING:
    from mien.faces.audit import Audit, LabelAgreement
    from mien.faces.types import Counts, Faces

SHOWN = 2
"""Faces of each emotion beside its counts."""

LARGEST = 64
"""The side in pixels to which larger faces are reduced, so that a notebook stays small."""


def faces_as_html(faces: "Faces") -> str:
    """Name and size, the counts with a few faces of each emotion, the notes and the fingerprint."""
    counts = faces.counts()
    lines = [f"note: {note}" for note in faces.notes]
    lines += [f"left out: {line}" for line in describe_left_out(faces.left_out)]
    lines.append(f"fingerprint {faces.fingerprint[:16]}")
    title = f"{faces.name}: {len(faces):,} faces, {faces.size}x{faces.size}"
    return f"{_counts_table(counts, title, _strips(faces, next(iter(counts), '')))}\n{html_lines(lines)}"


def counts_as_html(counts: "Counts") -> str:
    """A row for each emotion: its faces in each split, and their share of the split."""
    return _counts_table(counts)


def audit_as_html(audit: "Audit") -> str:
    """The figures of an audit, and what they mean."""
    splits = list(audit.duplicates)
    rows = [("constant images", *(f"{audit.constant[split]:,}" for split in splits))]
    for title, field in (
        ("groups of copies within the split", "groups"),
        ("images in them", "images"),
        ("groups with different labels", "conflicting_groups"),
    ):
        rows.append((title, *(f"{getattr(audit.duplicates[split], field):,}" for split in splits)))
    for title, leaks in (("copies", audit.leaks), ("near duplicates", audit.near_duplicates)):
        in_train = (f"{leaks[f'{split}_in_train']:,}" for split in splits[1:])
        rows.append((f"{title} of train's images", "", *in_train))
        rows.append((f"{title} of validation's images", "", "", f"{leaks['test_in_validation']:,}"))
    parts = [html_table(["", *splits], rows, f"{audit.name}: {audit.images:,} faces audited")]
    if audit.votes is not None:
        by_emotion = [_agreement(emotion, one) for emotion, one in audit.votes.by_emotion.items()]
        columns = ["label", "clear votes", "agree", "%"]
        parts.append(html_table(columns, by_emotion, "labels and FER+'s votes", _agreement("all", audit.votes)))
    advice = html_lines(audit.advice(), "li")
    return "\n".join([*parts, f"<ul>{advice}</ul>"])


def _agreement(name: str, one: "LabelAgreement") -> tuple[str, int, int, str]:
    return name, one.clear, one.agree, f"{100 * one.agreement:.1f}"


def _counts_table(counts: "Counts", caption: str = "", pictures: dict[str, Html] | None = None) -> Html:
    """The table of counts; with pictures of each emotion, if they are given."""
    totals = {split: sum(numbers.values()) for split, numbers in counts.items()}
    emotions = dict.fromkeys(emotion for numbers in counts.values() for emotion in numbers)
    rows: list[list[str | int]] = []
    for emotion in emotions:
        row: list[str | int] = [emotion] if pictures is None else [emotion, pictures.get(emotion, "")]
        for split, numbers in counts.items():
            row += [numbers[emotion], f"{100 * numbers[emotion] / totals[split]:.1f}"]
        rows.append(row)
    first = ["emotion"] if pictures is None else ["emotion", ""]
    sums = [cell for total in totals.values() for cell in (total, "100.0")]
    columns = [*first, *(name for split in counts for name in (split, "%"))]
    return html_table(columns, rows, caption, ["all", *first[1:], *sums], len(first))


def _strips(faces: "Faces", split: str) -> dict[str, Html]:
    """A picture of some faces of each emotion, beside each other."""
    if not split:
        return {}
    images = faces.split(split).images
    rows = zip(faces.classes, pick(faces, SHOWN, split=split), strict=True)
    return {emotion: _picture(np.concatenate(images[picked], axis=1)) for emotion, picked in rows if len(picked)}


def _picture(pixels: NDArray[np.uint8]) -> Html:
    from PIL import Image

    image, content = Image.fromarray(pixels), BytesIO()
    image.thumbnail((image.width, LARGEST))
    image.save(content, "png")
    source = f"data:image/png;base64,{b64encode(content.getvalue()).decode()}"
    return Html(f'<img alt="" style="height:48px;max-width:none" src="{source}">')
