"""The bundled models: their files, cards and runs."""

import json

import pytest

from mien.errors import UserError
from mien.model_files.bundled import FOLDER, bundled_facts, bundled_models, bundled_run, find_bundled
from mien.model_files.card import card_of
from mien.model_files.facts import KEY, read_facts
from mien.model_files.session import open_session


def test_there_is_one_run_for_each_model() -> None:
    assert list(bundled_models()) == ["best", "fast"]
    assert [bundled_run(name).parent for name in bundled_models()] == [FOLDER, FOLDER]
    assert len(list(FOLDER.glob("*-*/"))) == 2


@pytest.mark.parametrize("name", ["best", "fast"])
def test_the_card_is_what_the_template_gives(name: str) -> None:
    path = find_bundled(name)
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert card == card_of(read_facts(path), path.stat().st_size)


def test_former_names_in_the_files_are_read_as_todays() -> None:
    entries = json.loads(open_session(find_bundled("best")).get_modelmeta().custom_metadata_map[KEY])
    facts = bundled_facts()["best"]
    assert entries["mirror"] is facts.tta_flip is True
    assert tuple(entries["zooms"]) == facts.tta_scales == ()
    for written, member in zip(entries["members"], facts.members, strict=True):
        former = {"mirror": "tta_flip", "average": "ema_decay", "start": "init_from", "taught": "distillation_weight"}
        assert member["recipe"] == {former.get(key, key): value for key, value in written["recipe"].items()}
        assert "ema_decay" in member["recipe"]
    assert bundled_facts()["fast"].recipe["distillation_weight"] == 0.7


def test_an_unknown_name_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="no model is called 'bset'; known: best, fast; did you mean 'best'"):
        find_bundled("bset")
    with pytest.raises(
        UserError, match="no model 'bset' to start from is bundled; known: best, fast; did you mean 'best'"
    ):
        bundled_run("bset")
