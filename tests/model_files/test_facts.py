"""Facts: written into a model file, and read from it."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from example_facts import FACTS
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from mien.errors import UserError
from mien.model_files.facts import KEY, Facts, read_facts


def write_model(path: Path, facts: str | None) -> Path:
    """An ONNX file that gives back what it gets."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N"]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "same", value[:1], value[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if facts is not None:
        model.metadata_props.add(key=KEY, value=facts)
    path.write_bytes(model.SerializeToString())
    return path


def test_facts_come_back_from_a_file_as_they_were(tmp_path: Path) -> None:
    assert read_facts(write_model(tmp_path / "m.onnx", FACTS.to_json())) == FACTS


def test_former_names_are_read_as_todays() -> None:
    recipe = {"ema_decay": 0.998, "tta_flip": True, "init_from": "first-1", "distillation_weight": 0.7, "epochs": 3}
    former = {"average": 0.998, "mirror": True, "start": "first-1", "taught": 0.7, "epochs": 3}
    member = {"run": "cnn-1", "net": "cnn", "seed": 0, "layers": ["flatten", "classes"], "weight": 1.0}
    today = replace(FACTS, recipe=recipe, members=({**member, "recipe": recipe},), tta_scales=(0.9, 1.1))
    written = asdict(today) | {"recipe": former, "members": [{**member, "recipe": former}]}
    written |= {"mirror": written.pop("tta_flip"), "zooms": written.pop("tta_scales")}
    assert Facts.of(json.dumps(written), "here") == today


def test_what_a_later_mien_adds_is_left_out() -> None:
    later = json.dumps(asdict(FACTS) | {"smell": "roses"})
    assert Facts.of(later, "m.onnx") == FACTS


def test_a_file_with_one_temperature_has_it_for_every_class() -> None:
    entries = asdict(FACTS)
    del entries["temperatures"]
    assert Facts.of(json.dumps(entries), "m.onnx").temperatures == (1.25, 1.25)


@given(st.one_of(st.none(), st.text(), st.recursive(st.none() | st.integers(), st.lists).map(json.dumps)))
def test_facts_of_nothing_of_the_kind_are_refused(text: str | None) -> None:
    with pytest.raises(UserError, match=r"^m\.onnx: an ONNX file, but none that mien exported"):
        Facts.of(text, "m.onnx")


def test_facts_that_lack_an_entry_are_refused() -> None:
    fewer = asdict(FACTS)
    del fewer["height"]
    with pytest.raises(UserError, match="none that mien exported"):
        Facts.of(json.dumps(fewer), "m.onnx")


@pytest.mark.parametrize("members", [7, ["a"], [{"run": "a"}]])
def test_facts_of_several_nets_that_tell_too_little_of_one_are_refused(members: object) -> None:
    with pytest.raises(UserError, match="none that mien exported"):
        Facts.of(json.dumps(asdict(FACTS) | {"members": members}), "m.onnx")


def test_an_onnx_file_of_somebody_else_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"m\.onnx: an ONNX file, but none that mien exported"):
        read_facts(write_model(tmp_path / "m.onnx", None))


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(100)])
def test_a_file_that_is_no_model_is_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"m\.onnx: not a model that onnxruntime can read: "):
        read_facts(path)


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"m\.onnx: cannot be read: no such file"):
        read_facts(tmp_path / "m.onnx")
