"""The bundled models: their files, cards and runs."""

import pytest

from mien.errors import UserError
from mien.model_files.bundled import FOLDER, bundled_models, bundled_run, bundled_runs, find_bundled
from mien.model_files.card import card_of
from mien.model_files.facts import read_facts
from mien.runs.run import Run


def test_there_is_one_run_for_each_model_of_one_net() -> None:
    assert list(bundled_models()) == ["best", "ensemble", "fast"]
    assert {name: bundled_run(name).parent for name in ("best", "fast")} == {"best": FOLDER, "fast": FOLDER}
    assert list(bundled_runs()) == ["best", "fast"]
    for name, folder in bundled_runs().items():
        assert read_facts(find_bundled(name)).layers == Run.open(folder).net.layers


def test_best_is_one_net_in_one_pass_and_the_ensemble_three_with_the_mirror_image() -> None:
    best, ensemble = (read_facts(find_bundled(name)) for name in ("best", "ensemble"))
    assert (best.members, best.tta_flip, best.tta_scales) == ((), False, ())
    assert (len(ensemble.members), ensemble.tta_flip) == (3, True)
    assert ensemble.name == "ensemble"


@pytest.mark.parametrize("name", ["best", "ensemble", "fast"])
def test_the_card_is_what_the_template_gives(name: str) -> None:
    path = find_bundled(name)
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert card == card_of(read_facts(path), path.stat().st_size)


def test_an_unknown_name_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="no model is called 'bset'; known: best, ensemble, fast; did you mean 'best'"):
        find_bundled("bset")
    with pytest.raises(
        UserError, match="no model 'bset' to start from is bundled; known: best, fast; did you mean 'best'"
    ):
        bundled_run("bset")
