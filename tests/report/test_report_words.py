import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.report.narrative import answer, apart, audit_words, group_words, points, times, whole_words
from mien.report.net_narrative import curve_words, net_words
from mien.report.study_data import Contents, NetResult, read_contents

SHARE = st.floats(0, 1)
CLASSES = ["calm", "glad"]


def net(name: str, group: str, validation: float, **more: Any) -> dict[str, Any]:
    """An entry of results.json."""
    return {
        "name": name,
        "group": group,
        "layers": ["flatten", "classes"],
        "values": {},
        "recipe": {},
        "state": "finished",
        "reason": "",
        "selected": False,
        "parameters": 1000,
        "seconds": 60.0,
        "train_accuracy": validation,
        "validation_accuracy": validation,
        "validation_accuracy_interval": [validation, validation],
        "judged_on": "validation",
        "ece": 0.1,
        "per_class": {name: {"recall": 0.5, "precision": 0.5, "f1": 0.5, "support": 10} for name in CLASSES},
        "confusion": [[5, 5], [5, 5]],
        "reliability": [{"low": 0, "high": 1, "count": 20, "confidence": validation, "accuracy": validation}],
    } | more


def study_of(
    nets: list[dict[str, Any]], comparisons: list[dict[str, Any]] | None = None, seeds: int = 1, leaked: int = 0
) -> Contents:
    groups = list(dict.fromkeys(entry["group"] for entry in nets))
    chosen = [entry for entry in nets if entry["selected"]]
    facts = {
        "study": "words",
        "seeds": list(range(seeds)),
        "best": max(chosen, key=lambda entry: entry["validation_accuracy"])["name"] if chosen else None,
        "faces": {
            "classes": CLASSES,
            "counts": {split: dict.fromkeys(CLASSES, 10) for split in ("train", "validation", "test")},
            "leaked_test": leaked,
        },
        "groups": [{"name": group} for group in groups],
        "comparisons": comparisons or [],
    }
    return Contents(facts, tuple(NetResult(entry) for entry in nets))


def comparison_words(contents: Contents) -> list[str]:
    """What the sections of the tables say, and then that of all of them."""
    of_groups = [text for section in contents.sections for text in group_words(contents, section.name)]
    return of_groups + whole_words(contents)


def mcnemar(a: str, b: str, split: str, a_alone: int, b_alone: int, p: float) -> dict[str, Any]:
    return {"a": a, "b": b, "split": split, "b10": a_alone, "b01": b_alone, "p": p}


PAIR = [net("one", "g", 0.6, selected=True), net("two", "g", 0.5)]


def test_a_lead_is_beyond_chance_only_if_the_test_says_so() -> None:
    sure = study_of(PAIR, [mcnemar("one", "two", "validation", 30, 10, 0.0021)])
    assert comparison_words(sure)[0] == (
        "one is best on validation with 60.0 %, 10.0 points ahead of two, beyond chance (McNemar p = 0.002)."
    )
    doubtful = study_of(PAIR, [mcnemar("two", "one", "validation", 18, 22, 0.63)])
    assert comparison_words(doubtful)[0].endswith("ahead of two, which may be chance (McNemar p = 0.630).")


def test_runs_that_point_the_other_way_are_named() -> None:
    odd = study_of(PAIR, [mcnemar("one", "two", "validation", 10, 30, 0.0021)], seeds=3)
    assert comparison_words(odd)[0].endswith(
        "though the runs compared point the other way (McNemar p = 0.002, by the runs of seed 0)."
    )


def test_a_gain_tells_its_cost() -> None:
    nets = [
        net(
            "mlp", "fnn", 0.47, selected=True, test_accuracy=0.4728, judged_on="test", seconds=27.0, parameters=5230463
        ),
        net(
            "cnn", "cnn", 0.57, selected=True, test_accuracy=0.5812, judged_on="test", seconds=145.0, parameters=2723303
        ),
    ]
    contents = study_of(nets, [mcnemar("mlp", "cnn", "test", 400, 789, 1e-20)])
    assert whole_words(contents)[0] == (
        "cnn gains 10.8 points over mlp on test (58.1 against 47.3 %), beyond chance (McNemar p < 0.001). It takes 5.4 "
        "times the training time (2 min 25 s against 27 s) and has 0.52 times the number of parameters (2,723,303 "
        "against 5,230,463)."
    )


def test_a_search_is_part_of_the_cost() -> None:
    nets = [
        net("searched", "x", 0.6, selected=True, seconds=30.0),
        net("plain", "y", 0.5, selected=True, seconds=60.0),
    ]
    contents = study_of(nets)
    contents.facts["tuning"] = {"searched": {"seconds": 300.0}}  # type: ignore[index]
    assert whole_words(contents)[0].endswith(
        "It takes 0.50 times the training time (30 s after a search of 5 min against 1 min) and has as many parameters "
        "(1,000)."
    )


def test_of_level_nets_the_cost_names_whose_it_is() -> None:
    nets = [net("a", "x", 0.6, selected=True), net("b", "y", 0.6, selected=True, seconds=30.0)]
    assert whole_words(study_of(nets)) == [
        "a and b are level on validation (60.0 against 60.0 %). a takes 2.0 times the training time (1 min against"
        " 30 s) and has as many parameters (1,000)."
    ]


def test_the_best_on_validation_may_be_behind_on_test() -> None:
    nets = [
        net("a", "x", 0.6, selected=True, test_accuracy=0.5, judged_on="test"),
        net("b", "y", 0.5, selected=True, test_accuracy=0.55, judged_on="test"),
    ]
    said = whole_words(study_of(nets, [mcnemar("a", "b", "test", 10, 40, 0.001)]))[0]
    assert said.startswith("a, best on validation, is 5.0 points behind b on test (50.0 against 55.0 %), beyond chance")


def test_over_fitting_is_named_with_its_gap() -> None:
    nets = [net("a", "g", 0.47, train_accuracy=0.94, selected=True), net("b", "g", 0.43, train_accuracy=0.44)]
    said = comparison_words(study_of(nets))
    assert "a over-fits most: 94.0 % on train, 47.0 % on validation, a gap of 47.0 points." in said
    assert any(sentence.startswith("b does about as well on validation as on train") for sentence in said)


def test_one_net_alone_does_not_over_fit_most() -> None:
    said = comparison_words(study_of([net("a", "g", 0.47, train_accuracy=0.94, selected=True)]))
    assert said == ["a over-fits: 94.0 % on train, 47.0 % on validation, a gap of 47.0 points."]


def test_the_answer_gives_interval_leaks_and_the_commonest_class() -> None:
    best = net(
        "cnn",
        "g",
        0.6,
        selected=True,
        test_accuracy=0.5812,
        test_accuracy_interval=[0.565, 0.597],
        test_accuracy_without_leaks=0.57,
        test_accuracy_without_leaks_interval=[0.553, 0.587],
    )
    found = answer(study_of([best], leaked=3))
    assert found.headline == "cnn recognises 58.1 % of the test faces."
    assert found.details == (
        "95 % interval 56.5 to 59.7 %; n = 20 faces.",
        "Without the 3 test faces that also stand in train: 57.0 (55.3 to 58.7) %.",
        "Always answering calm would be right for 50.0 %.",
    )


def test_the_answer_without_a_test_split_warns() -> None:
    found = answer(study_of(PAIR))
    assert found.headline == "one recognises 60.0 % of the validation faces."
    assert any("selected on these very faces" in sentence for sentence in found.details)


def test_nothing_finished_is_said() -> None:
    lost = net("a", "g", 0.5, state="failed", validation_accuracy=None, train_accuracy=None, judged_on=None)
    contents = study_of([lost])
    assert answer(contents).headline == "No net came to its end."
    assert comparison_words(contents) == []
    assert net_words(contents.nets[0]) == []


@pytest.mark.parametrize(
    ("confidence", "right", "word"),
    [(0.9, 0.57, "over-confident"), (0.4, 0.57, "under-confident"), (0.58, 0.57, "right")],
)
def test_calibration_is_judged(confidence: float, right: float, word: str) -> None:
    bins = [{"low": 0, "high": 1, "count": 20, "confidence": confidence, "accuracy": right}]
    [said] = [text for text in net_words(NetResult(net("a", "g", right, reliability=bins))) if "confiden" in text]
    assert word in said.split(":")[0]


def test_confusions_name_truth_and_answer() -> None:
    entry = net("a", "g", 0.5, confusion=[[5, 5], [2, 8]])
    entry["per_class"]["glad"]["recall"] = 0.8
    said = net_words(NetResult(entry))
    assert said[0] == "Best recognised is glad (80.0 % of its faces), worst calm (50.0 %)."
    assert said[1] == "Most often it takes calm for glad (50.0 % of calm) and glad for calm (20.0 % of glad)."


def test_an_audit_is_put_into_words() -> None:
    import numpy as np

    from mien.faces import Faces
    from mien.faces.audit import audit

    images = np.random.default_rng(0).integers(0, 255, (6, 8, 8)).astype(np.uint8)
    images[1], images[4], images[2] = images[0], images[0], 7
    faces = Faces(images, np.array([0, 1, 0, 1, 0, 1], np.uint8), np.array([0, 0, 0, 0, 1, 2], np.uint8), ("a", "b"))
    said = audit_words(audit(faces))
    assert said[0].startswith("1 image is of one gray all over")
    assert "2 images are copies of one another, in 1 groups" in said[1]
    assert said[2].startswith("1 validation images stand pixel for pixel in train too")
    assert said[3].startswith("3 images are copies whose labels contradict each other")
    assert audit_words(audit(faces.split("test"))) == []


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
def studies(draw: st.DrawFn) -> Contents:
    nets = []
    for group in ("x", "y")[: draw(st.integers(1, 2))]:
        members = []
        for number in range(draw(st.integers(1, 3))):
            failed = draw(st.booleans()) and draw(st.booleans())
            per_class = {c: {"recall": draw(SHARE), "support": draw(st.integers(0, 5))} for c in CLASSES}
            entry = net(
                f"{group}{number}",
                group,
                draw(SHARE),
                train_accuracy=draw(SHARE),
                seconds=draw(st.just(0.0) | st.floats(0.001, 1e5)),
                parameters=draw(st.integers(1, 10**8)),
                ece=draw(SHARE),
                per_class=per_class,
                confusion=[[draw(st.integers(0, 9)) for _ in CLASSES] for _ in CLASSES],
                reliability=[
                    {"count": draw(st.integers(0, 9)), "confidence": draw(SHARE), "accuracy": draw(SHARE)}
                    for _ in range(2)
                ],
            )
            if failed:
                entry |= {"state": "failed", "validation_accuracy": None, "train_accuracy": None, "judged_on": None}
            members.append(entry)
        done = [entry for entry in members if entry["state"] == "finished"]
        if done:
            best = max(done, key=lambda entry: entry["validation_accuracy"])
            best["selected"] = True
            if draw(st.booleans()):
                best |= {"test_accuracy": draw(SHARE), "test_accuracy_without_leaks": draw(SHARE), "judged_on": "test"}
        nets += members
    names = [entry["name"] for entry in nets]
    counts = st.integers(0, 50)
    comparisons = [
        mcnemar(a, b, split, draw(counts), draw(counts), draw(SHARE))
        for split in ("validation", "test")
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    ]
    return study_of(nets, comparisons, draw(st.integers(1, 3)), draw(st.integers(0, 5)))


@given(studies())
@settings(max_examples=100, deadline=None)
def test_words_never_say_more_than_the_numbers(contents: Contents) -> None:
    said = [answer(contents).headline, *answer(contents).details, *comparison_words(contents)]
    said += [sentence for one in contents.nets for sentence in net_words(one)]
    for sentence in said:
        assert sentence[0] != " "
        assert not re.search(r"\bnan\b|\binf\b|None|  ", sentence), sentence
        found = re.search(r"McNemar p (=|<) ([\d.]+)", sentence)
        if "beyond chance" in sentence or "point the other way" in sentence:
            assert found
            assert float(found[2]) <= 0.05
        if "may be chance" in sentence:
            assert found
            assert float(found[2]) >= 0.05


@given(studies())
@settings(max_examples=100, deadline=None)
def test_who_leads_is_who_has_the_higher_number(contents: Contents) -> None:
    accuracy = {one.name: one.validation.value for one in contents.nets if one.validation}
    for sentence in comparison_words(contents):
        if found := re.search(r"(\w+) is best on validation .* ([\d.]+) points? ahead of (\w+)", sentence):
            ahead = accuracy[found[1]] - accuracy[found[3]]
            assert ahead > 0
            assert float(found[2]) == pytest.approx(100 * ahead, abs=0.11)
        if found := re.search(r"(\w+) over-fits most: ([\d.]+) % on train, ([\d.]+) % on validation", sentence):
            assert float(found[2]) > float(found[3])
        if found := re.search(r"\(([\d.]+) against ([\d.]+) %\)", sentence):
            mine, its = float(found[1]), float(found[2])
            assert (" gains " in sentence) == (mine > its)
            assert (" behind " in sentence) == (mine < its)


def test_a_loss_that_still_falls_asks_for_more(study: Path) -> None:
    wide = read_contents(study).nets[0]
    assert curve_words(wide) == ("Its validation loss was still falling after epoch 6, the last: more epochs may help.")


def test_the_words_of_a_real_folder_name_its_best(study: Path) -> None:
    results = json.loads((study / "results.json").read_text())
    assert answer(read_contents(study)).headline.startswith(results["best"])
