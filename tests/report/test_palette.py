import numpy as np
import pytest

from mien.report.palette import ROLES


def test_roles_have_distinct_colours_so_that_they_can_be_swapped() -> None:
    for scheme in (0, 1):
        assert len({colours[scheme] for colours in ROLES.values()}) == len(ROLES)


@pytest.mark.parametrize("scheme", [0, 1])
@pytest.mark.parametrize("role", ["ink", "muted", "accent", "warning", "train", "validation", "test"])
def test_letters_and_lines_stand_out_from_the_paper(role: str, scheme: int) -> None:
    def luminance(colour: str) -> float:  # WCAG 2.1
        channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    paper, colour = luminance(ROLES["paper"][scheme]), luminance(ROLES[role][scheme])
    wanted = 3.0 if role in ("train", "test") else 4.5  # lines and letters
    assert (max(paper, colour) + 0.05) / (min(paper, colour) + 0.05) >= wanted
