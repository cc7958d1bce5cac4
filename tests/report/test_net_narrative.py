from pathlib import Path

import pytest
from report.examples import CLASSES, net, split_scores

from mien.report.net_narrative import narrate_curves, narrate_net
from mien.report.study_data import ReportedNet, read_reported_study
from mien.runs.metrics import Bin, ClassScore
from mien.runs.results import read_results


@pytest.mark.parametrize(
    ("confidence", "correct", "start"),
    [
        (0.9, 0.57, "It is over-confident by 33.0 points: "),
        (0.4, 0.57, "It is under-confident by 17.0 points: "),
        (0.58, 0.57, "On the whole its confidence is right: "),
    ],
)
def test_calibration(confidence: float, correct: float, start: str) -> None:
    scores = split_scores(reliability=(Bin(0, 1, 20, confidence, correct),))
    [sentence] = [text for text in narrate_net(ReportedNet(net("a", "g", 0.5, scores=scores))) if "confiden" in text]
    assert sentence.startswith(start)
    assert f"{100 * correct:.1f} % of its answers are correct" in sentence


def test_confusions_name_truth_and_answer() -> None:
    recalls = zip(CLASSES, (0.5, 0.8), strict=True)
    scores = split_scores(
        confusion=((5, 5), (2, 8)), per_class={name: ClassScore(0.5, recall, 0.5, 10) for name, recall in recalls}
    )
    sentences = narrate_net(ReportedNet(net("a", "g", 0.5, scores=scores)))
    assert sentences[0] == "Best recognised is glad (80.0 % of its faces), worst calm (50.0 %)."
    assert sentences[1] == "Most often it takes calm for glad (50.0 % of calm) and glad for calm (20.0 % of glad)."


def test_a_loss_that_still_falls_calls_for_more_epochs(study: Path) -> None:
    wide = read_reported_study(study, read_results(study)).nets[0]
    assert narrate_curves(wide) == (
        "Its validation loss was still falling after epoch 6, the last: more epochs may help."
    )
