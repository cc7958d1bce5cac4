"""Net as data."""

import json

import pytest

from mien.nets import Net

NET = Net("mine", ("conv(8, k)", "act", "flatten", "classes"), {"k": 3, "act": "relu"})


def test_goes_through_json_unchanged():
    assert Net.from_dict(json.loads(json.dumps(NET.to_dict()))) == NET


def test_equal_nets_have_equal_hashes():
    same = Net("mine", ["conv(8, k)", "act", "flatten", "classes"], {"act": "relu", "k": 3})  # type: ignore[arg-type]
    assert same == NET
    assert hash(same) == hash(NET)
    assert json.dumps(same.to_dict()) == json.dumps(NET.to_dict())


def test_binding_leaves_the_net_as_it_was():
    assert NET.bind({"k": 5}).values == {"act": "relu", "k": 5}
    assert NET.values == {"act": "relu", "k": 3}


@pytest.mark.parametrize(
    ("layers", "kind"),
    [(("flatten", "dense(8)", "classes"), "fnn"), (("conv (8)", "flatten"), "cnn"), (("residual(8)",), "cnn")],
)
def test_kind(layers, kind):
    assert Net("mine", layers).kind == kind
