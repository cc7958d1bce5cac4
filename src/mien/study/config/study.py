"""A checked study: its nets, comparison tables, faces and settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mien.faces import FacesSpec
from mien.nets import Net
from mien.runs.recipe import Recipe
from mien.study.config.init_from import FromNet, InitFrom
from mien.study.config.resources import Resources
from mien.study.config.track import TrackerConfig
from mien.study.config.tune import Tune


@dataclass(frozen=True)
class StudyNet:
    """A net of a study, how it is trained, and the comparison table it stands in.

    Where it is tuned, net and recipe have the first values of the space until the search has found better; a search in
    which no trial was finished leaves the reason in `failed`, and the net has no runs.

    Attributes:
        net: its layers, with their hyper-parameters bound.
        recipe: without the teachers' runs and the first weights, which each run has its own of.
        group: the name of the comparison table.
        init_from: where its first weights come from; None: they are drawn at random.
        tune: the search for its values.
        failed: why no trial of its search was finished.
        searched: whether its search has ended.
    """

    net: Net
    recipe: Recipe
    group: str
    init_from: InitFrom | None = None
    tune: Tune | None = None
    failed: str = ""
    searched: bool = False

    @property
    def reported_recipe(self) -> Recipe:
        """The recipe as results list it, with the learning rate and the source of the first weights."""
        source = self.init_from.text if self.init_from else ""
        return self.recipe.model_copy(update={"learning_rate": self.recipe.rate, "init_from": source})

    @property
    def needs(self) -> frozenset[str]:
        """The nets of its study that have to be trained before it."""
        source = frozenset({self.init_from.name}) if isinstance(self.init_from, FromNet) else frozenset[str]()
        return frozenset(self.recipe.teachers) | source


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
class StudyConfig:
    """A checked study.

    >>> config = study.config
    >>> config.seeds, config.data.source, [one.net.name for one in config.nets]
    ((0,), ('drawn:200',), ['dense', 'cnn'])

    Attributes:
        name: also the name of its default folder.
        seeds: each net is trained once with each.
        data: which faces; its source is () where the file leaves it to the command.
        nets: in the order of their groups.
        sections: the groups; one of all nets where the file names none.
        ensembles: nets whose predictions are averaged, and the weight of each, by the ensemble's name.
        previews: recipes whose effect on a few faces the report shows, by name.
        resources: what a run of each net takes, by the net's name.
        track: what follows it, beside its own folder; no part of what its runs are.
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
    track: tuple[TrackerConfig, ...] = ()
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
