import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mien.augmentation import GENERATORS
from mien.cli import app
from mien.nets import ZOO, parameters, trainable
from mien.runs.recipe import Recipe
from mien.runs.results import read_results
from mien.runs.run import Run
from mien.study.config.schema import read_study

STUDIES = Path(__file__).parents[2] / "studies"
TINY = """
name = "tiny"
data.source = "drawn:300"
recipe = { epochs = 2, batch = 32 }
[nets.fnn]
layers = ["flatten", "dense(16)", "relu", "classes"]
[nets.cnn]
layers = ["conv(4)", "relu", "pool(4)", "flatten", "dropout(0.25)", "classes"]
[nets.diverging]
layers = ["flatten", "dense(16)", "relu", "classes"]
recipe = { optimizer = "sgd", learning_rate = 1e30 }
"""


PARTS = """
name = "parts"
data.source = "drawn:210"
recipe = { epochs = 2, batch = 32 }
[nets.plain]
layers = ["conv(4)", "relu", "pool(4)", "flatten", "classes"]
[nets.turned]
layers = ["conv(4)", "relu", "pool(4)", "flatten", "classes"]
values = { angle = 90 }
[nets.turned.recipe]
augment = ["rotate(angle)", "flip", "mixup(0.2)"]
scaling = "featurewise"
whitening = "zca"
schedule = "cosine"
label_smoothing = 0.1
class_weights = "balanced"
[groups]
cnn = ["plain"]
augmented = { title = "Augmentation", note = "Faces that turn.", nets = ["turned"] }
[previews.upright]
augment = ["flip", "shift(0.1)"]
"""


def _mien(*words: str) -> str:
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))


def test_a_tiny_study_runs_from_start_to_end(tmp_path: Path) -> None:
    Path("tiny.toml").write_text(TINY, encoding="utf-8")
    assert _mien("study", "tiny.toml").endswith("report: out/tiny/report.html\n")
    results = read_results(Path("out/tiny"))
    nets = results.by_name
    assert {name: net.state for name, net in nets.items()} == {
        "fnn": "finished",
        "cnn": "finished",
        "diverging": "failed",
    }
    best = max(("fnn", "cnn"), key=lambda name: nets[name].accuracy.validation.mean)
    assert results.best == best
    assert [name for name, net in nets.items() if net.accuracy.test] == [best]
    run = Run.open(Path("out/tiny/runs", nets[best].runs[0]))
    predictions = run.predictions("test")
    assert predictions is not None
    assert predictions.accuracy == nets[best].accuracy.test.mean
    assert run.status.test_opened == nets[best].test_opened
    page = Path("out/tiny/report.html").read_text(encoding="utf-8")
    assert all(name in page for name in nets)


@pytest.mark.slow
def test_a_study_again_gives_the_same_numbers_elsewhere_and_trains_nothing_here() -> None:
    Path("tiny.toml").write_text(TINY, encoding="utf-8")
    _mien("study", "tiny.toml", "-o", "a")
    weights = {file: file.stat().st_mtime_ns for file in Path("a/runs").rglob("weights.safetensors")}
    _mien("study", "tiny.toml", "-o", "a")
    assert weights == {file: file.stat().st_mtime_ns for file in Path("a/runs").rglob("weights.safetensors")}
    _mien("study", "tiny.toml", "-o", "b")
    accuracies = [[(net.name, net.accuracy) for net in read_results(Path(folder)).nets] for folder in "ab"]
    assert accuracies[0] == accuracies[1]


@pytest.mark.slow
def test_titles_augmentation_and_previews_reach_results_and_report() -> None:
    Path("parts.toml").write_text(PARTS, encoding="utf-8")
    _mien("study", "parts.toml")
    results = read_results(Path("out/parts"))
    assert [(group.name, group.title, group.note) for group in results.groups] == [
        ("cnn", "cnn", ""),
        ("augmented", "Augmentation", "Faces that turn."),
    ]
    assert {name: recipe.changes() for name, recipe in results.previews.items()} == {
        "upright": {"augment": ("flip", "shift(0.1)")}
    }
    turned = results.by_name["turned"]
    assert turned.state == "finished"
    assert turned.recipe.augment == ("rotate(90)", "flip", "mixup(0.2)")
    assert [(one.a, one.b, one.split) for one in results.comparisons] == [
        ("plain", "turned", "validation"),
        ("plain", "turned", "test"),
    ]
    run = Path("out/parts/runs", turned.runs[0])
    assert (run / "scaling.safetensors").exists()
    assert {path.stem for path in Path("out/parts/figures").glob("*") if "upright" in path.stem} == {"preview-upright"}
    page = Path("out/parts/report.html").read_text(encoding="utf-8")
    assert "turned is plain trained on augmented faces" in page
    assert "rotate(90) turns faces by up to 90 degrees" in page


@pytest.mark.slow
def test_a_net_with_and_without_augmentation_is_tested_once() -> None:
    """Across tables, where not both are selected: that pair is tested anyway."""
    text = PARTS.replace('cnn = ["plain"]', 'cnn = ["plain", "wide"]')
    text += '[nets.wide]\nlayers = ["flatten", "dense(64)", "relu", "classes"]\nrecipe.epochs = 15\n'
    Path("parts.toml").write_text(text, encoding="utf-8")
    _mien("study", "parts.toml", "--set", "nets.plain.recipe.learning_rate=1e-9")
    results = read_results(Path("out/parts"))
    assert next(group.selected for group in results.groups) == "wide"
    pairs = [(one.a, one.b, one.split) for one in results.comparisons]
    assert ("plain", "turned", "validation") in pairs
    assert len(pairs) == len(set(pairs)) == 4


def test_the_whole_study_is_the_courses() -> None:
    study = read_study(STUDIES / "seed.toml")
    nets = {net.net.name: net for net in study.nets}
    assert [section.title[:3] for section in study.sections] == ["(c)", "(d)", "(e)", "(f)", "(g)"]
    recipes = {name: (net.recipe.epochs, net.recipe.batch) for name, net in nets.items() if name != "mobilenet"}
    assert recipes == {f"model{n}": (20, 256) for n in range(1, 6)} | {
        "cnn_1": (15, 256),
        "cnn_2": (20, 256),
        "cnn_3": (20, 256),
        "tpe_cnn": (10, 256),
        "ft_1": (10, 256),
        "ft_2": (15, 256),
        "ft_3": (15, 256),
        "cnn_1_generator_1": (10, 32),
        "cnn_1_augmented": (20, 256),
    }
    tune = nets["tpe_cnn"].tune
    assert tune is not None
    assert (tune.trials, tune.sampler, set(tune.space)) == (15, "tpe", {"kernel", "p", "act", "recipe.optimizer"})
    assert study.previews == {name: Recipe(**entries) for name, entries in GENERATORS.items()}
    generator = nets["cnn_1_generator_1"].recipe
    assert generator.model_dump(include=set(GENERATORS["generator_1"])) == GENERATORS["generator_1"]
    for name in ("cnn_1_generator_1", "cnn_1_augmented"):
        assert nets[name].net.layers == ZOO["cnn_1"].layers
    assert {name: (parameters(nets[name].net), trainable(nets[name].net)) for name in ("ft_1", "ft_2", "ft_3")} == {
        "ft_1": (25_690_503, 2_102_791),
        "ft_2": (3_967_559, 1_709_575),
        "ft_3": (3_967_559, 1_709_575),
    }


def test_the_fine_tuned_net_is_alike_wherever_it_stands() -> None:
    both = [read_study(STUDIES / file).nets for file in ("finetune.toml", "seed.toml")]
    alone, whole = (next(net for net in nets if net.net.name == "mobilenet") for nets in both)
    assert (alone.net, alone.recipe) == (whole.net, whole.recipe)


@pytest.mark.real
def test_the_study_of_eight_nets_is_planned_on_fer2013(fer2013: Path) -> None:
    plan = json.loads(_mien("plan", str(STUDIES / "fnn_cnn.toml"), "--data", str(fer2013), "--json"))
    assert {net["name"]: net["parameters"] for net in plan["nets"]} == {
        "model1": 5_230_463,
        "model2": 5_154_807,
        "model3": 7_115_007,
        "model4": 7_439_029,
        "model5": 7_238_507,
        "cnn_1": 2_723_303,
        "cnn_2": 5_571_527,
        "cnn_3": 476_231,
    }
    assert sum(plan["faces"]["counts"]["train"].values()) == 28_709
    assert plan["faces"]["leaked_test"] == 288
    assert plan["seconds"] > 0
