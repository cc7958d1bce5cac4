import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from report.drawings import AREAS, MADE, label_of
from report.examples import net, split_scores

from mien.faces import EMOTIONS
from mien.report.ranking_figures import (
    FINEST,
    draw_ranking,
    plot_precision_recall,
    plot_roc,
    precision_recall_plot,
    roc_plot,
)
from mien.report.study_data import ReportedNet
from mien.runs.predictions import Predictions
from mien.runs.ranking import areas

CLASSES = ["a", "b", "c"]


def curves(axes: Axes) -> dict[str, np.ndarray]:
    """By label, a curve's points as they are drawn, in per cent."""
    return {line.get_label().split(" ")[0]: line.get_xydata() for line in axes.lines if line.get_label()[0] != "_"}


def test_the_curves_are_those_of_the_thresholds() -> None:
    axes = Figure().subplots()
    plot_roc(axes, [MADE], CLASSES, AREAS)
    drawn = curves(axes)
    assert set(drawn) == {"a", "b"}  # c has no faces
    np.testing.assert_allclose(drawn["a"], [[0, 0], [0, 50], [50, 100], [100, 100]])
    assert axes.get_legend().get_texts()[0].get_text() == "a 0.875"


def test_precision_falls_in_steps_and_not_below_what_a_recall_can_have() -> None:
    axes = Figure().subplots()
    plot_precision_recall(axes, [MADE], CLASSES, AREAS)
    (a, _) = axes.lines
    assert a.get_drawstyle() == "steps-pre"
    np.testing.assert_allclose(a.get_xydata(), [[0, 100], [50, 100], [100, 200 / 3]], atol=50 / FINEST)


def test_seeds_are_laid_end_to_end_and_the_area_drawn_is_that_of_the_table() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 500).astype(np.uint8)
    seeds = [Predictions(rng.dirichlet(np.ones(7), 500).astype(np.float32), labels) for _ in range(2)]
    ranked = areas([one.probabilities for one in seeds], labels, resamples=10)
    of_class = dict(zip(EMOTIONS, ranked.per_class, strict=True))
    axes, below = Figure().subplots(2)
    plot_roc(axes, seeds, EMOTIONS, of_class)
    plot_precision_recall(below, seeds, EMOTIONS, of_class)
    for name, points in curves(axes).items():
        x, y = points.T / 100
        assert abs(np.trapezoid(y, x) - of_class[name].roc_auc.value) < 2 / FINEST
        assert len(points) <= 2 * FINEST
    for name, points in curves(below).items():
        x, y = points.T / 100
        assert abs((np.diff(x) * y[1:]).sum() - of_class[name].average_precision.value) < 3 / FINEST


def test_figures_say_the_areas_with_their_intervals() -> None:
    each = "a 0.875 (0.500 to 1.000); b 0.875 (0.500 to 1.000)."
    assert (
        label_of(roc_plot([MADE], CLASSES, AREAS).svg) == f"ROC curves of each emotion against the rest. Areas: {each}"
    )
    label = label_of(precision_recall_plot([MADE], CLASSES, AREAS).svg)
    assert label.endswith("Average precisions: a 0.833 (0.600 to 1.000); b 0.833 (0.600 to 1.000).")


def test_no_curves_without_areas_or_runs() -> None:
    scored = split_scores(areas=AREAS, macro_areas=AREAS["a"])
    assert draw_ranking(ReportedNet(net("x", "g", 0.5)), CLASSES) == []
    assert draw_ranking(ReportedNet(net("x", "g", 0.5, scores=scored)), CLASSES) == []
    assert draw_ranking(ReportedNet(net("x", "g", None, scores=None)), CLASSES) == []
