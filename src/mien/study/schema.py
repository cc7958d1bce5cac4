"""The study file: TOML, checked whole before anything is spent, every mistake at once.

`docs/study-file.md` is the reference of its keys.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from mien.errors import UserError, did_you_mean
from mien.faces import SIZE
from mien.nets import Net, check
from mien.nets.zoo import SEED_RECIPES, ZOO
from mien.study.settings import apply_setting
from mien.training.recipe import Recipe

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names of studies and nets name folders too."""

_NAME_RULE = "letters, digits, '.', '_' and '-' only, the first a letter or a digit"

ALL = "all"
"""The one group of a study that names none."""

_OUR_WORDS = {"valid integer": "whole number", "valid dictionary": "table", "valid string": "text", "valid ": ""}

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class StudyNet:
    """A net of a study, how it is trained, and the comparison table it stands in."""

    net: Net
    recipe: Recipe
    group: str


@dataclass(frozen=True)
class Study:
    """A checked study.

    Attributes:
        name: also the name of its default folder.
        seeds: each net is trained once with each.
        source: what `open_faces` takes; () where the file leaves it to the command.
        size: side in pixels that faces are made, None: as they are.
        votes: FER+'s file, None: none.
        nets: in the order of their groups.
        text: the file, as it was read.
        settings: what `--set` changed, in its order.
    """

    name: str
    seeds: tuple[int, ...]
    source: tuple[str, ...]
    size: int | None
    votes: str | None
    nets: tuple[StudyNet, ...]
    text: str = ""
    settings: tuple[str, ...] = ()

    @property
    def groups(self) -> dict[str, list[StudyNet]]:
        """The comparison tables: the nets of each group."""
        groups: dict[str, list[StudyNet]] = {}
        for net in self.nets:
            groups.setdefault(net.group, []).append(net)
        return groups


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _StudyTable(_Table):
    name: str = Field(pattern=NAME)
    seeds: list[Annotated[int, Field(ge=0)]] = Field(default=[0], min_length=1)
    data: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    nets: dict[str, dict[str, Any]] = Field(min_length=1)
    groups: dict[str, Annotated[list[str], Field(min_length=1)]] = {}


def _sources(found: Any) -> Any:
    listed = [found] if isinstance(found, str) else found
    if not listed or not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise ValueError(f"found {found!r}; a source is a text, or a list of texts")
    return listed


class _DataTable(_Table):
    source: Annotated[list[str], BeforeValidator(_sources)] = []
    size: Annotated[int, Field(ge=1)] | None = None
    votes: str | None = None


class _NetTable(_Table):
    layers: Annotated[list[str], Field(min_length=1)] | None = None
    values: dict[str, Any] = {}
    zoo: str | None = None
    recipe: dict[str, Any] = {}


def read_study(file: Path, settings: Sequence[str] = (), data: Sequence[str] = ()) -> Study:
    """Read and check a study file.

    Args:
        file: a TOML file; the paths in its [data] are relative to its folder.
        settings: `key=value` texts, applied before checking.
        data: sources that stand in for [data] source, relative to the working directory.

    Raises:
        UserError: the file cannot be read, or has mistakes: all of them, each with its place.
    """
    try:
        text = file.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not TOML: {error}") from None
    for setting in settings:
        apply_setting(table, setting)
    study, problems = check_table(table, file)
    if study is None:
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        raise UserError("\n  ".join([f"{file}: {count}", *problems]))
    source = tuple(_resolved(item, Path.cwd()) for item in data) or study.source
    return replace(study, source=source, text=text, settings=tuple(settings))


def check_table(table: dict[str, Any], file: Path) -> tuple[Study | None, list[str]]:
    """The study that a file's table describes, or None and all of its mistakes."""
    problems: list[str] = []
    top = _checked(_StudyTable, table, "", problems)
    problems += [f"seeds: {seed} stands {n} times" for seed, n in Counter(top.seeds).items() if n > 1]
    data = _checked(_DataTable, _section(table, "data"), "data", problems)
    recipe = _section(table, "recipe")
    _check_recipe(recipe, recipe, "recipe", problems)
    named = {name: net for name, net in _section(table, "nets").items() if isinstance(net, dict)}
    nets = {name: _net(name, net, recipe, data.size or SIZE, problems) for name, net in named.items()}
    problems += _group_problems(top.groups, list(named))
    if problems:
        return None, problems
    groups = top.groups or {ALL: list(nets)}
    study = Study(
        name=top.name,
        seeds=tuple(top.seeds),
        source=tuple(_resolved(item, file.parent) for item in data.source),
        size=data.size,
        votes=None if data.votes is None else _resolved(data.votes, file.parent),
        nets=tuple(StudyNet(*pair, group) for group, names in groups.items() for name in names if (pair := nets[name])),
    )
    return study, []


def _net(
    name: str, table: dict[str, Any], recipe: Mapping[str, Any], size: int, problems: list[str]
) -> tuple[Net, Recipe] | None:
    place = f"nets.{name}"
    if not re.fullmatch(NAME, name):
        problems.append(f"{place}: a net's name is {_NAME_RULE}")
    given = _checked(_NetTable, table, place, problems)
    if ("layers" in table) == ("zoo" in table):
        problems.append(f"{place}: give either layers or zoo, the name of a net of `mien nets`")
    net = _layers(name, given, size, problems)
    own = _section(table, "recipe")
    base = SEED_RECIPES.get(given.zoo or "", {})
    checked = _check_recipe({**base, **recipe, **own}, own, f"{place}.recipe", problems)
    return (net, checked) if net and checked else None


def _layers(name: str, given: _NetTable, size: int, problems: list[str]) -> Net | None:
    place = f"nets.{name}"
    if given.zoo is not None and given.zoo not in ZOO:
        problems.append(f"{place}.zoo: found {given.zoo!r}; {did_you_mean(given.zoo, list(ZOO))}")
        return None
    if given.zoo is not None and given.values:
        problems.append(f"{place}.values: belong to a net's own layers; a net of the zoo has none to bind")
    if given.layers is None and given.zoo is None:
        return None
    net = Net(name, tuple(given.layers), given.values) if given.layers else replace(ZOO[given.zoo or ""], name=name)
    problems += check(net, size)
    return net


def _check_recipe(merged: Mapping[str, Any], own: Mapping[str, Any], place: str, problems: list[str]) -> Recipe | None:
    """Check a merged recipe; only mistakes in the entries that stand at `place` itself are told there.

    What two entries get wrong together is judged where all have been merged, in a net's recipe.
    """
    try:
        return Recipe.model_validate(dict(merged), strict=True)
    except ValidationError as error:
        problems += [
            _problem(detail, Recipe, place)
            for detail in error.errors()
            if (detail["loc"][0] in own if detail["loc"] else place != "recipe")
        ]
        return None


def _group_problems(groups: Mapping[str, Sequence[str]], nets: list[str]) -> list[str]:
    if not groups:
        return []
    members = [(group, name) for group, names in groups.items() for name in names]
    unknown = [
        f"groups.{group}: no net {name!r}; {did_you_mean(name, nets)}" for group, name in members if name not in nets
    ]
    often = Counter(name for _, name in members)
    twice = [f"groups: net {name!r} stands {n} times; it can stand in one table" for name, n in often.items() if n > 1]
    nowhere = [f"groups: net {name!r} stands in none of them" for name in nets if name not in often]
    return unknown + twice + nowhere


def _section(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = table.get(key)
    return found if isinstance(found, dict) else {}


def _checked(model: type[_Model], table: dict[str, Any], place: str, problems: list[str]) -> _Model:
    """The table as its model; entries with a mistake are told and left out, so that the others are checked too."""
    try:
        return model.model_validate(table)
    except ValidationError as error:
        problems += [_problem(detail, model, place) for detail in error.errors()]
        wrong = {detail["loc"][0] for detail in error.errors()}
        return model.model_construct(**{key: value for key, value in table.items() if key not in wrong})


def _problem(detail: ErrorDetails, model: type[BaseModel], place: str) -> str:
    """One mistake as pydantic found it, in our words: place, what was found, what is allowed."""
    where, kind, found = _place(place, detail["loc"]), detail["type"], detail["input"]
    if kind == "extra_forbidden":
        return f"{where}: unknown key; {did_you_mean(str(detail['loc'][-1]), list(model.model_fields))}"
    if kind == "missing":
        return f"{where}: missing"
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        return f"{where}: found {found!r}; {did_you_mean(str(found), known)}"
    if kind == "string_pattern_mismatch":
        return f"{where}: found {found!r}; {_NAME_RULE}"
    if kind == "value_error":
        return f"{where}: {detail['ctx']['error']}"
    allowed = re.sub(r"^\w+ should", "should", detail["msg"]).split(" after validation")[0]
    for theirs, ours in _OUR_WORDS.items():
        allowed = allowed.replace(theirs, ours)
    return f"{where}: found {found!r}, {allowed}"


def _place(place: str, loc: tuple[int | str, ...]) -> str:
    for part in loc:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else part
    return place


def _resolved(source: str, folder: Path) -> str:
    """A source with its path made absolute from `folder`; `drawn`, `drawn:2000` and the `train=` before a path stay."""
    if re.fullmatch(r"drawn(:\d+)?", source):
        return source
    split, found, path = source.rpartition("=") if re.match(r"(train|validation|test)=", source) else ("", "", source)
    return f"{split}{found}{(folder / Path(path).expanduser()).resolve()}"
