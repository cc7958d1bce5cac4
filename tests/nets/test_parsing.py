"""The word parser: what it reads, what it refuses, and that no text can do worse than be refused."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.nets import Net, check
from mien.nets.parsing import Mistake, Word, names_in, parse

NAMES = st.text(string.ascii_lowercase + "_", min_size=1, max_size=8).filter(lambda name: name.isidentifier())
PLAIN = (
    st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
    | st.booleans()
    | st.none()
)


def keyword_free(name: str) -> bool:
    try:
        return parse(name) == Word(name)
    except Mistake:
        return False


@given(
    NAMES.filter(keyword_free),
    st.lists(PLAIN, max_size=4).map(tuple),
    st.dictionaries(NAMES.filter(keyword_free), PLAIN, max_size=3),
)
def test_word_written_and_read_is_the_same(name, args, options):
    word = Word(name, args, options)
    assert parse(str(word)) == word


@given(st.text(max_size=60) | st.text("conv(32, kernel=3)[]{}*'\"\\:=.+-", max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        read = parse(text).name.isidentifier()
    except Mistake:
        read = False
    problems = check(Net("any", (text, "flatten", "classes")))
    assert all(problem.startswith("nets.any.layers[") for problem in problems)
    assert read or problems


@pytest.mark.parametrize(
    "text", ["(" * 5000, "-" * 20000 + "1", "conv(" + "9" * 5000 + ")", "conv(" + "-" * 20000 + "1)"]
)
def test_text_made_to_exhaust_the_reader_is_refused(text):
    with pytest.raises(Mistake):
        parse(text)


def test_spaces_and_negative_numbers_are_read():
    assert parse("  conv( 32 , kernel = 3 ) ") == Word("conv", (32,), {"kernel": 3})
    assert parse("conv(-1, l2=1e-3)") == Word("conv", (-1,), {"l2": 1e-3})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "conv(",
        "conv 32",
        "3",
        "nn.conv(3)",
        "conv(3)(3)",
        "conv(32) if 1 else relu",
        "__import__('os').system('true')",
        "lambda: 1",
        "[relu]",
        "relu\x00",
    ],
)
def test_what_is_no_word_is_refused(text):
    with pytest.raises(Mistake, match="cannot read"):
        parse(text)


@pytest.mark.parametrize(
    "inside", ["[3]", "*[3]", "3 + 4", "len('x')", "1e999", "b'x'", "1j", "...", "f'{1}'", "{}", "n := 3"]
)
def test_arguments_are_plain_values(inside):
    with pytest.raises(Mistake, match="must be a plain number or a text in quotes"):
        parse(f"conv({inside})")


def test_all_problems_of_a_word_are_reported():
    with pytest.raises(Mistake) as refused:
        parse("conv([3], kernel=k, stride=1, stride=2, **{})")
    assert len(refused.value.args) == 4


class TestHyperParameters:
    def test_take_their_values(self):
        assert parse("conv(n, kernel=k)", {"n": 64, "k": 5}) == Word("conv", (64,), {"kernel": 5})

    def test_bare_one_stands_for_a_word(self):
        assert parse("act", {"act": "relu"}) == Word("relu")
        assert parse("act", {"act": "dropout(p)", "p": 0.3}) == Word("dropout", (0.3,))

    @pytest.mark.parametrize("values", [{}, {"kernel": 3}])
    def test_without_a_value_is_reported(self, values):
        with pytest.raises(Mistake, match="hyper-parameter 'k' is not bound"):
            parse("conv(32, k)", values)

    def test_whose_value_is_no_word_is_reported(self):
        with pytest.raises(Mistake, match="its value 3 is not a word"):
            parse("act", {"act": 3})

    @pytest.mark.parametrize("value", [[1, 2], float("nan"), {"a": 1}])
    def test_whose_value_is_not_plain_is_reported(self, value):
        with pytest.raises(Mistake, match="the value of hyper-parameter 'k' must be a plain number"):
            parse("conv(k)", {"k": value})

    def test_circle_ends(self):
        assert parse("a", {"a": "b", "b": "a"}) == Word("a")

    def test_names_are_those_in_brackets(self):
        assert names_in("conv(n, kernel=k, stride=2)") == {"n", "k"}
        assert names_in("act") == {"act"}
        assert names_in("conv(") == set()
