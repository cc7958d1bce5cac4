import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from runs.former import former, read

from mien.errors import UserError
from mien.runs.ranking import Area, ClassAreas
from mien.runs.results import FORMAT, read_results, write_results


@pytest.mark.parametrize("name", ["search", "seeds"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    results = read(former(name), tmp_path)
    write_results(tmp_path, results)
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert content["format"] == FORMAT == 3
    assert read_results(tmp_path) == results


def test_keys_of_the_file(tmp_path: Path) -> None:
    content = read(former("seeds"), tmp_path).to_dict()
    net = content["nets"][0]
    assert set(net["accuracy"]) == {"train", "validation", "test", "test_without_leaks"}
    assert set(net["accuracy"]["test"]) == {"mean", "interval", "sd", "n"}
    assert set(content["comparisons"][0]["mcnemar"]) == {"only_a", "only_b", "p"}
    assert content["previews"] == {}


def test_scores_of_before_have_no_areas_and_new_ones_are_read_again(tmp_path: Path) -> None:
    results = read(former("seeds"), tmp_path)
    net = next(one for one in results.nets if one.scores)
    assert net.scores is not None
    assert (net.scores.areas, net.scores.macro_areas) == ({}, None)
    known = ClassAreas(Area(0.9, (0.8, 0.95)), Area(0.7, (0.6, 0.8)))
    scored = replace(net.scores, areas={"happy": known, "sad": None}, macro_areas=known)
    write_results(tmp_path, replace(results, nets=(replace(net, scores=scored),)))
    assert read_results(tmp_path).nets[0].scores == scored


def test_previews_are_written_as_what_they_change(tmp_path: Path) -> None:
    content = read(former("search"), tmp_path).to_dict()
    assert content["previews"]["half_hidden"] == {"augment": ["erase(1.0)", "noise(10)"]}


def test_the_faces_can_be_opened_again(tmp_path: Path) -> None:
    faces = read(former("search"), tmp_path).faces
    assert (faces.spec.source, faces.spec.size, faces.total("test")) == (("drawn",), 48, 500)


def test_no_results_yet(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no results\.json; finish the study first, with `mien study FILE -o "):
        read_results(tmp_path)


@pytest.mark.parametrize("written_in", [1, 4, None])
def test_another_format_is_refused(tmp_path: Path, written_in: int | None) -> None:
    with pytest.raises(
        UserError, match=rf"results.json: written in format {written_in}, this mien reads 2 and 3; run the study again"
    ):
        read({"format": written_in}, tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"study": "x"}', '{"format": 2}', '{"format": 3}', "\xff"])
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "results.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=r"results\.json: damaged: .*; run the study again, it keeps its runs"):
        read_results(tmp_path)


@pytest.mark.parametrize("place", ["nets", "faces", "comparisons", "groups"])
@pytest.mark.parametrize("value", [None, 3, [3], [{}], {"a": 1}])
def test_a_damaged_entry_is_refused(tmp_path: Path, place: str, value: Any) -> None:
    for content in (former("seeds"), read(former("seeds"), tmp_path).to_dict()):
        with pytest.raises(UserError, match=r"results\.json: damaged"):
            read(content | {place: value}, tmp_path)
