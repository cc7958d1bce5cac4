"""The emotions' colours."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.faces import EMOTIONS
from mien.faces.colours import HUES, colours, hues

SEEN = {
    "by all": np.eye(3),
    "without red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "without green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "without blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""What becomes of linear RGB in the eyes of the colour-blind: Machado, Oliveira and Fernandes (2009), severity 1."""

WHITE = np.array([0.950456, 1.0, 1.088754])
XYZ = np.array([[0.412453, 0.35758, 0.180423], [0.212671, 0.71516, 0.072169], [0.019334, 0.119193, 0.950227]])


def lab(colour: str, eyes: str) -> NDArray[np.float64]:
    """CIELAB of a colour as it is seen."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(XYZ @ np.clip(np.array(SEEN[eyes]) @ linear, 0, 1) / WHITE)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("dark", [False, True])
def test_everyone_can_distinguish_the_emotions(eyes: str, dark: bool) -> None:
    seen = {name: lab(colour, eyes) for name, colour in zip(HUES, colours([*EMOTIONS, "contempt"], dark), strict=True)}
    apart = {pair: float(np.linalg.norm(seen[pair[0]] - seen[pair[1]])) for pair in combinations(seen, 2)}
    assert min(apart.values()) > 10, min(apart, key=lambda pair: apart[pair])


def test_each_emotion_keeps_its_colour() -> None:
    assert len(set(hues([*EMOTIONS, "contempt"]))) == 8
    assert hues(["sad", "happy"]) == ["blue", "orange"]
    assert colours(["sad"]) == ["#0072b2"]
    assert colours(["sad"], dark=True) == ["#3f97d3"]
    assert len(hues([f"mood {k}" for k in range(20)])) == 20
