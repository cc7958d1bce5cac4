from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.study.config.schema import read_study
from mien.study.execute import execute
from mien.study.plan import make_plan


def test_the_figures_of_a_net(plan, quiet, tmp_path: Path) -> None:
    results = execute(plan, tmp_path / "out", quiet)
    better, worse = results.by_name["better"], results.by_name["worse"]
    # Of 30 test faces seed 0 has the first 18 right, seed 1 the first 17; the first three are leaked.
    assert better.accuracy.test.mean == pytest.approx(35 / 60)
    assert better.accuracy.test_without_leaks.mean == pytest.approx((15 + 14) / 54)
    assert better.accuracy.test.sd == pytest.approx(np.std([18 / 30, 17 / 30], ddof=1))
    low, high = better.accuracy.test.interval
    assert low < better.accuracy.test.mean < high
    assert better.accuracy.train.mean == pytest.approx((24 + 23) / 80)
    assert better.last_epoch_accuracy == pytest.approx(0.6)
    assert better.seconds == pytest.approx(1.5)
    assert (better.epochs, better.finished_runs, better.state) == (2, 2, "finished")
    assert better.parameters == 2304 * 5 + 5 + 5 * 7 + 7
    assert (better.scores.evaluated_on, worse.scores.evaluated_on) == ("test", "validation")
    assert np.sum(better.scores.confusion) == 60
    assert set(better.scores.areas) == set(better.scores.per_class)
    assert better.scores.macro_areas.roc_auc.value == pytest.approx(
        np.mean([one.roc_auc.value for one in better.scores.areas.values()])
    )
    assert sum(score.support for score in better.scores.per_class.values()) == 30
    assert results.faces.leaked_test == 3


def test_nets_are_compared_within_their_group_and_the_selected_across(plan, quiet, tmp_path: Path) -> None:
    results = execute(plan, tmp_path / "out", quiet).comparisons
    assert [(pair.a, pair.b, pair.split) for pair in results] == [
        ("worse", "better", "validation"),
        ("better", "other", "validation"),
        ("better", "other", "test"),
    ]
    # Of 30 validation faces `worse` has the first 12 right and `better` the first 18, by their first seeds.
    assert (results[0].mcnemar.only_a, results[0].mcnemar.only_b) == (0, 6)
    assert results[0].mcnemar.p == pytest.approx(2 / 2**6)


def test_without_test_faces_validation_counts(study_file, pretended, monkeypatch, quiet, tmp_path) -> None:
    faces = pretended.faces
    rows = slice(0, 70)
    some = replace(faces, images=faces.images[rows], labels=faces.labels[rows], splits=faces.splits[rows])
    monkeypatch.setattr("mien.faces.spec.FacesSpec.open", lambda *_: some)
    results = execute(make_plan(read_study(study_file)), tmp_path / "out", quiet)
    assert [group.selected for group in results.groups] == ["better", "other"]
    assert results.by_name["better"].scores.evaluated_on == "validation"
    assert {pair.split for pair in results.comparisons} == {"validation"}


def test_an_ensemble_answers_by_the_mean_of_its_nets(tmp_path: Path, quiet) -> None:
    file = tmp_path / "together.toml"
    file.write_text(
        """
name = "together"
seeds = [0, 1]
data.source = "drawn:200"
recipe = { epochs = 1 }
[nets.a]
layers = ["pool(4)", "flatten", "dense(8)", "relu", "classes"]
[nets.b]
layers = ["pool(8)", "flatten", "classes"]
[nets.c]
layers = ["flatten", "classes"]
[groups]
first = ["a"]
others = ["b", "c"]
[ensembles]
both = { a = 3, b = 1 }
all = ["a", "b", "c"]
""",
        encoding="utf-8",
    )
    plan = make_plan(read_study(file))
    results = execute(plan, tmp_path / "out", quiet)
    selected = [group.selected for group in results.groups]
    for ensemble in results.ensembles:
        nets = [net for net in plan.study.nets if net.net.name in ensemble.nets]
        runs = [run for net in nets for run in plan.runs(net, tmp_path / "out")]
        predictions = [run.predictions("validation") for run in runs]
        weights = {"both": [3, 3, 1, 1], "all": [1] * 6}[ensemble.name]
        answers = np.average([one.probabilities for one in predictions], axis=0, weights=weights).argmax(axis=1)
        correct = answers == predictions[0].labels
        assert ensemble.runs == 2 * len(ensemble.nets)
        assert ensemble.weights == pytest.approx(
            dict(zip(ensemble.nets, np.array(weights[::2]) / sum(weights[::2]), strict=True))
        )
        assert ensemble.accuracy.validation.mean == pytest.approx(correct.mean())
        assert ensemble.accuracy.validation.sd is None
        best = max(ensemble.nets, key=lambda name: results.by_name[name].accuracy.validation.mean)
        assert ensemble.best == best
        tested = set(ensemble.nets) <= set(selected)
        assert (ensemble.accuracy.test is not None) == tested
        assert ensemble.scores.evaluated_on == ("test" if tested else "validation")
    assert results.ensembles[1].accuracy.test is None
