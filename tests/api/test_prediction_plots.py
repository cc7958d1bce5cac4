import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from mien.api.prediction_plots import PredictionPlots
from mien.errors import UserError
from mien.faces import EMOTIONS
from mien.runs.predictions import Predictions

ALL = ["confusion", "per_class", "reliability", "mistakes", "roc", "precision_recall"]


def drawn_at_random(seed: int = 0, faces: int = 140) -> Predictions:
    rng = np.random.default_rng(seed)
    labels = (np.arange(faces) % 7).astype(np.uint8)
    shares = rng.dirichlet(np.ones(7), faces) + 0.4 * np.eye(7)[labels]
    return Predictions((shares / shares.sum(axis=1, keepdims=True)).astype(np.float32), labels)


IMAGES = np.arange(140, dtype=np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8)
"""Each face a gray of its own."""


class Shown(PredictionPlots):
    """A net's predictions of 140 faces."""

    name, classes, evaluated_on, images, predictions = "tiny", EMOTIONS, "validation", IMAGES, ()

    def __init__(self, *seeds: Predictions, images: np.ndarray | None = IMAGES) -> None:
        self.predictions, self.images = seeds, images


TINY = Shown(drawn_at_random())


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize("method", ALL)
def test_a_figure_of_its_own_shows_itself_without_any_backend_of_a_notebook(method: str) -> None:
    from IPython.core.formatters import DisplayFormatter

    figure = getattr(TINY, method)()
    data, metadata = DisplayFormatter().format(figure)
    assert data["image/png"].startswith(b"\x89PNG")
    about = metadata["image/png"]
    assert about["width"] == round(400 / 72 * 96)
    assert about["alt"].startswith("tiny on validation. ")
    assert figure.axes[0].get_title("left") == "tiny on validation"


def test_the_inline_backend_shows_a_figure_once() -> None:
    from IPython.core.interactiveshell import InteractiveShell
    from matplotlib_inline.backend_inline import configure_inline_support

    shell = InteractiveShell()
    configure_inline_support(shell, "module://matplotlib_inline.backend_inline")
    data, _ = shell.display_formatter.format(TINY.confusion())
    assert set(data) == {"text/plain", "image/png"}


@pytest.mark.parametrize("method", ALL)
def test_axes_of_the_users_are_drawn_into_in_their_own_style(method: str) -> None:
    before = dict(matplotlib.rcParams)
    figure = Figure()
    upper, lower = figure.subplots(2, 1)
    assert getattr(TINY, method)(lower) is figure
    assert lower.has_data()
    assert not upper.has_data()
    assert len(figure.axes) == 2
    assert not figure.legends
    assert dict(matplotlib.rcParams) == before
    assert lower.xaxis.label.get_size() == matplotlib.rcParams["font.size"]


def test_dark_axes_have_light_letters() -> None:
    figure = Figure(facecolor="black")
    axes = figure.subplots()
    axes.set_facecolor("#111111")
    TINY.confusion(axes)
    assert {text.get_color() for text in axes.texts} == {"#e8e5de"}
    TINY.confusion(light := Figure().subplots())
    assert {text.get_color() for text in light.texts} == {"#1f2328"}


def test_axes_of_a_part_of_a_figure_give_the_whole_figure() -> None:
    figure = Figure()
    part, _ = figure.subfigures(1, 2)
    assert TINY.per_class(part.subplots()) is figure


def test_seeds_are_pooled() -> None:
    seeds = [drawn_at_random(0), drawn_at_random(1)]
    counts = [int(text) for text in texts(Shown(*seeds).confusion())[1::2]]
    assert sum(counts) == 280


def test_mistakes_are_the_most_confident_ones_of_the_first_seed() -> None:
    made = drawn_at_random()
    wrong = np.flatnonzero(~made.correct)
    surest = wrong[made.probabilities[wrong].max(axis=1).argmax()]
    (axes,) = Shown(made, drawn_at_random(1)).mistakes(n=3).axes
    assert int(axes.images[0].get_array()[0, 0]) == surest
    truth, answer, share = axes.texts[0].get_text().split("\n")
    assert truth == EMOTIONS[made.labels[surest]]
    assert answer == f"→ {EMOTIONS[made.predicted[surest]]}"
    assert share == f"{100 * made.probabilities[surest].max():.0f} %"
    assert len(axes.images) == 3


def test_what_cannot_be_drawn_is_reported() -> None:
    with pytest.raises(UserError, match="tiny: the faces of validation are not at hand"):
        Shown(drawn_at_random(), images=None).mistakes()
    with pytest.raises(UserError, match="n=0"):
        TINY.mistakes(n=0)
    perfect = Predictions(np.eye(7, dtype=np.float32), np.arange(7, dtype=np.uint8))
    with pytest.raises(UserError, match="every prediction of validation is correct"):
        Shown(perfect).mistakes()
    with pytest.raises(UserError, match="there are no predictions of validation to draw"):
        Shown().confusion()
