"""The study file: TOML, checked whole before anything is spent, every mistake at once.

`docs/study-file.md` is the reference of its keys.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from mien.errors import UserError, did_you_mean
from mien.faces import SIZE
from mien.nets import Net, check
from mien.nets.layers import WORDS
from mien.nets.words import Mistake, names_in, parse
from mien.nets.zoo import SEED_RECIPES, ZOO
from mien.study.checking import NAME, NAME_RULE, Table, checked, problem, section
from mien.study.resources import Resources, read_resources
from mien.study.settings import apply_setting
from mien.study.space import Values
from mien.study.tune import Tune, read_tune
from mien.training.augmentation import WORDS as AUGMENTATIONS
from mien.training.recipe import Recipe

ALL = "all"
"""The one group of a study that names none."""


@dataclass(frozen=True)
class StudyNet:
    """A net of a study, how it is trained, and the comparison table it stands in.

    Where it is tuned, net and recipe have the first values of the space until the search has found better.
    """

    net: Net
    recipe: Recipe
    group: str
    tune: Tune | None = None


@dataclass(frozen=True)
class Group:
    """A comparison table and its section of the report.

    Attributes:
        name: what nets and results call it.
        nets: the names of its nets, in their order.
        title: the section's heading; the name unless given.
        note: a paragraph to stand below it; "": none.
    """

    name: str
    nets: tuple[str, ...]
    title: str = ""
    note: str = ""


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
        sections: the groups; one of all nets where the file names none.
        previews: recipes whose effect on a few faces the report shows, by name.
        resources: what a run of each net takes, by the net's name.
        text: the file, as it was read.
        settings: what `--set` changed, in its order.
    """

    name: str
    seeds: tuple[int, ...]
    source: tuple[str, ...]
    size: int | None
    votes: str | None
    nets: tuple[StudyNet, ...]
    sections: tuple[Group, ...] = ()
    previews: Mapping[str, Recipe] = field(default_factory=dict)
    resources: Mapping[str, Resources] = field(default_factory=dict)
    text: str = ""
    settings: tuple[str, ...] = ()

    @property
    def groups(self) -> dict[str, list[StudyNet]]:
        """The comparison tables: the nets of each group."""
        groups: dict[str, list[StudyNet]] = {}
        for net in self.nets:
            groups.setdefault(net.group, []).append(net)
        return groups


class _GroupTable(Table):
    nets: list[str] = Field(min_length=1)
    title: str = ""
    note: str = ""


class _StudyTable(Table):
    name: str = Field(pattern=NAME)
    seeds: list[Annotated[int, Field(ge=0)]] = Field(default=[0], min_length=1)
    data: dict[str, Any] = Field(default={})
    recipe: dict[str, Any] = Field(default={})
    nets: dict[str, dict[str, Any]] = Field(min_length=1)
    groups: dict[str, Any] = Field(default={})
    previews: dict[str, dict[str, Any]] = Field(default={})
    resources: dict[str, Any] = Field(default={})


def _sources(found: Any) -> Any:
    listed = [found] if isinstance(found, str) else found
    if not listed or not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
        raise ValueError(f"found {found!r}; a source is a text, or a list of texts")
    return listed


class _DataTable(Table):
    source: Annotated[list[str], BeforeValidator(_sources)] = Field(default=[])
    size: Annotated[int, Field(ge=1)] | None = None
    votes: str | None = None


class _NetTable(Table):
    layers: Annotated[list[str], Field(min_length=1)] | None = None
    backbone: str | None = None
    head: Annotated[list[str], Field(min_length=1)] | None = None
    values: dict[str, Any] = Field(default={})
    zoo: str | None = None
    recipe: dict[str, Any] = Field(default={})
    tune: dict[str, Any] | None = None
    resources: dict[str, Any] = Field(default={})


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
    top = checked(_StudyTable, table, "", problems)
    problems += [f"seeds: {seed} stands {n} times" for seed, n in Counter(top.seeds).items() if n > 1]
    data = checked(_DataTable, section(table, "data"), "data", problems)
    recipe = section(table, "recipe")
    _check_recipe(recipe, recipe, "recipe", problems)
    named = {name: net for name, net in section(table, "nets").items() if isinstance(net, dict)}
    nets = {name: _net(name, net, recipe, data.size or SIZE, problems) for name, net in named.items()}
    resources = read_resources(table, named, problems)
    groups = _groups(section(table, "groups"), list(named), problems)
    previews = {
        name: _check_recipe(entries, entries, f"previews.{name}", problems)
        for name, entries in section(table, "previews").items()
        if isinstance(entries, dict)
    }
    if problems:
        return None, problems
    sections = groups or (Group(ALL, tuple(nets)),)
    study = Study(
        name=top.name,
        seeds=tuple(top.seeds),
        source=tuple(_resolved(item, file.parent) for item in data.source),
        size=data.size,
        votes=None if data.votes is None else _resolved(data.votes, file.parent),
        nets=tuple(
            StudyNet(found[0], found[1], group.name, found[2])
            for group in sections
            for name in group.nets
            if (found := nets[name])
        ),
        sections=sections,
        previews={name: recipe for name, recipe in previews.items() if recipe},
        resources=resources,
    )
    return study, []


def _net(
    name: str, table: dict[str, Any], recipe: Mapping[str, Any], size: int, problems: list[str]
) -> tuple[Net, Recipe, Tune | None] | None:
    """A net's table, checked; where it is tuned, bound to the first values of its space."""
    place = f"nets.{name}"
    if not re.fullmatch(NAME, name):
        problems.append(f"{place}: a net's name is {NAME_RULE}")
    checked(_NetTable, table, place, problems)
    if sum(key in table for key in ("layers", "zoo", "backbone")) != 1:
        problems.append(f"{place}: give one of layers, zoo (the name of a net of `mien nets`) and backbone")
    if ("backbone" in table) != ("head" in table):
        problems.append(f"{place}: backbone and head belong together; the head is the layers behind the backbone")
    bind = partial(_bind, name, table, recipe, size)
    if not isinstance(table.get("tune"), dict):
        found = bind({}, problems)
        return (*found, None) if found else None
    words = [word for part in _words(table, recipe) for word in part]
    names = {hyper for word in words for hyper in names_in(word)} - set(WORDS) - set(AUGMENTATIONS)
    basis = json.dumps([{key: table[key] for key in table if key != "tune"}, recipe], sort_keys=True, default=str)
    tune = read_tune(table["tune"], names, bind, basis, f"{place}.tune", problems)
    found = bind(tune.first, problems) if tune else None
    return (*found, tune) if found else None


def _words(table: Mapping[str, Any], recipe: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The layer words and the augmentation words of a net's table, those that are texts."""
    zoo = ZOO.get(str(table.get("zoo")))
    layers = [*(table.get("layers") or ()), table.get("backbone"), *(table.get("head") or ())]
    augment = {**recipe, **section(table, "recipe")}.get("augment") or ()
    return (
        [word for word in (zoo.layers if zoo else layers) if isinstance(word, str)],
        [word for word in (augment if isinstance(augment, list) else ()) if isinstance(word, str)],
    )


def _bind(
    name: str, table: dict[str, Any], recipe: Mapping[str, Any], size: int, values: Values, problems: list[str]
) -> tuple[Net, Recipe] | None:
    """A net's table as its net and recipe, with a trial's values."""
    place, silent = f"nets.{name}", list[str]()
    given = checked(_NetTable, table, place, silent)
    own = section(table, "recipe") | {
        key.removeprefix("recipe."): value for key, value in values.items() if key.startswith("recipe.")
    }
    merged = {**SEED_RECIPES.get(given.zoo or "", {}), **recipe, **own}
    hyper = {**section(table, "values"), **{key: value for key, value in values.items() if "." not in key}}
    augment, used = _bound(merged.get("augment"), hyper, f"{place}.recipe.augment", problems)
    if used:
        merged["augment"] = augment
    net = _layers(name, given, hyper, used, size, problems)
    recipe_of_net = _check_recipe(merged, own, f"{place}.recipe", problems)
    return (net, recipe_of_net) if net and recipe_of_net else None


def _bound(words: Any, values: Mapping[str, Any], place: str, problems: list[str]) -> tuple[list[str], set[str]]:
    """Augmentation words with their hyper-parameters replaced by values, and which hyper-parameters these were."""
    listed = [word for word in words if isinstance(word, str)] if isinstance(words, list) else []
    used = {name for word in listed for name in names_in(word) if name in values}
    bound = []
    for index, word in enumerate(listed):
        try:
            bound.append(str(parse(word, values)) if used else word)
        except Mistake as mistake:
            problems += [f"{place}[{index}]: {text}" for text in mistake.args]
    return bound, used


def _layers(
    name: str, given: _NetTable, hyper: Mapping[str, Any], used: set[str], size: int, problems: list[str]
) -> Net | None:
    """A net's own layers or those of the zoo; of its hyper-parameters, `used` are those its recipe's words have."""
    place = f"nets.{name}"
    if given.zoo is not None and given.zoo not in ZOO:
        problems.append(f"{place}.zoo: found {given.zoo!r}; {did_you_mean(given.zoo, list(ZOO))}")
        return None
    if given.zoo is not None and set(hyper) - used:
        problems.append(f"{place}.values: belong to a net's own layers; a net of the zoo has none to bind")
    layers = given.layers or [word for word in (given.backbone, *(given.head or ())) if word]
    if not layers and given.zoo is None:
        return None
    in_layers = {word for text in layers for word in names_in(text)}
    values = {key: value for key, value in hyper.items() if key not in used or key in in_layers}
    net = Net(name, tuple(layers), values) if layers else replace(ZOO[given.zoo or ""], name=name)
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
            problem(detail, Recipe, place)
            for detail in error.errors()
            if (detail["loc"][0] in own if detail["loc"] else place != "recipe")
        ]
        return None


def _groups(table: Mapping[str, Any], nets: list[str], problems: list[str]) -> tuple[Group, ...]:
    """The comparison tables, each a list of nets or a table with its title and note."""
    found: dict[str, _GroupTable] = {}
    for name, entry in table.items():
        if not isinstance(entry, dict | list):
            problems.append(f"groups.{name}: found {entry!r}; a group is a list of nets, or a table with nets in it")
            continue
        group = checked(_GroupTable, {"nets": entry} if isinstance(entry, list) else entry, f"groups.{name}", problems)
        if "nets" in group.model_fields_set:
            found[name] = group
    if len(found) == len(table):
        problems += _group_problems({name: group.nets for name, group in found.items()}, nets)
    return tuple(Group(name, tuple(group.nets), group.title, group.note) for name, group in found.items())


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


def _resolved(source: str, folder: Path) -> str:
    """A source with its path made absolute from `folder`; `drawn`, `drawn:2000` and the `train=` before a path stay."""
    if re.fullmatch(r"drawn(:\d+)?", source):
        return source
    split, found, path = source.rpartition("=") if re.match(r"(train|validation|test)=", source) else ("", "", source)
    return f"{split}{found}{(folder / Path(path).expanduser()).resolve()}"
