"""Augmentation words: what is read, and what is refused in which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.augmentation import GENERATORS, WORDS, Augmentation, check
from mien.errors import UserError
from mien.runs.recipe import Recipe


def test_good_words_have_no_problems():
    assert (
        check(["rotate(10)", "shift(0.1, height=0.2)", "zoom(share=0.1)", "shear(5)", "flip", "flip_vertical(0.1)"])
        == []
    )
    assert check(["brightness(0.2)", "contrast(0.2)", "blur(1, 0.5)", "noise(8, 0.5)", "erase", "mixup(0.4)"]) == []
    assert check(["sharpen(1.5)", "jpeg(20, 0.3)", "cutmix(1.0, 0.5)"]) == []
    assert check([]) == []


def test_all_mistakes_are_reported_at_once_each_with_its_place():
    problems = check(["rotat(3)", "flip", "rotate(200, x=1)", "shift", "x(("])
    assert [problem.split(":")[0] for problem in problems] == [f"augment[{at}]" for at in (0, 2, 2, 3, 4)]
    assert "did you mean 'rotate'?" in problems[0]
    assert "degrees = 200 should be less than or equal to 180" in problems[1]
    assert "no argument 'x'; known: degrees" in problems[2]
    assert "shift needs share: shift(share, height=None)" in problems[3]
    assert "cannot read 'x(('" in problems[4]


@pytest.mark.parametrize(
    "word",
    [
        "rotate(-1)",
        "shift(1.5)",
        "zoom(1)",
        "shear(90)",
        "flip(2)",
        "blur(-1)",
        "noise(-1)",
        "sharpen(11)",
        "jpeg(0)",
        "jpeg(50.5)",
        "erase(0.5, 2)",
        "mixup(0)",
        "cutmix(-1)",
    ],
)
def test_what_is_out_of_range_is_refused(word):
    assert len(check([word])) == 1


@given(st.text(max_size=40) | st.text("rotate(10, share=)[]*'.", max_size=20))
def test_any_text_is_a_word_or_is_reported(text):
    assert all(problem.startswith("augment[0]: ") for problem in check([text]))


def test_augmentation_refuses_what_check_tells():
    with pytest.raises(UserError, match=r"augment\[1\]: unknown augmentation 'flipp'"):
        Augmentation(("flip", "flipp"), 0)


def test_each_word_says_in_one_line_what_it_does():
    assert all(word.__doc__ and word.__doc__.splitlines()[0].endswith((".", ").")) for word in WORDS.values())


def test_generators_are_entries_of_a_recipe():
    assert list(GENERATORS) == [f"generator_{number}" for number in range(1, 6)]
    for entries in GENERATORS.values():
        assert Recipe.model_validate(entries).changes() == entries
