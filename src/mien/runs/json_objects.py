"""Dataclasses as JSON: written whole, and checked when they are read."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """A dataclass, and all that it holds, as what JSON can hold."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], content: Any) -> T:
    """The dataclass that `to_json` gave; keys that it does not know are left out.

    Raises:
        ValueError: the content is not one of this kind.
    """
    value: T = _adapter(kind).validate_python(content)
    return value


_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
