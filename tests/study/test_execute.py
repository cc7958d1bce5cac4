import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.errors import UserError
from mien.runs.results import read_results
from mien.runs.run import Run
from mien.study.config.schema import read_study
from mien.study.execute import exclusive, execute
from mien.study.outline import outline
from mien.study.plan import make_plan


def test_a_study_trains_every_net_with_every_seed_and_writes_its_folder(plan, quiet, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    results = execute(plan, folder, quiet, "mien study small.toml")
    assert quiet.ends == [(name, "finished") for name in ("worse", "better", "other") for _ in "01"]
    assert quiet.steps == 6 * 4
    assert read_results(folder) == results
    assert (folder / "study.toml").read_text(encoding="utf-8") == "# mien study small.toml\n" + plan.study.text
    assert json.loads((folder / "faces.json").read_text(encoding="utf-8"))["fingerprint"] == plan.faces.fingerprint
    assert sorted(place.name for place in (folder / "runs").iterdir()) == sorted(quiet.runs)


def test_the_best_on_validation_of_each_group_is_selected_and_test_opened_for_it_alone(
    plan, quiet, pretended, tmp_path: Path
) -> None:
    results = execute(plan, tmp_path / "out", quiet)
    assert [(group.name, group.selected) for group in results.groups] == [("fnn", "better"), ("cnn", "other")]
    assert results.best == "other"
    opened = {file.parent.name.split("-")[0] for file in (tmp_path / "out").rglob("test.npz")}
    assert opened == {"better", "other"}
    assert [call for call in pretended.calls if call[0] == "test"] == [
        ("test", name, seed) for name in ("better", "other") for seed in (0, 1)
    ]
    assert results.by_name["worse"].accuracy.test is None
    assert results.by_name["worse"].test_opened is None
    assert results.by_name["better"].test_opened


def test_running_again_does_only_what_is_missing(plan, quiet, pretended, study_file: Path, tmp_path: Path) -> None:
    first = execute(plan, tmp_path / "out", quiet)
    done = list(pretended.calls)
    again = execute(plan, tmp_path / "out", quiet)
    assert pretended.calls == done
    assert replace(again, created="") == replace(first, created="")
    more = make_plan(read_study(study_file, ["seeds=[0,1,2]"]))
    execute(more, tmp_path / "out", quiet)
    fits = [call for call in pretended.calls[len(done) :] if call[0] == "fit"]
    assert fits == [("fit", name, 2) for name in ("worse", "better", "other")]


def test_a_failed_run_does_not_stop_the_study_and_its_net_is_not_selected(
    plan, quiet, pretended, tmp_path: Path
) -> None:
    pretended.fails = {"better"}
    results = execute(plan, tmp_path / "out", quiet)
    assert [group.selected for group in results.groups] == ["worse", "other"]
    better = results.by_name["better"]
    assert (better.state, better.finished_runs) == ("failed", 1)
    assert better.reason == "seed 1: the loss was nan in step 3 of epoch 1"
    assert better.accuracy.validation.mean == pytest.approx(18 / 30)
    done = len(pretended.calls)
    execute(plan, tmp_path / "out", quiet)
    assert len(pretended.calls) == done


def test_a_group_in_which_all_fail_selects_none(plan, quiet, pretended, tmp_path: Path) -> None:
    pretended.fails = {"worse", "better", "other"}
    results = execute(plan, tmp_path / "out", quiet)
    assert [group.selected for group in results.groups] == [None, None]
    assert results.best is None
    assert results.comparisons == ()


def test_a_stopped_study_goes_on(plan, quiet, pretended, tmp_path: Path) -> None:
    pretended.interrupt = "better"
    with pytest.raises(KeyboardInterrupt):
        execute(plan, tmp_path / "out", quiet)
    assert not (tmp_path / "out" / "results.json").exists()
    pretended.interrupt, pretended.calls = "", []
    execute(plan, tmp_path / "out", quiet)
    assert [call[1:] for call in pretended.calls if call[0] == "fit"] == [
        ("better", 0),
        ("better", 1),
        ("other", 0),
        ("other", 1),
    ]


def test_a_folder_of_something_else_is_left_alone(plan, quiet, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    with pytest.raises(UserError, match=r"photos: holds something else than a study; give another folder \(-o\)"):
        execute(plan, tmp_path / "photos", quiet)
    assert [file.name for file in (tmp_path / "photos").iterdir()] == ["me.jpg"]
    with pytest.raises(UserError, match=r"me\.jpg: cannot be written: file exists"):
        execute(plan, tmp_path / "photos" / "me.jpg", quiet)


def test_two_do_not_run_a_study_in_one_folder_at_once(tmp_path: Path) -> None:
    refused = pytest.raises(
        UserError, match=r"another process is running a study here; wait for it, or give another folder \(-o\)"
    )
    with exclusive(tmp_path), refused, exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        pass


def test_the_outline_tells_runs_time_and_what_is_done(plan, quiet, tmp_path: Path) -> None:
    before = outline(plan, tmp_path / "out")
    # Two epochs of one batch of half a second, and of 30 validation faces at a third of the cost of a trained one.
    seconds = 0.5 * (1 + 30 / 256 / 3) * 2
    assert [net.seconds for net in before.nets] == pytest.approx([seconds] * 3)
    assert before.seconds == pytest.approx(6 * seconds)
    assert not (tmp_path / "out").exists()
    execute(plan, tmp_path / "out", quiet)
    after = outline(plan, tmp_path / "out")
    assert after.seconds == 0
    assert {state for net in after.nets for state in net.states} == {"finished"}


def test_a_plan_wants_faces_to_train_and_to_select_on(study_file: Path, pretended, monkeypatch) -> None:
    with pytest.raises(UserError, match="study small: no faces; name them with --data, or as source under"):
        make_plan(read_study(study_file, ["data={}"]))
    monkeypatch.setattr("mien.faces.spec.FacesSpec.open", lambda *_: pretended.faces.split("train"))
    with pytest.raises(UserError, match="noise: no faces in validation"):
        make_plan(read_study(study_file))


def test_a_net_that_does_not_fit_the_faces_is_reported(study_file: Path, pretended, monkeypatch) -> None:
    small = replace(pretended.faces, images=np.ascontiguousarray(pretended.faces.images[:, :2, :2]))
    monkeypatch.setattr("mien.faces.spec.FacesSpec.open", lambda *_: small)
    with pytest.raises(
        UserError, match=r"study small on noise \(2x2 pixels, 7 classes\):\n  nets\.other\.layers\[0\]: "
    ):
        make_plan(read_study(study_file))


def test_teachers_are_trained_before_those_that_they_teach(tmp_path: Path, quiet) -> None:
    file = tmp_path / "taught.toml"
    file.write_text(
        """
name = "taught"
seeds = [0, 1]
[data]
source = "drawn:100"
[recipe]
epochs = 1
[nets.small]
layers = ["pool(8)", "flatten", "classes"]
recipe = { teachers = ["large"], taught = 0.7 }
[nets.large]
layers = ["flatten", "dense(8)", "relu", "classes"]
""",
        encoding="utf-8",
    )
    plan = make_plan(read_study(file))
    results = execute(plan, tmp_path / "out", quiet)
    assert quiet.ends == [(name, "finished") for name in ("large", "small") for _ in "01"]
    assert results.by_name["small"].recipe.teachers == ("large",)
    for run in plan.runs(plan.study.nets[0], tmp_path / "out"):
        (teacher,) = run.recipe.teachers
        assert (
            json.loads((tmp_path / "out" / "runs" / teacher / "run.json").read_text(encoding="utf-8"))["seed"]
            == run.seed
        )
    before = outline(plan, tmp_path / "out")
    assert [net.missing for net in before.nets] == [0, 0]
    other = tmp_path / "other.toml"
    other.write_text(file.read_text(encoding="utf-8").replace("dense(8)", "dense(9)"), encoding="utf-8")
    assert [net.missing for net in outline(make_plan(read_study(other)), tmp_path / "out").nets] == [2, 2]


CHAIN = """
name = "chain"
data.source = "drawn:100"
recipe = { epochs = 1 }
[nets.last]
init_from = "middle"
recipe = { teachers = ["other"], taught = 0.7 }
[nets.middle]
init_from = "first"
recipe = { teachers = ["other"] }
[nets.other]
layers = ["pool(8)", "flatten", "classes"]
recipe = { teachers = ["first"] }
[nets.first]
layers = ["flatten", "dense(8)", "relu", "classes"]
"""


def test_each_net_of_a_chain_is_trained_once_those_before_it_have_ended(tmp_path: Path, quiet) -> None:
    file = tmp_path / "chain.toml"
    file.write_text(CHAIN, encoding="utf-8")
    execute(make_plan(read_study(file)), tmp_path / "out", quiet)
    assert quiet.ends == [(name, "finished") for name in ("first", "other", "middle", "last")]


def test_what_comes_behind_a_failed_net_of_a_chain_fails_by_its_name(tmp_path: Path, quiet) -> None:
    file = tmp_path / "chain.toml"
    file.write_text(
        CHAIN.replace('"relu", "classes"]', '"relu", "classes"]\nrecipe = { learning_rate = 1e30 }'), encoding="utf-8"
    )
    plan = make_plan(read_study(file))
    results = execute(plan, tmp_path / "out", quiet)
    assert [state for _, state in quiet.ends] == ["failed"] * 4
    assert "its teacher first-" in results.by_name["other"].reason
    assert "middle-" in results.by_name["last"].reason or "its teacher other-" in results.by_name["last"].reason


def test_a_net_goes_on_from_another_of_its_study_and_learns_from_it_too(tmp_path: Path, quiet) -> None:
    file = tmp_path / "study.toml"
    file.write_text(
        """
name = "on"
seeds = [0, 1]
data.source = "drawn:200"
recipe = { epochs = 4, batch = 16, learning_rate = 0.01 }
[nets.later]
init_from = "former"
recipe = { epochs = 1, teachers = ["former"], learning_rate = 1e-5 }
[nets.former]
layers = ["pool(4)", "flatten", "dense(size)", "relu", "classes"]
values = { size = 24 }
""",
        encoding="utf-8",
    )
    plan = make_plan(read_study(file))
    results = execute(plan, tmp_path / "out", quiet)
    assert quiet.ends == [(name, "finished") for name in ("former", "later") for _ in "01"]
    assert results.by_name["later"].recipe.init_from == "former"
    for later, former in zip(
        plan.runs(plan.study.nets[0], tmp_path / "out"), plan.runs(plan.study.nets[1], tmp_path / "out"), strict=True
    ):
        assert later.recipe.init_from == former.id
        ours, theirs = later.predictions("validation"), former.predictions("validation")
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=0.01)
    assert [net.missing for net in outline(plan, tmp_path / "out").nets] == [0, 0]


def test_a_net_goes_on_from_a_run_of_another_study_on_other_faces(tmp_path: Path, quiet) -> None:
    first = tmp_path / "first.toml"
    first.write_text(
        """
name = "first"
data.source = "drawn:300"
recipe = { epochs = 8, batch = 16, learning_rate = 0.01 }
[nets.small]
layers = ["pool(4)", "flatten", "dense(size)", "relu", "classes"]
values = { size = 24 }
""",
        encoding="utf-8",
    )
    before = execute(make_plan(read_study(first)), tmp_path / "out" / "first", quiet)
    second = tmp_path / "second.toml"
    second.write_text(
        """
name = "second"
seeds = [0, 1]
data.source = "drawn:100"
recipe = { epochs = 1, batch = 16, learning_rate = 1e-5 }
[nets.begun]
init_from = "out/first/small"
[nets.fresh]
layers = ["pool(4)", "flatten", "dense(24)", "relu", "classes"]
""",
        encoding="utf-8",
    )
    plan = make_plan(read_study(second))
    results = execute(plan, tmp_path / "out" / "second", quiet)
    begun, fresh = results.by_name["begun"], results.by_name["fresh"]
    assert begun.parameters == fresh.parameters == before.by_name["small"].parameters
    losses = {
        net.name: Run(tmp_path / "out" / "second" / "runs" / net.runs[0]).history()[0].loss for net in (begun, fresh)
    }
    assert losses["begun"] < losses["fresh"] - 0.3
    (former,) = (tmp_path / "out" / "first" / "runs").iterdir()
    assert Path(begun.recipe.init_from) == former


def test_a_study_that_another_process_is_beginning_is_no_other_folder(tmp_path: Path) -> None:
    with exclusive(tmp_path / "s"):
        (tmp_path / "s" / "study.toml.partial").touch()  # its study.toml is being written
        with pytest.raises(UserError, match="another process is running a study here"), exclusive(tmp_path / "s"):
            pass
    with pytest.raises(UserError, match="holds something else than a study"), exclusive(tmp_path / "s"):
        pass
