"""`mien nets`."""

import json
import re

import pytest
from typer.testing import CliRunner

from mien.cli import app
from mien.errors import UserError
from mien.nets import ZOO


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["nets", *arguments], catch_exceptions=False, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.output


def test_lists_every_net():
    entries = json.loads(run("--json"))
    assert [net["name"] for net in entries] == list(ZOO)
    first = entries[0]
    assert (first["kind"], first["parameters"], first["trainable"]) == ("fnn", 5_230_463, 5_230_463)
    table = run()
    assert all(name in table for name in ZOO)
    assert "2,723,303" in table


def test_shows_the_layers_of_one():
    net = json.loads(run("cnn_3", "--json"))
    assert net["parameters"] == 476_231 == sum(row["parameters"] for row in net["layers"])
    assert net["layers"][0] == {
        "name": "conv_1",
        "word": "conv(64)",
        "output_shape": [64, 46, 46],
        "parameters": 640,
        "trainable": 640,
    }
    table = run("cnn_3")
    assert re.search(r"conv_2 .*conv\(64, padding='same'\) .*64 x 46 x 46 .*36,928", table)
    assert "476,231" in table


def test_counts_for_other_sizes_and_classes():
    small = json.loads(run("model1", "--json", "--size", "24", "--classes", "3"))
    assert small["parameters"] == 5_230_463 - (48**2 - 24**2) * 1568 - 4 * 197


def test_unknown_net_is_the_users_mistake():
    with pytest.raises(UserError, match=r"no net is called 'cnn1'; known: model1, .*did you mean 'cnn_1'\?"):
        run("cnn1")


def test_size_that_a_net_does_not_fit_is_the_users_mistake():
    with pytest.raises(UserError, match=r"nets\.cnn_3\.layers\[.*larger than its input"):
        run("cnn_3", "--size", "16")
