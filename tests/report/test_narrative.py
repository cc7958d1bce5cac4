import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.examples import CLASSES, accuracy, comparison, failed_net, net, reported, split_scores

from mien.faces import Faces
from mien.faces.audit import audit
from mien.report.narrative import answer, apart, narrate_audit, narrate_group, narrate_study, points, times
from mien.report.net_narrative import narrate_net
from mien.report.study_data import ReportedStudy, read_reported_study
from mien.runs.metrics import Bin, ClassScore
from mien.runs.results import read_results
from mien.runs.search_results import SearchResult

SHARE = st.floats(0, 1)


def sentences_of(study: ReportedStudy) -> list[str]:
    """The sentences of each group, and then those of the whole study."""
    return [text for group in study.groups for text in narrate_group(study, group.name)] + narrate_study(study)


PAIR = [net("one", "g", 0.6, selected=True), net("two", "g", 0.5)]


def test_a_lead_is_beyond_chance_only_if_the_test_says_so() -> None:
    sure = reported(PAIR, [comparison("one", "two", "validation", 30, 10, 0.0021)])
    assert sentences_of(sure)[0] == (
        "one is best on validation with 60.0 %, 10.0 points ahead of two, beyond chance (McNemar p = 0.002)."
    )
    doubtful = reported(PAIR, [comparison("two", "one", "validation", 18, 22, 0.63)])
    assert sentences_of(doubtful)[0].endswith("ahead of two, which may be chance (McNemar p = 0.630).")


def test_runs_that_point_the_other_way_are_named() -> None:
    odd = reported(PAIR, [comparison("one", "two", "validation", 10, 30, 0.0021)], seeds=3)
    assert sentences_of(odd)[0].endswith(
        "though the runs compared point the other way (McNemar p = 0.002, by the runs of seed 0)."
    )


def test_a_gain_has_its_cost() -> None:
    nets = [
        net("mlp", "fnn", 0.47, test=0.4728, selected=True, seconds=27.0, parameters=5230463),
        net("cnn", "cnn", 0.57, test=0.5812, selected=True, seconds=145.0, parameters=2723303),
    ]
    study = reported(nets, [comparison("mlp", "cnn", "test", 400, 789, 1e-20)])
    assert narrate_study(study)[0] == (
        "cnn gains 10.8 points over mlp on test (58.1 against 47.3 %), beyond chance (McNemar p < 0.001). It takes 5.4 "
        "times the training time (2 min 25 s against 27 s) and has 0.52 times the number of parameters (2,723,303 "
        "against 5,230,463)."
    )


def test_a_search_is_part_of_the_cost() -> None:
    nets = [
        net("searched", "x", 0.6, selected=True, seconds=30.0),
        net("plain", "y", 0.5, selected=True, seconds=60.0),
    ]
    search = SearchResult("tpe", "none", (), {}, 1, (), None, (), {}, seconds=300.0, saved_epochs=0)
    assert narrate_study(reported(nets, tuning={"searched": search}))[0].endswith(
        "It takes 0.50 times the training time (30 s after a search of 5 min against 1 min) and has as many parameters "
        "(1,000)."
    )


def test_of_level_nets_the_cost_names_whose_it_is() -> None:
    nets = [net("a", "x", 0.6, selected=True), net("b", "y", 0.6, selected=True, seconds=30.0)]
    assert narrate_study(reported(nets)) == [
        "a and b are level on validation (60.0 against 60.0 %). a takes 2.0 times the training time (1 min against"
        " 30 s) and has as many parameters (1,000)."
    ]


def test_the_best_on_validation_may_be_behind_on_test() -> None:
    nets = [
        net("a", "x", 0.6, test=0.5, selected=True),
        net("b", "y", 0.5, test=0.55, selected=True),
    ]
    sentence = narrate_study(reported(nets, [comparison("a", "b", "test", 10, 40, 0.001)]))[0]
    assert sentence.startswith(
        "a, best on validation, is 5.0 points behind b on test (50.0 against 55.0 %), beyond chance"
    )


def test_over_fitting_is_named_with_its_gap() -> None:
    nets = [net("a", "g", 0.47, train=0.94, selected=True), net("b", "g", 0.43, train=0.44)]
    sentences = sentences_of(reported(nets))
    assert "a over-fits most: 94.0 % on train, 47.0 % on validation, a gap of 47.0 points." in sentences
    assert any(sentence.startswith("b does about as well on validation as on train") for sentence in sentences)


def test_one_net_alone_does_not_over_fit_most() -> None:
    sentences = sentences_of(reported([net("a", "g", 0.47, train=0.94, selected=True)]))
    assert sentences == ["a over-fits: 94.0 % on train, 47.0 % on validation, a gap of 47.0 points."]


@pytest.mark.parametrize(("leaked", "faces"), [(1, "test face that also stands"), (3, "3 test faces that also stand")])
def test_the_answer_gives_interval_leaks_and_the_commonest_class(leaked: int, faces: str) -> None:
    best = net("cnn", "g", 0.6, selected=True)
    shares = replace(
        best.accuracy, test=accuracy(0.5812, 0.565, 0.597), test_without_leaks=accuracy(0.57, 0.553, 0.587)
    )
    given = answer(reported([replace(best, accuracy=shares)], leaked=leaked))
    assert given.headline == "cnn recognises 58.1 % of the test faces."
    assert given.details == (
        "95 % interval 56.5 to 59.7 %; n = 20 faces.",
        f"Without the {faces} in train: 57.0 (55.3 to 58.7) %.",
        "Always answering calm would be correct for 50.0 %.",
    )


def test_the_answer_without_a_test_split_warns() -> None:
    given = answer(reported(PAIR))
    assert given.headline == "one recognises 60.0 % of the validation faces."
    assert any("selected on these very faces" in sentence for sentence in given.details)


def test_a_study_without_a_finished_net() -> None:
    study = reported([failed_net("a", "g")])
    assert answer(study).headline == "No net came to its end."
    assert sentences_of(study) == []
    assert narrate_net(study.nets[0]) == []


def test_an_audit_is_put_into_words() -> None:
    images = np.random.default_rng(0).integers(0, 255, (6, 8, 8)).astype(np.uint8)
    images[1], images[4], images[2] = images[0], images[0], 7
    faces = Faces(images, np.array([0, 1, 0, 1, 0, 1], np.uint8), np.array([0, 0, 0, 0, 1, 2], np.uint8), ("a", "b"))
    assert narrate_audit(audit(faces)) == [
        "1 image is of one gray all over: no face can be seen there.",
        "Within train 2 images are copies of one another, in 1 group: train holds fewer different faces than it "
        "counts.",
        "1 validation image stands pixel for pixel in train too, which flatters validation accuracy a little.",
        "3 images are copies with labels that contradict each other, in 1 group: no net can be correct on all of them.",
    ]
    assert narrate_audit(audit(faces.split("test"))) == []


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (5.371, "5.4 times the cost"),
        (0.52, "0.52 times the cost"),
        (1.04, "about the same cost"),
        (1.9, "1.90 times the cost"),
        (0.00123, "0.0012 times the cost"),
    ],
)
def test_ratios(ratio: float, text: str) -> None:
    assert times(ratio, "cost") == text


def test_differences_agree_with_what_is_shown() -> None:
    assert points(apart(0.4666, 0.4634)) == "0.4 points"  # 46.7 and 46.3
    assert points(0.01) == "1.0 point"


@st.composite
def studies(draw: st.DrawFn) -> ReportedStudy:
    nets = []
    for group in ("x", "y")[: draw(st.integers(1, 2))]:
        members = []
        for number in range(draw(st.integers(1, 3))):
            if draw(st.booleans()) and draw(st.booleans()):
                members.append(failed_net(f"{group}{number}", group))
                continue
            scores = split_scores(
                ece=draw(SHARE),
                per_class={name: ClassScore(0.5, draw(SHARE), 0.5, draw(st.integers(0, 5))) for name in CLASSES},
                confusion=tuple(tuple(draw(st.integers(0, 9)) for _ in CLASSES) for _ in CLASSES),
                reliability=tuple(Bin(0, 1, draw(st.integers(0, 9)), draw(SHARE), draw(SHARE)) for _ in range(2)),
            )
            seconds = draw(st.just(0.0) | st.floats(0.001, 1e5))
            parameters = draw(st.integers(1, 10**8))
            members.append(
                net(
                    *(f"{group}{number}", group, draw(SHARE), draw(SHARE)),
                    seconds=seconds,
                    parameters=parameters,
                    scores=scores,
                )
            )
        done = [one for one in members if one.state == "finished"]
        if done:
            best = max(done, key=lambda one: one.accuracy.validation.mean)
            chosen = replace(best, selected=True)
            if draw(st.booleans()):
                shares = replace(best.accuracy, test=accuracy(draw(SHARE)), test_without_leaks=accuracy(draw(SHARE)))
                chosen = replace(chosen, accuracy=shares, scores=replace(best.scores, evaluated_on="test"))
            members[members.index(best)] = chosen
        nets += members
    names = [one.name for one in nets]
    counts = st.integers(0, 50)
    comparisons = [
        comparison(a, b, split, draw(counts), draw(counts), draw(SHARE))
        for split in ("validation", "test")
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    ]
    return reported(nets, comparisons, draw(st.integers(1, 3)), draw(st.integers(0, 5)))


@given(studies())
def test_sentences_never_say_more_than_the_numbers(study: ReportedStudy) -> None:
    sentences = [answer(study).headline, *answer(study).details, *sentences_of(study)]
    sentences += [sentence for one in study.nets for sentence in narrate_net(one)]
    for sentence in sentences:
        assert sentence[0] != " "
        assert not re.search(r"\bnan\b|\binf\b|None|  |(?<![\w.,])1 \w+s\b", sentence), sentence
        p = re.search(r"McNemar p (=|<) ([\d.]+)", sentence)
        if "beyond chance" in sentence or "point the other way" in sentence:
            assert p
            assert float(p[2]) <= 0.05
        if "may be chance" in sentence:
            assert p
            assert float(p[2]) >= 0.05


@given(studies())
def test_who_leads_is_who_has_the_higher_number(study: ReportedStudy) -> None:
    shares = {one.name: one.validation.mean for one in study.nets if one.validation}
    for sentence in sentences_of(study):
        if match := re.search(r"(\w+) is best on validation .* ([\d.]+) points? ahead of (\w+)", sentence):
            ahead = shares[match[1]] - shares[match[3]]
            assert ahead > 0
            assert float(match[2]) == pytest.approx(100 * ahead, abs=0.11)
        if match := re.search(r"(\w+) over-fits most: ([\d.]+) % on train, ([\d.]+) % on validation", sentence):
            assert float(match[2]) > float(match[3])
        if match := re.search(r"\(([\d.]+) against ([\d.]+) %\)", sentence):
            mine, its = float(match[1]), float(match[2])
            assert (" gains " in sentence) == (mine > its)
            assert (" behind " in sentence) == (mine < its)


def test_the_answer_of_a_real_folder_names_its_best(study: Path) -> None:
    results = read_results(study)
    assert answer(read_reported_study(study, results)).headline.startswith(f"{results.best} recognises ")
