"""A figure of each kind."""

from xml.etree import ElementTree

import numpy as np

from mien.faces import EMOTIONS
from mien.report.curves import Curve, curves_plot
from mien.report.evaluation_figures import confusion_plot, per_class_plot, reliability_plot
from mien.report.figures import Cost, Score, draw_costs, draw_counts, draw_faces, draw_scores
from mien.report.ranking_figures import precision_recall_plot, roc_plot
from mien.runs.metrics import Bin, ClassScore
from mien.runs.predictions import Predictions
from mien.runs.ranking import Area, ClassAreas

RNG = np.random.default_rng(0)
COUNTS = {"train": dict(zip(EMOTIONS, (3995, 436, 4097, 7215, 4830, 3171, 4965), strict=True))}
MADE = Predictions(
    np.array([[0.6, 0.4, 0], [0.5, 0.5, 0], [0.5, 0.5, 0], [0.1, 0.9, 0]], np.float32), np.array([0, 0, 1, 1], np.uint8)
)
"""Of four faces of two classes, the third of which has none."""
AREAS = {
    "a": ClassAreas(Area(0.875, (0.5, 1)), Area(0.833, (0.6, 1))),
    "b": ClassAreas(Area(0.875, (0.5, 1)), Area(0.833, (0.6, 1))),
    "c": None,
}
EPOCHS = np.arange(1.0, 6.0)

DRAWN = {
    "counts": lambda: draw_counts(COUNTS),
    "scores": lambda: draw_scores(
        [Score("a <b>", "x", 0.9, 0.5, (0.4, 0.6)), Score("c", "y", None, 0.6, (0.5, 0.7), 0.6, (0.5, 0.7))]
    ),
    "costs": lambda: draw_costs([Cost("a", 0, 20.0, 1000, 0.5), Cost("b", 1, 20.0, 2000, 0.5)], ["x", "y"]),
    "one cost": lambda: draw_costs([Cost("a", 0, 0.5, 1000, 0.5)], ["x"]),
    "curves": lambda: (
        curves_plot(
            [Curve("train", "train", [EPOCHS, EPOCHS[:3]], [1 / EPOCHS, EPOCHS[:3]])], "epoch", "loss", marked=2.0
        ).svg
    ),
    "not a number": lambda: (
        curves_plot([Curve("train", "train", [EPOCHS], [np.array([900.0, 2, np.nan, 1, np.inf])])], "epoch", "loss").svg
    ),
    "one point": lambda: curves_plot([Curve("train", "train", [EPOCHS[:1]], [EPOCHS[:1]])], "epoch", "loss").svg,
    "confusion": lambda: confusion_plot(RNG.integers(0, 50, (7, 7)), EMOTIONS).svg,
    "empty confusion": lambda: confusion_plot(np.zeros((2, 2), int), ["a", "b"]).svg,
    "per class": lambda: (
        per_class_plot(
            {"a": ClassScore(precision=0.25, recall=0.5, f1=0.4, support=9), "b": ClassScore(0.0, 0.0, 0.0, 0)}
        ).svg
    ),
    "reliability": lambda: reliability_plot([Bin(0.0, 0.5, 0, 0.0, 0.0), Bin(0.5, 1.0, 9, 0.7, 0.5)]).svg,
    "roc": lambda: roc_plot([MADE], ["a", "b", "c"], AREAS).svg,
    "precision recall": lambda: precision_recall_plot([MADE], ["a", "b", "c"], AREAS).svg,
    "faces": lambda: draw_faces(RNG.integers(0, 255, (3, 8, 8)).astype(np.uint8), ["a", "b", "c"], columns=2),
}


def label_of(svg: str) -> str:
    """What a figure says that it shows; the SVG is parsed."""
    root = ElementTree.fromstring(svg)
    assert (root.tag, root.attrib["role"]) == ("{http://www.w3.org/2000/svg}svg", "img")
    return root.attrib["aria-label"]
