"""The study file: TOML, checked whole before anything is spent, every mistake at once.

`docs/reference/study-file.md` is the reference of its keys.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from mien.errors import UserError, did_you_mean
from mien.faces import SIZE, FacesSpec
from mien.nets import Net
from mien.runs.recipe import Recipe
from mien.study.config.data_table import DataTable, faces_spec, resolved
from mien.study.config.ensembles import read_ensembles
from mien.study.config.former_keys import rename_former_keys
from mien.study.config.net_table import check_recipe, read_net, with_starts
from mien.study.config.overrides import apply_setting
from mien.study.config.resources import Resources, read_resources
from mien.study.config.tune import Tune
from mien.study.config.validation import NAME, Table, checked, section

ALL = "all"
"""The one group of a study that names none."""


@dataclass(frozen=True)
class StudyNet:
    """A net of a study, how it is trained, and the comparison table it stands in.

    Where it is tuned, net and recipe have the first values of the space until the search has found better; a search in
    which no trial was finished leaves the reason in `failed`, and the net has no runs. `searched` says that the search
    has ended.
    """

    net: Net
    recipe: Recipe
    group: str
    tune: Tune | None = None
    failed: str = ""
    searched: bool = False


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
        data: which faces; its source is () where the file leaves it to the command.
        nets: in the order of their groups.
        sections: the groups; one of all nets where the file names none.
        ensembles: nets that are judged together and what each weighs, by the ensemble's name.
        previews: recipes whose effect on a few faces the report shows, by name.
        resources: what a run of each net takes, by the net's name.
        text: the file, as it was read.
        settings: what `--set` changed, in its order.
        notes: former keys that the file has.
    """

    name: str
    seeds: tuple[int, ...]
    data: FacesSpec
    nets: tuple[StudyNet, ...]
    sections: tuple[Group, ...] = ()
    ensembles: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    previews: Mapping[str, Recipe] = field(default_factory=dict)
    resources: Mapping[str, Resources] = field(default_factory=dict)
    text: str = ""
    settings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

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
    ensembles: dict[str, Any] = Field(default={})
    previews: dict[str, dict[str, Any]] = Field(default={})
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
    notes = rename_former_keys(table)
    study, problems = check_table(table, file)
    if study is None:
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        raise UserError("\n  ".join([f"{file}: {count}", *problems]))
    source = tuple(resolved(item, Path.cwd()) for item in data) or study.data.source
    return replace(
        study, data=replace(study.data, source=source), text=text, settings=tuple(settings), notes=tuple(notes)
    )


def check_table(table: dict[str, Any], file: Path) -> tuple[Study | None, list[str]]:
    """The study that a file's table describes, or None and all of its mistakes."""
    problems: list[str] = []
    top = checked(_StudyTable, table, "", problems)
    problems += [f"seeds: {seed} stands {n} times" for seed, n in Counter(top.seeds).items() if n > 1]
    data = checked(DataTable, section(table, "data"), "data", problems)
    recipe = section(table, "recipe")
    check_recipe(recipe, recipe, "recipe", problems)
    named = with_starts(section(table, "nets"), file.parent, problems)
    nets = {name: read_net(name, net, recipe, data.size or SIZE, problems) for name, net in named.items()}
    problems += _order_problems(nets)
    resources = read_resources(table, named, problems)
    groups = _groups(section(table, "groups"), list(named), problems)
    ensembles = read_ensembles(section(table, "ensembles"), list(named), len(top.seeds), problems)
    previews = {
        name: check_recipe(entries, entries, f"previews.{name}", problems)
        for name, entries in section(table, "previews").items()
        if isinstance(entries, dict)
    }
    if problems:
        return None, problems
    sections = groups or (Group(ALL, tuple(nets)),)
    study = Study(
        name=top.name,
        seeds=tuple(top.seeds),
        data=faces_spec(data, file.parent),
        nets=tuple(
            StudyNet(found[0], found[1], group.name, found[2])
            for group in sections
            for name in group.nets
            if (found := nets[name])
        ),
        sections=sections,
        ensembles=ensembles,
        previews={name: recipe for name, recipe in previews.items() if recipe},
        resources=resources,
    )
    return study, []


def _order_problems(nets: Mapping[str, tuple[Net, Recipe, Tune | None] | None]) -> list[str]:
    """Teachers, and nets that others start from, that are none of the study or cannot be trained before them."""
    problems = []
    for name, net in nets.items():
        if net is None:
            continue
        before = [(f"nets.{name}.recipe.teachers", one, "teach") for one in net[1].teachers]
        before += [(f"nets.{name}.init_from", net[1].init_from, "initialise")] if net[1].initialised_within else []
        for place, one, what in before:
            if one not in nets:
                problems.append(f"{place}: no net {one!r}; {did_you_mean(one, list(nets))}")
            elif one == name:
                problems.append(f"{place}: {name!r} cannot {what} itself; give its double another name")
            elif (found := nets[one]) and found[2]:
                problems.append(f"{place}: {one!r} is tuned, so it ends last; take a net with settled values")
            elif name in _awaited(one, nets):
                problems.append(f"{place}: {one!r} waits for {name!r} itself; one of them has to come first")
            elif found and what == "initialise" and _unlike(found[1], net[1]):
                problems.append(f"{place}: {one!r} has another {_unlike(found[1], net[1])}; give both the same")
    return problems


def _awaited(name: str, nets: Mapping[str, tuple[Net, Recipe, Tune | None] | None]) -> set[str]:
    """All nets that have to be trained before one, those that these wait for too."""
    found: set[str] = set()
    ahead = {name}
    while ahead:
        now = nets.get(ahead.pop())
        new = now[1].awaited - found if now else frozenset[str]()
        found |= new
        ahead |= new
    return found


def _unlike(one: Recipe, other: Recipe) -> str:
    """The first way in which two recipes make other inputs of a face; "" where there is none."""
    return next((key for key in ("scaling", "whitening") if getattr(one, key) != getattr(other, key)), "")


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
