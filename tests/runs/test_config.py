import json
from pathlib import Path

import pytest

from mien.disk import read_json, write_json
from mien.errors import UserError
from mien.faces import Faces
from mien.model_files import bundled
from mien.runs.config import FacesRecord, RunConfig, read_config, write_config
from mien.runs.run import Run

BUNDLED = sorted(Path(bundled.__file__).parent.glob("*/run.json"))


def test_a_configuration_comes_back_as_written(run: Run, tmp_path: Path) -> None:
    write_config(tmp_path, run.config)
    assert read_config(tmp_path / "run.json") == run.config
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8")) == json.loads(
        json.dumps(run.config.to_dict())
    )


def test_faces_are_recorded_with_their_counts(faces: Faces) -> None:
    record = FacesRecord.of(faces)
    assert (record.name, record.size, record.classes) == (faces.name, faces.size, faces.classes)
    assert record.counts == faces.counts()


@pytest.mark.parametrize("file", BUNDLED, ids=lambda file: file.parent.name)
def test_the_bundled_runs_are_read(file: Path) -> None:
    record, config = read_json(file), read_config(file)
    assert isinstance(config, RunConfig)
    assert config.recipe.ema_decay == record["recipe"]["ema_decay"] == 0.998
    assert config.faces.fingerprint == record["faces"]["fingerprint"]
    assert config.backbone is None


def test_a_recipe_with_former_names_is_read(run: Run) -> None:
    record = read_json(run.folder / "run.json")
    today = {"ema_decay": 0.5, "tta_flip": True, "tta_scales": [0.9], "focal_gamma": 1.0, "distillation_weight": 0.7}
    record["recipe"] |= today
    write_json(run.folder / "run.json", record)
    expected = read_config(run.folder / "run.json")
    former = {"average": 0.5, "mirror": True, "zooms": [0.9], "focal": 1.0, "taught": 0.7, "start": ""}
    record["recipe"] = {key: value for key, value in record["recipe"].items() if key not in {*today, "init_from"}}
    record["recipe"] |= former
    write_json(run.folder / "run.json", record)
    assert read_config(run.folder / "run.json") == expected
    assert run.config.recipe.ema_decay == 0.5


def test_a_backbone_is_read_with_what_is_known_of_it(run: Run) -> None:
    record = read_json(run.folder / "run.json") | {"backbone": {"name": "resnet50", "sha256": "ab", "size": 224}}
    write_json(run.folder / "run.json", record)
    assert run.config.backbone is not None
    assert (run.config.backbone.name, run.config.backbone.sha256, run.config.backbone.size) == ("resnet50", "ab", 224)
    del record["backbone"]  # a file of before there were backbones
    write_json(run.folder / "run.json", record)
    assert run.config.backbone is None


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("net", 3, "net"),
        ("net", {"name": "a"}, r"net\.layers"),
        ("recipe", {"epochs": 0}, r"recipe\.epochs"),
        ("recipe", {"future": 1}, r"recipe\.future"),
        ("recipe", [], "recipe"),
        ("seed", "three", "seed"),
        ("seed", None, "seed"),
        ("faces", {"name": "a"}, r"faces\.fingerprint"),
        ("machine", {"cores": 2}, r"machine\.system"),
        ("versions", "1", "versions"),
        ("backbone", {"name": "resnet50"}, r"backbone\.sha256"),
    ],
)
def test_a_wrong_entry_is_named(run: Run, key: str, value: object, reason: str) -> None:
    file = run.folder / "run.json"
    write_json(file, read_json(file) | {key: value})
    with pytest.raises(UserError, match=rf"run\.json: damaged: {reason}: .*; remove .* and run the study again"):
        read_config(file)


@pytest.mark.parametrize("key", ["net", "recipe", "seed", "faces", "versions", "machine", "created"])
def test_a_missing_entry_is_named(run: Run, key: str) -> None:
    file = run.folder / "run.json"
    record = read_json(file)
    del record[key]
    write_json(file, record)
    with pytest.raises(UserError, match=rf"run\.json: damaged: {key}: Field required; "):
        read_config(file)


def test_no_file_is_none(tmp_path: Path) -> None:
    assert read_config(tmp_path / "run.json") is None
