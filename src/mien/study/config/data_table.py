"""The study file's table [data]: which faces."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from mien.disk import user_path
from mien.errors import UserError, did_you_mean
from mien.faces import FacesSpec
from mien.faces.classes import check_classes
from mien.faces.clean import CLEAN
from mien.faces.validation_split import MAX_SHARE
from mien.study.config.validation import Table


def _sources(entry: Any) -> Any:
    listed = [entry] if isinstance(entry, str) else entry
    if not listed or not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise ValueError(f"found {entry!r}; a source is a text, or a list of texts")
    if controls := [item for item in listed if any(ord(letter) < 32 for letter in item)]:
        raise ValueError(f"found {controls[0]!r}; a path with backslashes stands in single quotes: 'C:\\faces'")
    return listed


def _cleanable(entry: Any) -> Any:
    listed = entry if isinstance(entry, list) else [entry]
    for name in listed:
        if name not in CLEAN:
            raise ValueError(f"found {name!r}; {did_you_mean(str(name), list(CLEAN))}")
    return listed


def _classes(entry: Any) -> Any:
    listed = [entry] if isinstance(entry, str) else entry
    if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise ValueError(f"found {entry!r}; give a known layout, or a list of names, one for each number")
    try:
        check_classes(listed)
    except UserError as error:
        raise ValueError(str(error).removeprefix("classes: ")) from None
    return listed


class DataTable(Table):
    """Which faces, and what is done with them."""

    source: Annotated[list[str], BeforeValidator(_sources)] = Field(
        default=[], description="a csv, npz or parquet file, a folder, an archive; a list of them; drawn or drawn:2000"
    )
    size: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="side in pixels that the faces are scaled down to; unless given they stay as they are"
    )
    votes: str | None = Field(
        default=None, description="path of FER+'s fer2013new.csv; unless given, the one beside the source's files"
    )
    labels: Literal["own", "majority", "agreed"] = Field(
        default="own",
        description="own: the source's; majority: of FER+'s votes, eight classes; agreed: the source's, and no face "
        "of which that majority differs",
    )
    clean: Annotated[list[str], BeforeValidator(_cleanable)] = Field(
        default=[], description=f"what is left out of train: {', '.join(CLEAN)}"
    )
    classes: Annotated[list[str], BeforeValidator(_classes)] = Field(
        default=[],
        description="what classes that are numbers mean: a known layout, or a list of a name for each, in their order",
    )
    validation: Annotated[float, Field(ge=0, le=MAX_SHARE)] = Field(
        default=0.0,
        description="share of each class's train faces that become the validation split, where the source has none",
    )


def faces_spec(data: DataTable, folder: Path) -> FacesSpec:
    """Which faces the table [data] of a study file in a folder means."""
    return FacesSpec(
        source=tuple(resolved(item, folder) for item in data.source),
        size=data.size,
        votes=None if data.votes is None else resolved(data.votes, folder),
        labels=data.labels,
        clean=tuple(data.clean),
        classes=tuple(data.classes),
        validation=data.validation,
    )


def resolved(source: str, folder: Path) -> str:
    """A source with its path made absolute from `folder`; `drawn`, `drawn:2000` and the `train=` before a path stay."""
    if re.fullmatch(r"drawn(:\d+)?", source):
        return source
    split, equals, path = source.partition("=") if re.match(r"(train|validation|test)=", source) else ("", "", source)
    return f"{split}{equals}{(folder / user_path(path)).resolve()}"
