import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.report import write_report
from mien.runs.results import read_results

TEXT = """
name = "sections"
seeds = {seeds}
data.source = "faces"
[recipe]
epochs = 4
[nets]
plain.layers = ["conv(4)", "relu", "pool(4)", "flatten", "classes"]
dense.layers = ["flatten", "dense(8)", "batch_norm", "relu", "classes"]
[nets.turned]
layers = ["conv(4)", "relu", "pool(4)", "flatten", "classes"]
recipe = {{ augment = ["rotate(90)", "flip_vertical"], schedule = "cosine", label_smoothing = 0.1 }}
[groups.second]
title = "(g) Augmentation"
note = "One paragraph.\\n\\nAnd <another>."
nets = ["turned"]
[groups.first]
title = "(d) Nets"
nets = ["plain", "dense"]
[previews.turned]
augment = ["rotate(90)", "flip_vertical"]
[previews.white]
whitening = "zca"
[previews.none]
epochs = 3
"""
SKILL = {"plain": 2.0, "dense": 1.0, "turned": 0.5}


@pytest.fixture(scope="module")
def folder(built: Callable[..., Path]) -> Path:
    folder = built(text=TEXT, skill=SKILL)
    write_report(folder, read_results(folder))
    return folder


def test_sections_follow_the_study(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == [
        "The faces", "(g) Augmentation", "(d) Nets", "Augmentation, seen", "All together", "Methods", "Reproduce"
    ]  # fmt: skip
    assert "<p>One paragraph.</p>" in page
    assert "<p>And &lt;another&gt;.</p>" in page
    second = page[page.index('id="group-second"') : page.index('id="group-first"')]
    assert 'id="net-turned"' in second
    assert 'id="net-plain"' not in second


def test_augmentation_is_compared_across_tables(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "turned is plain trained on augmented faces" in page
    assert re.search(r"points less, beyond chance\s\(McNemar p", page)
    assert "the recipes also differ in schedule (cosine against constant) and label smoothing (0.1 against 0.0)" in page
    assert "flip_vertical turns some upside down, which hurt" in page


def test_previews_are_drawn_where_something_changes(folder: Path) -> None:
    saved = {path.stem for path in (folder / "figures").iterdir()}
    assert {name for name in saved if "preview" in name} == {"preview-turned", "preview-white"}
    assert {name for name in saved if "shown" in name} == {"shown-turned"}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "white: whitening ZCA, as fitted on train." in page
    assert page.count("9 faces before and after augmentation.") == 3


def test_settings_that_differ_are_shown_and_the_others_folded(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    net = page[page.index('id="net-turned"') : page.index('id="group-first"')]
    main, usual = net.split("Settings that have their default")
    assert "rotate(90), flip_vertical" in main
    assert "0.001, falling to 0 along a cosine" in main
    assert "the labels, 0.1 of each spread over all emotions" in main
    assert "<dt>sampling</dt><dd>every face once an epoch</dd>" in usual
    assert "every face once an epoch" not in main


def test_captions_say_how_train_differs_from_validation(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    turned = page[page.index('id="net-turned"') : page.index('id="group-first"')]
    assert "dropout on, its faces augmented." in turned
    assert "The loss on train is the recipe&#39;s own" in turned
    assert page.count("its faces augmented") == 1


def test_a_rate_that_fell_to_nothing_is_no_lack_of_epochs(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("the last: a longer schedule may help.") == 1
    assert page.count("the last: more epochs may help.") == 2


def test_layers_show_what_is_trained_where_not_all_is(folder: Path) -> None:
    """Batch norm's running mean and variance are counted, but not trained."""
    header, *rows = (folder / "tables" / "layers-dense.csv").read_text(encoding="utf-8").splitlines()
    assert header == "layer,word,output_shape,parameters,trainable"
    assert "batch_norm_1,batch_norm,8,32,16" in rows
    assert "trainable" not in (folder / "tables" / "layers-plain.csv").read_text(encoding="utf-8")


def test_nets_of_a_table_share_a_picture_of_their_histories(folder: Path) -> None:
    names = {path.stem for path in (folder / "figures").glob("validation-*")}
    assert names == {"validation-accuracy-first", "validation-loss-first"}
    assert ">dense<" in (folder / "figures" / "validation-loss-first.svg").read_text(encoding="utf-8")
