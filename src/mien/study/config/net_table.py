"""One net's table of a study file: its layers in any of their spellings, its recipe, and the values bound in both."""

import json
import re
from collections.abc import Mapping, Set
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from mien.augmentation import WORDS as AUGMENTATIONS
from mien.disk import user_path
from mien.errors import UserError, did_you_mean
from mien.model_files.bundled import bundled_run
from mien.nets import Net, check
from mien.nets.layers import WORDS
from mien.nets.parsing import Mistake, names_in, parse
from mien.nets.zoo import SEED_RECIPES, ZOO
from mien.runs.recipe import Recipe
from mien.runs.resolve import resolve_run
from mien.study.config.former_keys import in_former_keys
from mien.study.config.space import Values
from mien.study.config.tune import Tune, read_tune
from mien.study.config.validation import NAME, NAME_RULE, Table, checked, problem, section


class NetTable(Table):
    """What may stand in a net's table."""

    layers: Annotated[list[str], Field(min_length=1)] | None = None
    backbone: str | None = None
    head: Annotated[list[str], Field(min_length=1)] | None = None
    values: dict[str, Any] = Field(default={})
    zoo: str | None = None
    init_from: str | None = None
    recipe: dict[str, Any] = Field(default={})
    tune: dict[str, Any] | None = None
    resources: dict[str, Any] = Field(default={})


LAYERS = ("layers", "zoo", "backbone")
"""The keys by which a net's table tells its layers."""


BUNDLED = "bundled:"
"""How the name of a bundled model begins, where a net is initialised from it."""


def with_starts(nets: Mapping[str, Any], folder: Path, problems: list[str]) -> dict[str, dict[str, Any]]:
    """The nets' tables, as `read_net` takes them.

    One that starts from another net of the study has that one's layers beside `init_from`; one that starts from a run
    has the run's path, absolute, for which `folder` counts.
    """
    tables = {name: table for name, table in nets.items() if isinstance(table, dict)}
    found = {}
    for name, table in tables.items():
        start, own = table.get("init_from"), [key for key in LAYERS if key in table]
        if not isinstance(start, str):
            found[name] = table
        elif own:
            problems.append(f"nets.{name}: init_from = {start!r} brings its layers; leave out {own[0]}")
        elif start in tables:
            found[name] = _layers_along(start, tables) | table
        else:
            try:
                found[name] = table | {"init_from": str(_run_at(start, folder))}
            except UserError as error:
                problems.append(f"nets.{name}.init_from: {error}")
    return found


def _run_at(start: str, folder: Path) -> Path:
    """Where the run lies that a net starts from; a UserError where the box has none of that name."""
    if start.startswith(BUNDLED):
        return bundled_run(start.removeprefix(BUNDLED))
    return (folder / user_path(start)).resolve()


def _layers_along(name: str, tables: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """What tells a net's layers, found along the nets that each starts from."""
    seen: set[str] = set()
    while name in tables and name not in seen and not any(key in tables[name] for key in LAYERS):
        seen.add(name)
        name = str(tables[name].get("init_from"))
    table = tables.get(name, {})
    return {key: table[key] for key in (*LAYERS, "head", "values") if key in table}


def read_net(
    name: str, table: dict[str, Any], recipe: Mapping[str, Any], size: int, problems: list[str]
) -> tuple[Net, Recipe, Tune | None] | None:
    """A net's table, checked; where it is tuned, bound to the first values of its space."""
    place = f"nets.{name}"
    if not re.fullmatch(NAME, name):
        problems.append(f"{place}: a net's name is {NAME_RULE}")
    checked(NetTable, table, place, problems)
    within = isinstance(table.get("init_from"), str) and not Path(table["init_from"]).is_absolute()
    told = sum(key in table for key in (*LAYERS, *(() if within else ("init_from",))))
    if within and not told:
        problems.append(
            f"{place}.init_from: from {table['init_from']!r} on no net has layers of its own; one has to begin"
        )
    elif told != 1:
        problems.append(
            f"{place}: give one of layers, zoo (a net of `mien nets`), backbone and init_from (a finished run)"
        )
    if "init_from" in recipe or "init_from" in section(table, "recipe"):
        problems.append(f"{place}.recipe.init_from: belongs to the net itself: {place}.init_from")
        return None
    if ("backbone" in table) != ("head" in table):
        problems.append(f"{place}: backbone and head belong together; the head is the layers behind the backbone")
    bind = partial(_bind, name, table, recipe, size)
    if not isinstance(table.get("tune"), dict):
        found = bind({}, problems)
        return (*found, None) if found else None
    words = [word for part in _words(table, recipe) for word in part]
    names = {hyper for word in words for hyper in names_in(word)} - set(WORDS) - set(AUGMENTATIONS)
    basis = json.dumps(
        in_former_keys([{key: table[key] for key in table if key != "tune"}, dict(recipe)]), sort_keys=True, default=str
    )
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
    place, silent, before = f"nets.{name}", list[str](), len(problems)
    given = checked(NetTable, table, place, silent)
    own = section(table, "recipe") | {
        key.removeprefix("recipe."): value for key, value in values.items() if key.startswith("recipe.")
    }
    merged = {**SEED_RECIPES.get(given.zoo or "", {}), **recipe, **own}
    hyper = {**section(table, "values"), **{key: value for key, value in values.items() if "." not in key}}
    augment, used = _bound(merged.get("augment"), hyper, f"{place}.recipe.augment", problems)
    if used:
        merged["augment"] = augment
    if given.init_from is not None and Path(given.init_from).is_absolute():
        net = _started(name, given.init_from, hyper.keys() - used, merged, problems)
    else:
        net = _layers(name, given, hyper, used, size, problems)
        merged |= {"init_from": given.init_from} if given.init_from else {}
    recipe_of_net = check_recipe(merged, own, f"{place}.recipe", problems)
    return (net, recipe_of_net) if net and recipe_of_net and len(problems) == before else None


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
    name: str, given: NetTable, hyper: Mapping[str, Any], used: set[str], size: int, problems: list[str]
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


def _started(name: str, start: str, loose: Set[str], merged: dict[str, Any], problems: list[str]) -> Net | None:
    """The net of a finished run; its recipe, `merged`, learns where the weights are."""
    place = f"nets.{name}"
    try:
        run = resolve_run(Path(start))
    except UserError as error:
        problems.append(f"{place}.init_from: {error}")
        return None
    if loose:
        problems.append(f"{place}.values: a net that starts from a run has its values already")
    merged["init_from"] = str(run.folder.resolve())
    return replace(run.net, name=name)


def check_recipe(merged: Mapping[str, Any], own: Mapping[str, Any], place: str, problems: list[str]) -> Recipe | None:
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
