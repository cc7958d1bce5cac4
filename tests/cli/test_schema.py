"""`mien schema`: the JSON schema of study files accepts what mien accepts, refuses the rest, and explains every key."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema.validators import validator_for
from typer.testing import CliRunner

from mien.cli import app
from mien.runs.recipe import Recipe
from mien.study.config.study_table import StudyTable

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "reference" / "study.schema.json"
SCHEMA = json.loads(PUBLISHED.read_text(encoding="utf-8"))
CHECK = validator_for(SCHEMA)(SCHEMA)
SMALL = 'name = "a"\nnets.n.layers = ["flatten", "classes"]\n'
DOCUMENTED = [
    block
    for page in (ROOT / "docs").rglob("*.md")
    for block in re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if block.startswith("name")
]


def _mistakes(text: str) -> list[str]:
    """The places of what the schema refuses, as `nets.a.recipe`."""
    return sorted({".".join(map(str, error.absolute_path)) for error in CHECK.iter_errors(tomllib.loads(text))})


def _keys(schema: dict[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of every table, with its schema."""
    for form in schema.get("anyOf", []):
        yield from _keys(form, place)
    for name, entry in schema.get("properties", {}).items():
        yield f"{place}{name}", entry
        yield from _keys(entry, f"{place}{name}.")
    names = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    for entry in names:
        if isinstance(entry, dict):
            yield from _keys(entry, f"{place}*.")


def test_the_published_schema_is_the_one_that_mien_prints(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["schema"])
    assert done.exit_code == 0
    assert done.stdout == PUBLISHED.read_text(encoding="utf-8"), (
        "it is out of date; run: mien schema -o docs/reference/study.schema.json"
    )
    written = CliRunner().invoke(app, ["schema", "-o", str(tmp_path / "new" / "s.json")])
    assert (tmp_path / "new" / "s.json").read_text(encoding="utf-8") == done.stdout
    assert written.stdout == f"schema: {tmp_path / 'new' / 's.json'}\n"


def test_it_is_of_the_version_that_editors_know_and_has_no_reference() -> None:
    assert SCHEMA["$schema"].endswith("-07/schema#")
    CHECK.check_schema(SCHEMA)
    assert '"$ref"' not in PUBLISHED.read_text(encoding="utf-8")


@pytest.mark.parametrize("file", sorted((ROOT / "studies").glob("*.toml")), ids=lambda file: file.stem)
def test_it_accepts_every_study_that_comes_with_mien(file: Path) -> None:
    assert _mistakes(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("text", DOCUMENTED, ids=range(len(DOCUMENTED)))
def test_it_accepts_every_study_in_the_documents(text: str) -> None:
    assert _mistakes(text) == []


def test_every_key_is_explained_in_one_line() -> None:
    keys = dict(_keys(SCHEMA))
    assert len(keys) > 100
    for place, entry in keys.items():
        text = entry.get("description", "")
        assert 5 <= len(text) <= 160, place
        assert "\n" not in text, place


def test_it_has_every_key_of_the_tables_that_are_checked() -> None:
    keys = dict(_keys(SCHEMA))
    assert StudyTable.model_fields.keys() <= keys.keys()
    entries = Recipe.model_fields.keys() - {"init_from"}
    for place in ("recipe", "nets.*.recipe", "previews.*"):
        assert {f"{place}.{entry}" for entry in entries} == {
            key for key in keys if re.fullmatch(rf"{re.escape(place)}\.\w+", key)
        }
    assert keys["recipe.momentum"] | {"minimum": 0, "exclusiveMaximum": 1} == keys["recipe.momentum"]
    assert keys["nets.*.tune.sampler"]["enum"] == ["tpe", "random", "grid", "gp", "cmaes"]


ACCEPTED = """
seeds = [0, 3]
data = { source = ["train=a.csv", "b.csv"], classes = ["happy", "sad"] }

data = { classes = "rafdb", clean = "leaks", labels = "agreed", validation = 0.1 }

recipe = { augment = "rotate(angle)", device = "cuda:1", tta_scales = [0.9, 1.1] }

resources = { cores = 2, gpu = 0.5, workers = 2 }

nets.m.layers = ["act", "conv(32, kernel)", " relu ", "timm('resnet18.a1_in1k')"]
nets.m.values = { act = "relu", kernel = 3 }

nets.m = { backbone = "a_hyper_parameter", head = ["classes"] }

nets.n.tune = { space = { k = [1, 3], "recipe.epochs" = "integers(1, 3)" }, pruner = "median(startup=2)" }

nets.n.tune = { space = { k = [1] }, enqueue = [{ k = 1 }], objectives = ["parameters"] }

nets.m.init_from = { run = "../out/first/n" }
nets.o.init_from = "bundled:best"

track = { tensorboard = true, mlflow = "http://tracker:5000" }

ensembles = { both = ["n", "m"], weighed = { n = 2, m = 0.5 } }
groups = { a = ["n"], b = { nets = ["m"], title = "B" } }
"""

REFUSED = {
    "seeds = [0, 0]": "seeds",
    "seeds = [-1]": "seeds.0",
    "sedes = [1]": "",
    "data.source = []": "data.source",
    "data.sise = 24": "data",
    'data.labels = "mine"': "data.labels",
    'data.classes = "raf"': "data.classes",
    'data.clean = ["leak"]': "data.clean",
    "recipe.epoch = 2": "recipe",
    'recipe.batch = "64"': "recipe.batch",
    "recipe.momentum = 1": "recipe.momentum",
    'recipe.augment = ["rotat(10)"]': "recipe.augment",
    'recipe.device = "gpu"': "recipe.device",
    'nets.n.recipe.init_from = "m"': "nets.n.recipe",
    'nets.n.zoo = "cnn_1"': "nets.n",
    "nets.m.recipe.epochs = 1": "nets.m",
    'nets.m.backbone = "mobilenet_v2"': "nets.m",
    'nets.m = { backbone = "conv(3)", head = ["classes"] }': "nets.m.backbone",
    'nets.m.layers = ["covn(3)", "classes"]': "nets.m.layers.0",
    'nets.m.layers = ["flatten", "1a"]': "nets.m.layers.1",
    'nets.m.zoo = "cnn_9"': "nets.m.zoo",
    "nets.n.values.a = [1]": "nets.n.values.a",
    'nets.m.init_from = { net = "a", run = "b" }': "nets.m.init_from",
    "nets.n.tune.trials = 3": "nets.n.tune",
    'nets.n.tune.space.k = "unifrm(0, 1)"': "nets.n.tune.space.k",
    'nets.n.tune.space."recipe.epoch" = [1]': "nets.n.tune.space",
    "nets.n.tune.space.k = []": "nets.n.tune.space.k",
    'nets.n.tune = { space.k = [1], pruner = "mean" }': "nets.n.tune.pruner",
    'nets.n.tune = { space.k = [1], sampler = "bayes" }': "nets.n.tune.sampler",
    "ensembles.a = []": "ensembles.a",
    "ensembles.a = { n = 0 }": "ensembles.a",
    "groups.a = 1": "groups.a",
    "previews.p.focal = 2": "previews.p",
    "nets.n.resources.core = 2": "nets.n.resources",
    "resources.gpu = -1": "resources.gpu",
    "track.mlfow = true": "track",
    "track.mlflow = 1": "track.mlflow",
}


@pytest.mark.parametrize("text", ACCEPTED.strip().split("\n\n"))
def test_it_accepts_every_form_of_an_entry(text: str) -> None:
    assert _mistakes(SMALL + text) == []


@pytest.mark.parametrize("text", REFUSED)
def test_it_refuses_an_unknown_key_or_a_wrong_value_at_its_place(text: str) -> None:
    assert _mistakes(SMALL + text) == [REFUSED[text]]


def test_it_wants_a_name_and_nets() -> None:
    assert _mistakes('nets.n.zoo = "cnn_1"') == _mistakes('name = "a"') == [""]
    assert _mistakes('name = "a b"\nnets.n.zoo = "cnn_1"') == ["name"]
