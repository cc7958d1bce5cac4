"""The grammar of layer words: their arguments, as the signatures of the functions that make the layers have them."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from mien.errors import did_you_mean
from mien.nets.parsing import Mistake, Word

Units = Annotated[int, Field(ge=1, le=65536)]
Side = Annotated[int, Field(ge=1, le=256)]
Blocks = Annotated[int, Field(ge=0)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Strength = Annotated[float, Field(ge=0)]
Padding = Literal["valid", "same"]


def parameters_of(layer: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The arguments of a layer's word: those of its function but for the first, its place."""
    return dict(list(inspect.signature(layer).parameters.items())[1:])


def usage(layer: Callable[..., Any]) -> str:
    """A layer's word with all its arguments: `pool(size=2, stride=None)`."""
    inside = [
        name if parameter.default is parameter.empty else f"{name}={parameter.default!r}"
        for name, parameter in parameters_of(layer).items()
    ]
    return f"{layer.__name__}({', '.join(inside)})" if inside else layer.__name__


def arguments(word: Word, layer: Callable[..., Any]) -> dict[str, Any]:
    """The arguments that a word gives to its layer's function, by name.

    Raises:
        Mistake: with every argument that is unknown, missing, given twice, of the wrong type or out of range.
    """
    known = list(parameters_of(layer))
    problems = []
    if len(word.args) > len(known):
        problems.append(f"{word.name} takes at most {len(known)} arguments, found {len(word.args)}: {usage(layer)}")
    given = dict(zip(known, word.args, strict=False))
    problems += [f"{word.name}: {name} is given twice" for name in word.options if name in given]
    try:
        checked = _schema(layer).model_validate({**given, **word.options})
    except ValidationError as error:
        raise Mistake(*problems, *(_message(word, layer, dict(fault)) for fault in error.errors())) from None
    if problems:
        raise Mistake(*problems)
    return {name: getattr(checked, name) for name in known}


@cache
def _schema(layer: Callable[..., Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        name: (parameter.annotation, ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in parameters_of(layer).items()
    }
    strict = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    return create_model(layer.__name__, __config__=strict, **fields)


def _message(word: Word, layer: Callable[..., Any], fault: dict[str, Any]) -> str:
    name = str(fault["loc"][0])
    if fault["type"] == "missing":
        return f"{word.name} needs {name}: {usage(layer)}"
    if fault["type"] == "extra_forbidden":
        known = list(parameters_of(layer))
        return f"{word.name} has no argument {name!r}; {did_you_mean(name, known) if known else 'it takes none'}"
    return f"{word.name}: {name} = {fault['input']!r} {fault['msg'].replace('Input should', 'should')}"
