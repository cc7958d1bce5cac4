"""Layer words: `conv(64, padding="same")` read as data, by `ast` and never by `eval`."""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

_LOOKS_LIKE = "a word is a name, as relu, or a name with arguments, as conv(32, kernel=3)"


class Mistake(ValueError):  # noqa: N818 - the user's, not the program's
    """The mistakes in one word: each of `args` is a message, to be shown after the word's place."""


@dataclass(frozen=True)
class Word:
    """A layer as it was written: its name and the arguments in the brackets, not yet checked against the layer.

    `str(word)` is the text again: `parse(str(word)) == word`.
    """

    name: str
    args: tuple[object, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        inside = [*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.options.items())]
        return f"{self.name}({', '.join(inside)})" if inside else self.name


def parse(text: str, values: Mapping[str, object] | None = None) -> Word:
    """Read one layer word.

    Args:
        text: a name, or a name with arguments in brackets: numbers, texts, True, False, None, or hyper-parameters.
        values: what the hyper-parameters are bound to. One inside the brackets becomes its value; a bare one is
            replaced by the word that its value spells.

    Raises:
        Mistake: this is no layer word, or a hyper-parameter has no fitting value.
    """
    values = values or {}
    match _tree(text):
        case ast.Name(id=name) if name in values:
            return _replaced(name, values)
        case ast.Name(id=name):
            return Word(name)
        case ast.Call(func=ast.Name(id=name), args=positional, keywords=named):
            return _called(name, positional, named, values)
    raise Mistake(f"cannot read {text!r}; {_LOOKS_LIKE}")


def names_in(text: str) -> set[str]:
    """The names in a word that can be hyper-parameters: the bare word itself, or those in its brackets."""
    try:
        tree = _tree(text)
    except Mistake:
        return set()
    inside = [*tree.args, *(argument.value for argument in tree.keywords)] if isinstance(tree, ast.Call) else [tree]
    return {node.id for node in inside if isinstance(node, ast.Name)}


def _tree(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise Mistake(f"cannot read {text!r}; {_LOOKS_LIKE}") from None


def _replaced(name: str, values: Mapping[str, object]) -> Word:
    spelled = values[name]
    if not isinstance(spelled, str):
        raise Mistake(f"hyper-parameter {name!r} stands for a whole layer, but its value {spelled!r} is not a word")
    # Without itself among the values, a hyper-parameter cannot be replaced by itself for ever.
    others = {other: value for other, value in values.items() if other != name}
    return parse(spelled, others)


def _called(name: str, positional: list[ast.expr], named: list[ast.keyword], values: Mapping[str, object]) -> Word:
    problems: list[str] = []

    def read(node: ast.expr) -> object:
        try:
            return _value(node, values)
        except Mistake as mistake:
            problems.extend(mistake.args)
            return None

    args = tuple(read(node) for node in positional)
    options: dict[str, object] = {}
    for argument in named:
        if argument.arg is None:
            problems.append(f"{name}: '**' has no meaning here")
        elif argument.arg in options:
            problems.append(f"{name}: {argument.arg} is given twice")
        else:
            options[argument.arg] = read(argument.value)
    if problems:
        raise Mistake(*problems)
    return Word(name, args, options)


def _value(node: ast.expr, values: Mapping[str, object]) -> object:
    if isinstance(node, ast.Name):
        if node.id not in values:
            bound = f"bound are {', '.join(values)}" if values else "no hyper-parameter is"
            raise Mistake(f"hyper-parameter {node.id!r} is not bound to a value ({bound}); a text needs quotes")
        value, shown = values[node.id], f"the value of hyper-parameter {node.id!r}"
    else:
        shown = repr(ast.unparse(node))
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            value = ...
    if not isinstance(value, int | float | str | None) or (isinstance(value, float) and not math.isfinite(value)):
        raise Mistake(f"{shown} must be a plain number or a text in quotes")
    return value
