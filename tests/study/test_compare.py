from dataclasses import replace
from pathlib import Path

import pytest

from mien.errors import UserError
from mien.runs.study_folder import runs_in
from mien.runs.summary import summarise
from mien.study.compare import compare
from mien.study.execute import execute


def test_runs_of_a_study_tell_how_they_stand(plan, quiet, pretended, tmp_path: Path) -> None:
    pretended.fails = {"better"}
    execute(plan, tmp_path / "out", quiet)
    rows = [summarise(run) for run in runs_in(tmp_path / "out")]
    assert {(row.net, row.seed): row.state for row in rows} == {
        **{(name, seed): "finished" for name in ("worse", "other") for seed in (0, 1)},
        ("better", 0): "finished",
        ("better", 1): "failed",
    }
    failed = next(row for row in rows if row.state == "failed")
    assert (failed.epochs, failed.validation_accuracy) == (0, None)
    assert "nan" in failed.reason
    assert next(row for row in rows if row.net == "other" and row.seed == 0).validation_accuracy == 0.8


def test_the_finished_nets_of_a_study_are_set_side_by_side(plan, quiet, pretended, tmp_path: Path) -> None:
    pretended.fails = {"other"}
    execute(plan, tmp_path / "one", quiet)
    found = compare([tmp_path / "one"])
    assert [(net["name"], net["seeds"]) for net in found["nets"]] == [
        ("other", [0]),
        ("better", [0, 1]),
        ("worse", [0, 1]),
    ]
    assert len(found["comparisons"]) == 3
    assert (found["comparisons"][2]["b01"], found["comparisons"][2]["b10"]) == (0, 6)
    better = found["nets"][1]
    assert better["validation_accuracy"] == pytest.approx(35 / 60)
    assert better["test_accuracy"] == pytest.approx(35 / 60)


def test_runs_can_be_named_alone_and_count_once(plan, quiet, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    execute(plan, Path("one"), quiet)
    execute(plan, Path("two"), quiet)
    one, two = (next(Path(name, "runs").glob("other-*")) for name in ("one", "two"))
    assert [net["name"] for net in compare([one, two])["nets"]] == [str(one), str(two)]
    assert len(compare([Path("one"), one, Path("one")])["nets"]) == 3


def test_nets_of_different_faces_are_not_tested_against_each_other(plan, quiet, pretended, tmp_path: Path) -> None:
    execute(plan, tmp_path / "one", quiet)
    faces = pretended.faces
    other = replace(faces, images=faces.images ^ 1)
    execute(replace(plan, faces=other), tmp_path / "two", quiet)
    found = compare([tmp_path / "one", tmp_path / "two"])
    assert len(found["nets"]) == 6
    assert len({net["faces"] for net in found["nets"]}) == 2
    assert len(found["comparisons"]) == 2 * 3
    assert all(Path(pair["a"]).parts[-3] == Path(pair["b"]).parts[-3] for pair in found["comparisons"])


def test_what_cannot_be_compared_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"neither a study's folder .* nor a run's"):
        compare([tmp_path])
    (tmp_path / "runs").mkdir()
    with pytest.raises(UserError, match="no finished run to compare"):
        compare([tmp_path])
