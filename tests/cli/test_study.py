import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.cli import app, main
from mien.errors import UserError
from mien.runs.results import Results, read_results


@pytest.fixture
def mien(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pretended):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mien.report.write_report", lambda folder, results: folder / "report.html")
    return lambda *words: CliRunner().invoke(app, words, catch_exceptions=False)


def test_a_study_runs_and_says_where_its_report_is(mien, study_file: Path) -> None:
    done = mien("study", "small.toml")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1] == "report: out/small/report.html"
    assert "better seed 0: epoch 2/2, loss 0.7500, train 60.0 %, validation 50.0 %, 80 faces/s" in done.stderr
    assert "better seed 1: finished in 2.0 s" in done.stderr
    assert "fnn: better is best on validation; test 58.3" in done.stdout
    assert "without the 3 images leaked from train 53.7 %" in done.stdout
    again = mien("study", "small.toml")
    assert "6 runs, 6 ended before" in again.stderr
    assert again.stdout == done.stdout


def test_settings_folder_and_command_are_recorded(mien, study_file: Path) -> None:
    done = mien("study", "small.toml", "--set", "seeds=[4]", "-o", "x y")
    assert done.exit_code == 0
    results = read_results(Path("x y"))
    assert results.seeds == (4,)
    assert results.command == "mien study small.toml --set 'seeds=[4]' -o 'x y'"


def test_a_tracker_follows_a_study(mien, study_file: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    done = mien("study", "small.toml", "--set", "track.tensorboard=events", "--track", "tensorboard")
    assert done.exit_code == 0
    assert "note: TensorBoard: look at the study by: tensorboard --logdir out/small/track/tensorboard\n" in done.stderr
    runs = {file.parent.name for file in Path("out/small/track/tensorboard").rglob("events.*")}
    assert runs == {"study", *(f"{net}-{seed}" for net in ("worse", "better", "other") for seed in (0, 1))}
    command = "mien study small.toml --set track.tensorboard=events --track tensorboard"
    assert read_results(Path("out/small")).command == command
    assert not Path("events").exists()


def test_without_a_tracker_nothing_is_written_for_one(mien, study_file: Path) -> None:
    done = mien("study", "small.toml")
    assert "TensorBoard" not in done.stderr
    assert not Path("out/small/track").exists()


def test_ctrl_c_says_how_to_go_on(mien, pretended, study_file: Path) -> None:
    pretended.interrupt = "better"
    stopped = mien("study", "small.toml", "--set", "seeds=[0]")
    assert stopped.exit_code == 1
    assert stopped.stderr.splitlines()[-1] == (
        "stopped; to go on from the last epoch: mien study small.toml --set 'seeds=[0]'"
    )


def test_ctrl_c_anywhere_else_ends_with_1_and_a_word(
    mien, study_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(folder: Path, results: Results) -> Path:
        raise KeyboardInterrupt

    mien("study", "small.toml")
    monkeypatch.setattr("mien.report.write_report", interrupt)
    monkeypatch.setattr(sys, "argv", ["mien", "report", "out/small"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.endswith("mien: stopped\n")


def test_a_failed_net_is_reported(mien, pretended, study_file: Path) -> None:
    pretended.fails = {"better"}
    done = mien("study", "small.toml")
    assert done.exit_code == 0
    assert "better failed: seed 1: the loss was nan in step 3 of epoch 1" in done.stdout


def test_plan_tells_what_will_run(mien, study_file: Path) -> None:
    shown = mien("plan", "small.toml")
    assert shown.exit_code == 0
    assert "noise, 48x48: train 40, validation 30, test 30" in shown.stdout
    assert "3 test images are pixel for pixel in train" in shown.stdout
    assert "6 runs with seeds 0, 1; 6 to do, about 6.2 s" in shown.stdout
    plan = json.loads(mien("plan", "small.toml", "--json").stdout)
    assert [(net["name"], net["parameters"], net["missing"]) for net in plan["nets"]] == [
        ("worse", 2304 * 4 + 4 + 4 * 7 + 7, 2),
        ("better", 2304 * 5 + 5 + 5 * 7 + 7, 2),
        ("other", 2 * 9 + 2 + 46 * 46 * 2 * 7 + 7, 2),
    ]
    assert not Path("out").exists()


def test_runs_and_compare_list_a_study(mien, study_file: Path) -> None:
    mien("study", "small.toml")
    assert mien("runs", "out/small").stdout.count("finished") == 6
    rows = json.loads(mien("runs", "out/small", "--json").stdout)
    assert {row["state"] for row in rows} == {"finished"}
    assert {row["epochs"] for row in rows} == {2}
    assert "McNemar" in mien("compare", "out/small").stdout
    compared = json.loads(mien("compare", "out/small", "--json").stdout)
    assert {net["name"]: net["accuracy"]["validation"]["n"] for net in compared["nets"]} == {
        "worse": 30,
        "better": 30,
        "other": 30,
    }
    assert set(compared["comparisons"][0]["mcnemar"]) == {"only_a", "only_b", "p"}


def test_a_report_of_no_results_is_the_users_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"out/small: no results\.json; finish the study first"):
        CliRunner().invoke(app, ["report", "out/small"], catch_exceptions=False)
    assert not Path("out").exists()


def test_report_writes_the_page_anew_once_the_study_has_run(mien, study_file: Path) -> None:
    mien("study", "small.toml")
    assert mien("report", "out/small").stdout == "report: out/small/report.html\n"


def test_a_wrong_study_is_the_users_error(mien, study_file: Path) -> None:
    with pytest.raises(UserError, match=r"recipe\.epochs: found 0, should be greater than or equal to 1"):
        mien("study", "small.toml", "--set", "recipe.epochs=0")
    assert not Path("out").exists()


@pytest.mark.parametrize("verb", ["plan", "study", "runs", "compare", "report"])
def test_help_ends_with_an_example(mien, verb: str) -> None:
    shown = mien(verb, "--help")
    assert shown.exit_code == 0
    assert shown.stdout.split("Example: ")[1].startswith(f"mien {verb} ")


def test_a_users_error_ends_with_2_and_one_message_without_traceback(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("name = 1", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mien", "plan", "s.toml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "mien: s.toml: 2 mistakes\n  name: found 1, should be a text\n  nets: missing\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "rya"], "--engine rya: known: local, ray; did you mean 'ray'?"),
        (["--address", "head:6379"], "--address: belongs to --engine ray"),
        (["--track", "mlfow"], "--track mlfow: known: tensorboard, mlflow; did you mean 'mlflow'?"),
        (
            ["--join", "--track", "mlflow"],
            "--track: belongs to the process that runs the study; leave it out with --join",
        ),
    ],
)
def test_mistakes_in_the_options_are_reported_before_anything_is_read(options: list[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        CliRunner().invoke(app, ["study", "not there.toml", *options], catch_exceptions=False)
    assert str(error.value) == message


@pytest.mark.parametrize("verb", ["study", "plan"])
@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("cuda:7", "device cuda:7: this torch"),
        ("gpu", "--device: found 'gpu'; auto, cpu, cuda, cuda:1 (the second GPU) or mps"),
    ],
)
def test_a_device_that_is_not_here_is_reported_before_anything_is_trained(
    verb: str, device: str, message: str, mien, study_file: Path
) -> None:
    with pytest.raises(UserError) as error:
        mien(verb, "small.toml", "--device", device)
    assert message in str(error.value)
    assert not (study_file.parent / "out").exists()


def test_a_device_is_chosen_for_a_whole_study(mien, study_file: Path) -> None:
    text = study_file.read_text(encoding="utf-8")
    study_file.write_text(text.replace("[recipe]", '[recipe]\ndevice = "cuda:7"'), encoding="utf-8")
    done = mien("study", "small.toml", "--device", "cpu")
    assert done.exit_code == 0
    results = read_results(study_file.parent / "out" / "small")
    assert {net.recipe.device for net in results.nets} == {"cpu"}
    assert results.command.endswith("small.toml --device cpu")


def test_runs_that_go_on_on_another_device_are_named(mien, study_file: Path) -> None:
    mien("study", "small.toml")
    run = next((study_file.parent / "out" / "small" / "runs").glob("better-*"))
    state = json.loads((run / "state.json").read_text(encoding="utf-8"))
    stopped = state | {"state": "stopped", "devices": ["cuda:0 Card"]}
    (run / "state.json").write_text(json.dumps(stopped), encoding="utf-8")
    again = mien("study", "small.toml")
    assert re.search(r"note: better seed \d was begun on cuda:0 Card and goes on on cpu: it will not", again.stderr)


def test_without_ray_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mien.study.engines.ray_engine", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        UserError,
        match=r"^--engine ray needs the extra mien\[ray\]; missing here: ray; .* -m pip install 'mien\[ray\]'",
    ):
        CliRunner().invoke(app, ["study", "not there.toml", "--engine", "ray"], catch_exceptions=False)
