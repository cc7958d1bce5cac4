"""One net's table of a study file: its layers in any of their spellings, its recipe, and the values bound in both."""

import json
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field, ModelWrapValidatorHandler, PrivateAttr, ValidationError, model_validator

from mien.augmentation import WORDS as AUGMENTATIONS
from mien.errors import did_you_mean
from mien.nets import Net, check
from mien.nets.layers import WORDS
from mien.nets.parsing import Mistake, names_in, parse
from mien.nets.zoo import SEED_RECIPES, ZOO
from mien.runs.recipe import Recipe
from mien.runs.run import Run
from mien.runs.search_results import Value
from mien.study.config.former_keys import in_former_keys
from mien.study.config.init_from import FromNet, FromRun, InitFromEntry
from mien.study.config.resources import Resources
from mien.study.config.space import Values
from mien.study.config.study import StudyNet
from mien.study.config.tune import TuneTable, read_tune
from mien.study.config.validation import NAME, NAME_RULE, RecipeEntries, Table, problem

LAYERS = ("layers", "zoo", "backbone")
"""The keys of a net's table that give its layers."""

INHERITED = (*LAYERS, "head", "values")
"""The keys that a net takes from the net of its study that its weights come from."""


class NetTable(Table):
    """A net: its layers, given by one of layers, backbone with head, zoo and init_from; and how it is trained."""

    layers: Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None, description="layer words, from the image to classes; a name that is none is a hyper-parameter"
    )
    backbone: str | None = Field(
        default=None, description="the first layer, a pretrained network, as mobilenet_v2(thaw=2); the head comes next"
    )
    head: Annotated[list[str], Field(min_length=1)] | None = Field(
        default=None, description="layer words behind the backbone, to classes"
    )
    values: dict[str, Any] = Field(default={}, description="the value of each hyper-parameter that its words name")
    zoo: str | None = Field(default=None, description="a net that comes with mien; mien nets lists them")
    init_from: InitFromEntry | None = Field(
        default=None,
        description="whose layers and first weights it has: a net of the study, a bundled model as bundled:best, or "
        "the path of a finished run",
    )
    recipe: RecipeEntries = Field(default={}, description="how this net is trained, over the study's own recipe")
    tune: TuneTable | None = Field(default=None, description="a search for the values of its hyper-parameters")
    resources: Resources = Field(default=Resources(), description="what one run of this net takes of the machines")

    _written: dict[str, Any] = PrivateAttr(default={})

    @model_validator(mode="wrap")
    @classmethod
    def _remember(cls, table: Any, handler: ModelWrapValidatorHandler["NetTable"]) -> "NetTable":
        model = handler(table)
        model._written = dict(table)
        return model

    @property
    def given_layers(self) -> list[str]:
        """Which keys give the net's layers."""
        return [key for key in LAYERS if key in self.model_fields_set]

    @property
    def written_init_from(self) -> Any:
        """The entry `init_from` as the file has it."""
        return self._written.get("init_from")

    def with_layers_of(self, other: "NetTable") -> "NetTable":
        """This table with the layers of another net's, and its values unless this one has its own."""
        inherited = [key for key in INHERITED if key in other.model_fields_set - self.model_fields_set]
        merged = self.model_copy(update={key: getattr(other, key) for key in inherited})
        merged._written = {key: other._written[key] for key in inherited} | self._written
        return merged

    def basis(self, recipe: Mapping[str, Any]) -> str:
        """What the trials of the net's search depend on beside its tune table, under the keys of the first version.

        Args:
            recipe: the study's own.
        """
        written = {key: value for key, value in self._written.items() if key != "tune"}
        if "recipe" in written:
            written["recipe"] = _without_device(self.recipe)
        if self.init_from is not None:
            written["init_from"] = self.init_from.identity
        return json.dumps(in_former_keys([written, _without_device(recipe)]), sort_keys=True, default=str)


def _without_device(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's entries but for where it is trained, which decides nothing."""
    return {key: value for key, value in recipe.items() if key != "device"}


def inherit_layers(tables: Mapping[str, NetTable]) -> dict[str, NetTable]:
    """The nets' tables, each that takes its weights from a net of the study with the layers that the first one has."""
    return {name: _with_layers(table, tables) for name, table in tables.items()}


def _with_layers(table: NetTable, tables: Mapping[str, NetTable]) -> NetTable:
    if not isinstance(table.init_from, FromNet) or table.given_layers:
        return table
    seen: set[str] = set()
    other: NetTable | None = table
    while (
        other and not other.given_layers and isinstance(other.init_from, FromNet) and other.init_from.name not in seen
    ):
        seen.add(other.init_from.name)
        other = tables.get(other.init_from.name)
    if other and isinstance(other.init_from, FromRun):
        net = Run(other.init_from.folder).net
        return table.model_copy(update={"layers": list(net.layers), "values": {**net.values, **table.values}})
    return table.with_layers_of(other) if other else table


def layer_problems(name: str, table: NetTable, tables: Mapping[str, NetTable]) -> list[str]:
    """What is wrong with how a net's table, as the file has it, gives its layers: once, or by `init_from`."""
    place, source = f"nets.{name}", table.init_from
    if source is not None and table.given_layers:
        return [
            f"{place}: init_from = {table.written_init_from!r} brings its layers; leave out {table.given_layers[0]}"
        ]
    if isinstance(source, FromNet):
        if source.name not in tables:
            return [f"{place}.init_from: no net {source.name!r}; {did_you_mean(source.name, list(tables))}"]
        if not _with_layers(table, tables).given_layers:
            return [f"{place}.init_from: from {source.name!r} on no net has layers of its own; one has to begin"]
    elif len(table.given_layers) + (source is not None) != 1:
        return [f"{place}: give one of layers, zoo (a net of `mien nets`), backbone and init_from (a finished run)"]
    return []


def read_net(name: str, table: NetTable, recipe: Mapping[str, Any], size: int, problems: list[str]) -> StudyNet | None:
    """Check a net's table and bind its values; those of a tuned net are the first of its space.

    Args:
        name: the net's.
        table: with the layers that it inherits.
        recipe: the study's own entries.
        size: side of the faces, in pixels.
        problems: gets a message for each mistake.
    """
    place = f"nets.{name}"
    if not re.fullmatch(NAME, name):
        problems.append(f"{place}: a net's name is {NAME_RULE}")
    if "init_from" in recipe or "init_from" in table.recipe:
        problems.append(f"{place}.recipe.init_from: belongs to the net itself: {place}.init_from")
        return None
    if (table.backbone is None) != (table.head is None):
        problems.append(f"{place}: backbone and head belong together; the head is the layers behind the backbone")
    bind = Binding(name, table, recipe, size)
    tune, values = None, dict[str, Value]()
    if table.tune is not None:
        tune = read_tune(table.tune, bind.hyperparameters, bind, table.basis(recipe), f"{place}.tune", problems)
        if tune is None:
            return None
        values = tune.first
    bound = bind(values, problems)
    return StudyNet(*bound, group="", init_from=table.init_from, tune=tune) if bound else None


@dataclass(frozen=True, eq=False)
class Binding:
    """A net's table, to be bound to the values of a trial.

    Attributes:
        name: the net's.
        table: of the net, with the layers that it inherits.
        recipe: the study's own entries.
        size: side of the faces, in pixels.
    """

    name: str
    table: NetTable
    recipe: Mapping[str, Any]
    size: int

    @property
    def hyperparameters(self) -> set[str]:
        """The names that the layer words and the augmentation words have beside those of layers and augmentations."""
        zoo = ZOO.get(self.table.zoo or "")
        augment = {**self.recipe, **self.table.recipe}.get("augment") or ()
        words = [*(zoo.layers if zoo else _layer_words(self.table)), *(augment if isinstance(augment, list) else ())]
        names = {name for word in words if isinstance(word, str) for name in names_in(word)}
        return names - set(WORDS) - set(AUGMENTATIONS)

    def __call__(self, values: Values, problems: list[str]) -> tuple[Net, Recipe] | None:
        """The net and its recipe with these values; None where they do not fit, with a message for each mistake."""
        place, before = f"nets.{self.name}", len(problems)
        own = self.table.recipe | {
            key.removeprefix("recipe."): value for key, value in values.items() if key.startswith("recipe.")
        }
        merged = {**SEED_RECIPES.get(self.table.zoo or "", {}), **self.recipe, **own}
        hyper = {**self.table.values, **{key: value for key, value in values.items() if "." not in key}}
        augment, used = _bound_words(merged.get("augment"), hyper, f"{place}.recipe.augment", problems)
        if used:
            merged["augment"] = augment
        if isinstance(self.table.init_from, FromRun):
            if hyper.keys() - used:
                problems.append(f"{place}.values: a net that starts from a run has its values already")
            net: Net | None = replace(Run(self.table.init_from.folder).net, name=self.name)
        else:
            net = _bound_layers(self.name, self.table, hyper, used, self.size, problems)
        recipe = check_recipe(merged, own, f"{place}.recipe", problems)
        return (net, recipe) if net and recipe and len(problems) == before else None


def _bound_words(words: Any, values: Mapping[str, Any], place: str, problems: list[str]) -> tuple[list[str], set[str]]:
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


def _layer_words(table: NetTable) -> list[str]:
    """The words of a net's own layers; [] for one of the zoo."""
    return table.layers or [word for word in (table.backbone, *(table.head or ())) if word]


def _bound_layers(
    name: str, table: NetTable, hyper: Mapping[str, Any], used: Set[str], size: int, problems: list[str]
) -> Net | None:
    """A net's own layers or those of the zoo; of its hyper-parameters, `used` are those its recipe's words have."""
    place = f"nets.{name}"
    if table.zoo is not None and table.zoo not in ZOO:
        problems.append(f"{place}.zoo: found {table.zoo!r}; {did_you_mean(table.zoo, list(ZOO))}")
        return None
    if table.zoo is not None and set(hyper) - used:
        problems.append(f"{place}.values: belong to a net's own layers; a net of the zoo has none to bind")
    layers = _layer_words(table)
    if not layers and table.zoo is None:
        return None
    in_layers = {word for text in layers for word in names_in(text)}
    values = {key: value for key, value in hyper.items() if key not in used or key in in_layers}
    net = Net(name, tuple(layers), values) if layers else replace(ZOO[table.zoo or ""], name=name)
    problems += check(net, size)
    return net


def check_recipe(merged: Mapping[str, Any], own: Mapping[str, Any], place: str, problems: list[str]) -> Recipe | None:
    """Check a merged recipe; only mistakes in the entries that stand at `place` itself are reported there.

    What two entries get wrong together is checked where all have been merged, in a net's recipe.
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
