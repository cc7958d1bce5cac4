"""Studies from Python values and from files: checked, planned, run and gone on with."""

from pathlib import Path

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from typer.testing import CliRunner

import mien
from mien.api.progress import Silence
from mien.api.progress_lines import ProgressLines
from mien.cli import app
from mien.errors import UserError
from mien.faces import Faces
from mien.runs.run import Run, Status
from mien.study.config.schema import read_study

LINEAR, DENSE = ["flatten", "classes"], ["flatten", "dense(8)", "relu", "classes"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def study() -> mien.Study:
    nets = {"linear": {"layers": LINEAR}, "dense": {"layers": DENSE}}
    return mien.Study(name="small", recipe={"epochs": 1, "batch": 32}, nets=nets)


@pytest.fixture(scope="module")
def faces() -> Faces:
    return mien.open_faces("drawn:200")


def test_every_mistake_is_reported_at_once_with_its_place() -> None:
    nets = {"n": {"layers": ["flatten", "clases"]}}
    with pytest.raises(UserError) as error:
        mien.Study(name="a b", seeds=[1, 1], recipe={"epocs": 2}, nets=nets, groups={"g": {"n"}})
    first, *lines = str(error.value).splitlines()
    assert first == "Study(...): 5 mistakes"
    places = [line.strip().split(": ")[0] for line in lines]
    assert places == ["name", "groups.g", "seeds", "recipe.epocs", "nets.n.layers[1]"]
    assert "did you mean 'epochs'?" in lines[3]


def test_what_no_study_file_can_hold_is_refused() -> None:
    with pytest.raises(UserError, match=r"^Study\(\.\.\.\): 1 mistake\n  previews: found the key 1; a key is a text$"):
        mien.Study(name="s", nets={"n": {"layers": LINEAR}}, previews={1: {"augment": ["flip"]}})  # type: ignore[dict-item]


def test_numbers_of_numpy_paths_and_tuples_count_as_pythons(folder: Path) -> None:
    study = mien.Study(
        name="s",
        seeds=np.arange(2),
        data={"source": folder / "faces", "size": np.int64(24), "votes": None},
        recipe={"epochs": np.int32(3), "learning_rate": np.float32(0.5), "tta_flip": np.bool_(True)},
        nets={"n": {"layers": tuple(LINEAR)}},
    )
    assert study.config.seeds == (0, 1)
    assert study.config.data.source == (str(folder / "faces"),)
    assert study.config.data.size == 24
    recipe = study.config.nets[0].recipe
    assert (recipe.epochs, recipe.learning_rate, recipe.tta_flip) == (3, 0.5, True)


def test_a_study_of_keywords_runs_and_mien_study_finds_nothing_left_to_do(study: mien.Study, faces: Faces) -> None:
    results = study.run(faces, progress=False)
    assert results.folder == Path("out/small").absolute()
    assert results.best in ("linear", "dense")
    assert [net.accuracy.validation.n for net in results.nets] == [20, 20]
    done = CliRunner().invoke(app, ["study", "out/small/study.toml"])
    assert done.exit_code == 0, done.output
    assert "2 runs, 2 ended before" in done.stderr
    assert read_study(Path("out/small/study.toml")).data.source == ("drawn:200",)
    assert results.data.command == "mien study out/small/study.toml"
    assert Path("out/small/study.toml").read_text(encoding="utf-8").count("# mien study") == 1


def test_a_slice_is_written_beside_the_study_so_that_it_can_be_opened_again(study: mien.Study, faces: Faces) -> None:
    some = Faces(faces.images[:180], faces.labels[:180], faces.splits[:180], name="some")
    results = study.run(some, "here", progress=False)
    (packed,) = Path("here/faces").iterdir()
    assert results.data.faces.source == (str(packed.resolve()),)
    assert results.net("linear").images.shape == (20, 48, 48)
    written = packed.stat().st_mtime_ns
    assert study.run(some, "here", progress=False).data.faces.fingerprint == some.fingerprint
    assert packed.stat().st_mtime_ns == written
    done = CliRunner().invoke(app, ["study", "here/study.toml", "-o", "here"])
    assert "2 runs, 2 ended before" in done.stderr


def test_opened_faces_are_taken_from_where_they_came_with_what_was_done_to_them(study: mien.Study) -> None:
    results = study.run(mien.open_faces("drawn:200", size=24), progress=False)
    assert not Path("out/small/faces").exists()
    assert results.data.faces.source == ("drawn:200",)
    assert results.data.faces.size == 24
    assert read_study(Path("out/small/study.toml")).data.size == 24


def test_a_study_from_a_file_keeps_its_text_and_takes_settings(folder: Path) -> None:
    text = '# mine\nname = "f"\ndata.source = "drawn:200"\nnets.n.layers = ["flatten", "classes"]\n'
    (folder / "f.toml").write_text(text, encoding="utf-8")
    study = mien.Study.from_file("f.toml", ["recipe.epochs=1", "recipe.batch=64"])
    (folder / "f.toml").unlink()  # it was read
    assert (study.name, study.toml) == ("f", text)
    results = study.run(progress=False)
    assert results.net("n").recipe.batch == 64
    written = Path("out/f/study.toml").read_text(encoding="utf-8")
    assert written == f"# {results.data.command}\n{text}"
    assert results.data.command == "mien study f.toml --set recipe.epochs=1 --set recipe.batch=64"


def test_what_runs_a_study_from_a_file_on_other_faces_is_recorded(folder: Path, faces: Faces) -> None:
    text = (
        'name = "f"\ndata = { source = "gone", size = 24 }\nnets.n.layers = ["flatten", "classes"]\nrecipe.epochs = 1\n'
    )
    (folder / "f.toml").write_text(text, encoding="utf-8")
    study = mien.Study.from_file(Path("f.toml"))
    assert study.plan(faces).notes == ("data.size does not go for faces that are open: these are taken as they are",)
    results = study.run(faces, progress=False)
    assert results.data.faces.size == 48, "open faces are taken as they are"
    assert results.data.command == """mien study f.toml --set 'data={ source = ["drawn:200"] }'"""
    again = CliRunner().invoke(app, ["study", "f.toml", "--set", 'data={ source = ["drawn:200"] }'])
    assert "1 run, 1 ended before" in again.stderr
    scaled = mien.Study.from_file("f.toml").run("drawn:200", "scaled", progress=False)
    assert scaled.data.faces.size == 24, "the other keys of [data] go for a source"
    assert scaled.data.command == "mien study f.toml --data drawn:200 -o scaled"


def test_bundled_studies_are_read_by_name() -> None:
    study = mien.Study.from_file("quick", ["recipe.epochs=2"])
    assert (study.name, study.config.nets[0].recipe.epochs) == ("quick", 2)
    with pytest.raises(UserError, match="did you mean 'quick'"):
        mien.Study.from_file("quik")
    with pytest.raises(UserError, match=r"^gone\.toml: cannot be read"):
        mien.Study.from_file("gone.toml")


def test_paths_start_from_the_working_directory_also_in_the_written_file(folder: Path) -> None:
    study = mien.Study(
        name="s",
        data={"source": ["train=a.csv", "b.csv"], "votes": "v.csv"},
        nets={"n": {"layers": LINEAR}},
        track={"tensorboard": "logs", "mlflow": "http://localhost:5000"},
    )
    place = Path("deep") / "s"
    written = study._origin.placed(study.config, None, place, "").config.text
    place.mkdir(parents=True)
    (place / "study.toml").write_text(written, encoding="utf-8")
    again = read_study(place / "study.toml")
    assert again.data.source == (f"train={folder / 'a.csv'}", str(folder / "b.csv"))
    assert (again.data, again.track) == (study.config.data, study.config.track)
    assert [one.place for one in again.track] == [str(folder / "logs"), "http://localhost:5000"]


def test_weights_of_another_study_are_taken_by_a_relative_path(study: mien.Study, faces: Faces) -> None:
    study.run(faces, progress=False)
    second = mien.Study(name="second", recipe={"epochs": 1}, nets={"again": {"init_from": "out/small/dense"}})
    results = second.run(faces, progress=False)
    assert Path(results.net("again").recipe.init_from).parent == Path("out/small/runs").resolve()
    assert '"out/small' not in Path("out/second/study.toml").read_text(encoding="utf-8")


def test_a_plan_lists_the_runs_and_writes_nothing(study: mien.Study, faces: Faces) -> None:
    plan = study.plan(faces)
    assert (plan.missing, [net.name for net in plan.outline.nets]) == (2, ["linear", "dense"])
    assert plan.seconds > 0
    assert not Path("out").exists()
    page, _ = DisplayFormatter().format(plan)
    assert "2 runs to do, about " in page["text/plain"]
    assert "faces: drawn, 48x48: train 160, validation 20, test 20" in page["text/html"]
    study.run(faces, progress=False)
    assert study.plan(faces).missing == 0


def test_a_notebook_shows_a_study(study: mien.Study) -> None:
    page, _ = DisplayFormatter().format(study)
    assert "Study small, seeds 0" in page["text/html"]
    assert page["text/plain"].splitlines()[2].split() == ["linear", "all", "2", "epochs", "1,", "batch", "32"]


def test_an_interrupted_study_says_how_to_go_on_and_goes_on(
    study: mien.Study, faces: Faces, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(self: ProgressLines, run: Run, status: Status) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ProgressLines, "on_run_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            study.run(faces)
    last = capsys.readouterr().err.splitlines()[-1]
    assert (
        last == "stopped; to go on from the last epoch, run this again, or in a shell: mien study out/small/study.toml"
    )
    with pytest.raises(UserError, match=r"has not ended|finish the study first"):
        mien.StudyResults.open("out/small")
    assert len(study.run(faces, progress=False).nets) == 2


def test_a_callback_of_the_users_own_follows_the_study(study: mien.Study, faces: Faces) -> None:
    class Ends(Silence):
        def __init__(self) -> None:
            self.ends: list[str] = []

        def on_run_end(self, run: Run, status: Status) -> None:
            self.ends.append(f"{run.net.name} {status.state}")

    ends = Ends()
    study.run(faces, progress=ends)
    assert ends.ends == ["linear finished", "dense finished"]


def test_a_study_is_followed_in_tensorboard(study: mien.Study, faces: Faces) -> None:
    pytest.importorskip("tensorboard")
    study.run(faces, progress=False, track="tensorboard")
    assert list(Path("out/small/track/tensorboard").rglob("events.out.tfevents*"))
    assert Path("out/small/report.html").exists(), "trackers show the report, or where it is"
    assert "--track tensorboard" in mien.StudyResults.open("out/small").data.command
    with pytest.raises(UserError, match=r"^track tensorbord: .*did you mean 'tensorboard'"):
        study.run(faces, progress=False, track=["tensorbord"])


def test_wrong_arguments_of_a_run_are_refused(study: mien.Study, faces: Faces) -> None:
    with pytest.raises(UserError, match=r"^engine rai: .*did you mean 'ray'"):
        study.run(faces, engine="rai")
    with pytest.raises(UserError, match=r"^address: belongs to engine ray"):
        study.run(faces, address="a:1")
    with pytest.raises(UserError, match=r"^study small: no faces; give them to run"):
        study.run()
    with pytest.raises(UserError, match=r"^device"):
        study.run(faces, device="gpu")
    Path("other").mkdir()
    Path("other/mine.txt").touch()
    with pytest.raises(UserError, match=r"^other: holds something else than a study"):
        study.run(faces[:190], "other")
    assert [path.name for path in Path("other").iterdir() if not path.name.startswith(".")] == ["mine.txt"]


def test_a_preview_shows_what_a_net_is_shown(study: mien.Study, faces: Faces) -> None:
    turned = mien.Study(
        name="s",
        nets={"n": {"zoo": "cnn_1", "recipe": {"augment": ["flip"]}}},
        previews={"up": {"augment": ["flip_vertical"]}},
    )
    pictures = {name: np.asarray(turned.preview(name, faces, n=4)) for name in ("n", "up")}
    assert np.array_equal(pictures["n"], np.asarray(turned.preview("n", faces, n=4)))
    assert (pictures["n"] != pictures["up"]).any()
    plain = np.asarray(study.preview("dense", faces, n=1).convert("L"))
    assert plain.std() > 0
    with pytest.raises(UserError, match="m: the study has no such net or preview; known: n, up"):
        turned.preview("m", faces)
    with pytest.raises(UserError, match="n=0: give the number of faces to show, from 1 on"):
        turned.preview("n", faces, n=0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"faces": 3}, r"^source: found int; give a path, a list of paths, or"),
        ({"faces": np.zeros((2, 48, 48), np.uint8)}, r"^source: found ndarray; give a path"),
        ({"progress": "no"}, r"^progress: found 'no'; give True, False, or a StudyCallback"),
        ({"track": True}, r"^track: found True; give one such as"),
        ({"track": {"mlflow": "http://here"}}, r"^track: found \{'mlflow': 'http://here'\}; give one"),
    ],
)
def test_arguments_of_other_types_are_explained(
    study: mien.Study, faces: Faces, wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        study.run(**{"faces": faces, "progress": False} | wrong)
    assert not Path("out").exists()


def test_faces_of_one_emotion_are_no_study(study: mien.Study, faces: Faces) -> None:
    with pytest.raises(UserError, match=r"^drawn: all of its train faces are happy; a study needs two classes"):
        study.run(faces["happy"], progress=False)


def test_a_folder_called_drawn_is_a_path(study: mien.Study) -> None:
    with pytest.raises(UserError, match=r"drawn: no such file or folder"):
        study.plan(Path("drawn"))


def test_seeds_may_be_a_range_and_settings_one_text() -> None:
    nets = {"n": {"layers": LINEAR}}
    assert mien.Study(name="s", nets=nets, seeds=range(2)).config.seeds == (0, 1)
    assert mien.Study.from_file("quick", "recipe.epochs=2").config.nets[0].recipe.epochs == 2


def test_a_value_that_cannot_be_copied_is_a_mistake_with_its_place() -> None:
    with pytest.raises(UserError, match=r"nets\.n\.layers\[0\].*module 'numpy'"):
        mien.Study(name="s", nets={"n": {"layers": [np]}})


def test_a_plan_counts_its_runs(faces: Faces) -> None:
    nets = {"n": {"layers": LINEAR}}
    assert "\n1 run to do, about " in repr(mien.Study(name="s", nets=nets).plan(faces))
    assert "\n2 runs to do, about " in repr(mien.Study(name="s", nets=nets, seeds=[0, 1]).plan(faces))
