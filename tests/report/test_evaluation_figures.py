import numpy as np
import pytest
from report.drawings import DRAWN, label_of

from mien.report.evaluation_figures import confusion_plot


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("empty confusion", "Confusion matrix. Of each emotion, recognised: a 0 %; b 0 %."),
        ("per class", "Recall and precision of each emotion. Recall: a 50 %; b 0 %."),
        ("reliability", "Reliability diagram: at 70 % confidence 50 % correct."),
    ],
)
def test_figures_say_what_they_show(name: str, label: str) -> None:
    assert label_of(DRAWN[name]()) == label


def test_cells_of_a_confusion_matrix_have_share_and_count() -> None:
    svg = confusion_plot(np.array([[3, 1], [0, 4]]), ["calm", "glad"]).svg
    assert label_of(svg) == "Confusion matrix. Of each emotion, recognised: calm 75 %; glad 100 %."
    assert all(f">{text}<" in svg for text in ("75", "25", "100", "0", "3", "1", "4"))
