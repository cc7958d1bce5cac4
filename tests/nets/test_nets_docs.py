"""docs/reference/nets.md lists every word, and its examples work."""

import re
import tomllib
from pathlib import Path

import pytest

from mien.nets import Net, check
from mien.nets.grammar import usage
from mien.nets.layers import WORDS

TEXT = (Path(__file__).parents[2] / "docs" / "reference" / "nets.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([^`]+)` \|.*\| `([^`]+)` \|$", TEXT, re.MULTILINE)


def test_every_word_is_listed_with_its_arguments():
    assert sorted(shown for shown, _ in ROWS) == sorted(usage(layer) for layer in WORDS.values())


@pytest.mark.parametrize(("shown", "example"), ROWS)
def test_every_example_builds(shown, example, request):
    name = example.split("(")[0]
    if name == "timm":
        request.getfixturevalue("hub").names = ["resnet18.a1_in1k"]
    assert name == shown.split("(")[0]
    before = ["flatten"] if name in ("dense", "classes") else []
    after = (
        [] if name == "classes" else ["classes"] if name in ("flatten", "global_average") else ["flatten", "classes"]
    )
    assert check(Net("example", (*before, example, *after))) == []


def test_the_study_files_net_builds():
    toml = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    assert toml is not None
    table = tomllib.loads(toml[1])["nets"]["small"]
    assert check(Net("small", tuple(table["layers"]), table["values"])) == []


def test_the_python_runs(capsys):
    python = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert python is not None
    exec(python[1], {})
    assert capsys.readouterr().out.startswith("conv_1 (32, 46, 46) 320\n")
