"""The study file: TOML, checked whole before anything is spent, every mistake at once.

`docs/reference/study-file.md` is the reference of its keys.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from mien.errors import UserError, did_you_mean
from mien.faces import SIZE
from mien.runs.recipe import Recipe, check_device_name
from mien.study.config.data_table import faces_spec, resolved
from mien.study.config.ensembles import ensemble_problems
from mien.study.config.former_keys import rename_former_keys
from mien.study.config.init_from import FromNet, StudyFile
from mien.study.config.net_table import check_recipe, inherit_layers, layer_problems, read_net
from mien.study.config.overrides import apply_device, apply_setting
from mien.study.config.resources import Resources
from mien.study.config.study import Group, StudyConfig, StudyNet
from mien.study.config.study_table import StudyTable
from mien.study.config.toml_text import TomlTable
from mien.study.config.track import trackers
from mien.study.config.validation import Location, checked, name_problems

ALL = "all"
"""The one group of a study that names none."""


def read_study(file: Path, settings: Sequence[str] = (), data: Sequence[str] = (), device: str = "") -> StudyConfig:
    """Read and check a study file.

    >>> from pathlib import Path
    >>> from mien.study.config.schema import read_study
    >>> study = read_study(Path("out/first/study.toml"), ["recipe.epochs=3"])
    >>> [(one.net.name, one.recipe.epochs) for one in study.nets]
    [('dense', 3), ('cnn', 3)]

    Args:
        file: a TOML file; the paths in its [data] are relative to its folder.
        settings: `key=value` texts, applied before checking.
        data: sources that stand in for [data] source, relative to the working directory.
        device: that stands in for every recipe's; "": theirs.

    Raises:
        UserError: the file cannot be read, or has mistakes: all of them, each with its place.
    """
    table, text = read_table(file)
    return replace(check_study(table, str(file), file.parent, settings, data, device), text=text)


def read_table(file: Path) -> tuple[TomlTable, str]:
    """Read a study file without checking what is in it: its table, and its text.

    Raises:
        UserError: the file cannot be read, or is not TOML.
    """
    text = ""
    try:
        text = file.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        hint = "; a path with backslashes stands in single quotes: 'C:\\faces'" if "\\" in text else ""
        raise UserError(f"{file}: not TOML: {error}{hint}") from None


def check_study(
    table: TomlTable,
    name: str,
    folder: Path,
    settings: Sequence[str] = (),
    data: Sequence[str] = (),
    device: str = "",
    problems: Sequence[str] = (),
) -> StudyConfig:
    """Check the table of a study, which stays as it is.

    Args:
        table: as a study file has it.
        name: of the file, or of what else the table was given to, for messages.
        folder: from which paths in the table start.
        settings: as `read_study` takes them.
        data: as `read_study` takes it.
        device: as `read_study` takes it.
        problems: mistakes that are known already; the checks may have a better word for the same place.

    Returns:
        The study, without a text.

    Raises:
        UserError: the table has mistakes: all of them, each with its place.
    """
    own: dict[str, Any] = deepcopy(dict(table))
    notes = rename_former_keys(own)
    for setting in settings:
        notes += apply_setting(own, setting)
    if device:
        try:
            apply_device(own, check_device_name(device))
        except ValueError as error:
            raise UserError(f"--device: {error}") from None
    study, seen = check_table(own, folder)
    places = tuple(problem.split(": ", 1)[0] for problem in seen)
    seen += [problem for problem in problems if not problem.startswith(places)]
    if study is None or seen:
        count = "1 mistake" if len(seen) == 1 else f"{len(seen)} mistakes"
        raise UserError("\n  ".join([f"{name}: {count}", *seen, *(f"note: {note}" for note in notes)]))
    source = tuple(resolved(item, Path.cwd()) for item in data) or study.data.source
    return replace(study, data=replace(study.data, source=source), settings=tuple(settings), notes=tuple(notes))


def check_table(table: dict[str, Any], folder: Path) -> tuple[StudyConfig | None, list[str]]:
    """The study that the table of a file in a folder describes, or None and all of its mistakes."""
    problems: list[str] = []
    names = table["nets"] if isinstance(table.get("nets"), dict) else {}
    checks, left_out = checked(StudyTable, table, problems, StudyFile(frozenset(names), folder))
    problems += [f"{key}: missing" for key in ("name", "nets") if key not in table]
    problems += [*name_problems("name", [checks.name]), *name_problems("nets", checks.nets)]
    problems += [f"seeds: {seed} stands {n} times" for seed, n in Counter(checks.seeds).items() if n > 1]
    check_recipe(checks.recipe, checks.recipe, "recipe", problems)
    nets = _read_nets(checks, left_out, problems)
    known = [name for name in names if ("nets", name) not in left_out]
    if not any(location[0] == "groups" for location in left_out):
        problems += _group_problems({name: group.nets for name, group in checks.groups.items()}, known)
    for name, members in checks.ensembles.items():
        problems += ensemble_problems(name, members, known, len(checks.seeds))
    previews = {
        name: check_recipe(entries, entries, f"previews.{name}", problems) for name, entries in checks.previews.items()
    }
    if problems:
        return None, problems
    groups = [Group(name, tuple(group.nets), group.title, group.note) for name, group in checks.groups.items()]
    sections = tuple(groups) or (Group(ALL, tuple(nets)),)
    study = StudyConfig(
        name=checks.name,
        seeds=tuple(checks.seeds),
        data=faces_spec(checks.data, folder),
        nets=tuple(replace(nets[name], group=group.name) for group in sections for name in group.nets),
        sections=sections,
        ensembles={name: dict(members) for name, members in checks.ensembles.items()},
        previews={name: recipe for name, recipe in previews.items() if recipe},
        resources={name: _resources(checks, nets[name]) for name in checks.nets},
        track=trackers(checks.track, folder),
    )
    return study, []


def _resources(table: StudyTable, net: StudyNet) -> Resources:
    own = table.resources.overridden_by(table.nets[net.net.name].resources)
    return own.with_gpu(0.0) if net.recipe.device == "cpu" else own


def _read_nets(table: StudyTable, left_out: frozenset[Location], problems: list[str]) -> dict[str, StudyNet]:
    """The nets of a study by name; those with mistakes are missing.

    Where an entry that gives a net's layers, or its tune table, was left out for its own mistakes, what would only
    follow from that is not reported.
    """
    nets, tables = dict[str, StudyNet | None](), inherit_layers(table.nets)
    for name, net in tables.items():
        missing = {str(location[2]) for location in left_out if location[:2] == ("nets", name) and len(location) == 3}
        if not missing & {"layers", "zoo", "backbone", "head", "init_from"}:
            problems += layer_problems(name, table.nets[name], table.nets)
        if "tune" not in missing and not (net.init_from and table.nets[name].given_layers):
            nets[name] = read_net(name, net, table.recipe, table.data.size or SIZE, problems)
    readable = {name: net for name, net in nets.items() if net}
    problems += [text for name, net in readable.items() for text in _order_problems(name, net, readable, table)]
    return readable


def _order_problems(name: str, net: StudyNet, nets: Mapping[str, StudyNet], table: StudyTable) -> list[str]:
    """Teachers, and the source of first weights, that are no net of the study or cannot be trained before this one."""
    before = [(f"nets.{name}.recipe.teachers", one, "teach") for one in net.recipe.teachers]
    if isinstance(net.init_from, FromNet):
        before.append((f"nets.{name}.init_from", net.init_from.name, "initialise"))
    problems = []
    for place, one, what in before:
        other = nets.get(one)
        if one not in table.nets:
            problems.append(f"{place}: no net {one!r}; {did_you_mean(one, list(table.nets))}")
        elif one == name:
            problems.append(f"{place}: {name!r} cannot {what} itself; give its double another name")
        elif other and other.tune:
            problems.append(f"{place}: {one!r} is tuned, so it ends last; take a net with settled values")
        elif name in _all_needs(one, nets):
            problems.append(f"{place}: {one!r} waits for {name!r} itself; one of them has to come first")
        elif other and what == "initialise" and (key := _unlike(other.recipe, net.recipe)):
            problems.append(f"{place}: {one!r} has another {key}; give both the same")
    return problems


def _all_needs(name: str, nets: Mapping[str, StudyNet]) -> set[str]:
    """All nets that have to be trained before one, those that these wait for too."""
    needs: set[str] = set()
    ahead = {name}
    while ahead:
        net = nets.get(ahead.pop())
        new = net.needs - needs if net else frozenset[str]()
        needs |= new
        ahead |= new
    return needs


def _unlike(one: Recipe, other: Recipe) -> str:
    """The first way in which two recipes make other inputs of a face; "" where there is none."""
    return next((key for key in ("scaling", "whitening") if getattr(one, key) != getattr(other, key)), "")


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
