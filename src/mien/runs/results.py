"""Results: everything that a study found, as one object and one file, results.json (docs/reference/results-file.md).

Accuracies and other scores are shares, 0 to 1. `K` stands for classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import PlainSerializer

from mien.disk import read_json, write_json
from mien.errors import UserError
from mien.nets import Net
from mien.runs.config import BackboneRecord
from mien.runs.environment import Machine
from mien.runs.files import REPEAT, cached_by_stamp, reported_damage
from mien.runs.former_results import FORMER_FORMAT, from_former_format
from mien.runs.json_objects import from_json, to_json
from mien.runs.metrics import Accuracy, Bin, ClassScore, McNemar
from mien.runs.ranking import ClassAreas
from mien.runs.recipe import Recipe
from mien.runs.search_results import SearchResult, Value
from mien.runs.study_faces import StudyFaces

FILE = "results.json"

FORMAT = 3
"""Of results.json. Format 2 is read too; in format 1, of before the first release, ensembles had no weights."""

NetState = Literal["finished", "failed", "skipped", "unfinished"]
Changes = Annotated[Recipe, PlainSerializer(Recipe.changes)]
"""A recipe that is written as the entries that differ from the defaults."""


@dataclass(frozen=True)
class SplitAccuracies:
    """Accuracies of the final weights by split; None where a split was not evaluated.

    Attributes:
        train, validation, test: of the split.
        test_without_leaks: of the test images that are not pixel for pixel in train.
    """

    train: Accuracy | None = None
    validation: Accuracy | None = None
    test: Accuracy | None = None
    test_without_leaks: Accuracy | None = None

    def of(self, split: str) -> Accuracy | None:
        """The accuracy on a split by its name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]


@dataclass(frozen=True)
class SplitScores:
    """What the predictions of one split are worth, beside their accuracy.

    >>> scores = results.best.scores
    >>> scores.evaluated_on, len(scores.confusion), scores.per_class["happy"].support
    ('test', 7, 4)

    Attributes:
        evaluated_on: the split.
        balanced_accuracy: mean recall of the classes.
        macro_f1: mean F1 of the classes.
        nll: mean negative log likelihood of the true class.
        ece: expected calibration error.
        per_class: by class name.
        confusion: counts [K, K], rows the truth, columns the prediction.
        reliability: the bins that `ece` sums over.
        areas: under the ROC and the precision-recall curve of each class against the rest, by class name; None for a
            class without positive or without negative faces. Empty in results of before.
        macro_areas: means over the classes that have areas.
    """

    evaluated_on: str
    balanced_accuracy: float
    macro_f1: float
    nll: float
    ece: float
    per_class: Mapping[str, ClassScore]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[Bin, ...]
    areas: Mapping[str, ClassAreas | None] = field(default_factory=dict)
    macro_areas: ClassAreas | None = None


@dataclass(frozen=True)
class GroupResult:
    """A comparison table of a study: its name, nets, heading, a note below that, and the net that was selected."""

    name: str
    nets: tuple[str, ...]
    title: str
    note: str = ""
    selected: str | None = None


@dataclass(frozen=True)
class NetResult:
    """A net of a study. Its figures are of the runs that finished, one a seed.

    Attributes:
        name: its own.
        group: the comparison table that it stands in.
        layers, values: its layer words and what the hyper-parameters in them are bound to; see `Net`.
        backbone: None where it has none, or nothing has run.
        recipe: in full, with its learning rate.
        parameters, trainable: counts; None where the net was skipped for want of timm.
        selected: whether it is the best of its group on validation.
        runs: the names of the folders in runs/, in the order of the seeds.
        state: how its runs ended.
        reason: why it failed or was skipped; "" otherwise.
        finished_runs: how many of them finished.
        seconds: training time of a run with its validation, the mean over seeds.
        epochs: epochs trained, the most of any seed.
        devices: what trained it, as "cpu" or "cuda:0 NVIDIA H200"; () in results of before.
        precision: bfloat16, float16 or float32.
        last_epoch_accuracy: on train while training the last epoch, dropout on; the mean over seeds.
        test_opened: when test was first evaluated (ISO time, UTC).
        accuracy: by split.
        scores: on test if it was selected and there are test faces, else on validation; None unless evaluated.
    """

    name: str
    group: str
    layers: tuple[str, ...]
    values: Mapping[str, Value]
    backbone: BackboneRecord | None
    recipe: Recipe
    parameters: int | None
    trainable: int | None
    selected: bool
    runs: tuple[str, ...]
    state: NetState
    reason: str = ""
    finished_runs: int = 0
    seconds: float | None = None
    epochs: int | None = None
    devices: tuple[str, ...] = ()
    precision: str | None = None
    last_epoch_accuracy: float | None = None
    test_opened: str | None = None
    accuracy: SplitAccuracies = SplitAccuracies()
    scores: SplitScores | None = None

    @property
    def net(self) -> Net:
        """The net as data."""
        return Net(self.name, self.layers, self.values)


@dataclass(frozen=True)
class EnsembleResult:
    """Nets whose predictions were averaged.

    Attributes:
        name: its own.
        nets: the names of its nets.
        weights: each net's share of the mean, by its name; they sum to 1.
        runs: how many runs all of its nets have.
        reason: which of its nets was not trained to the end; "" otherwise.
        best: the best of its nets on validation; None unless it was evaluated.
        against_best: McNemar's test with `best` as a and the ensemble as b, on the split of its scores.
        accuracy: by split.
        scores: on test where that was opened for each of its nets, else on validation; None unless evaluated.
    """

    name: str
    nets: tuple[str, ...]
    weights: Mapping[str, float]
    runs: int
    reason: str = ""
    best: str | None = None
    against_best: McNemar | None = None
    accuracy: SplitAccuracies = SplitAccuracies()
    scores: SplitScores | None = None

    @property
    def members(self) -> str:
        """Its nets in words, each with its weight where the weights differ."""
        if len(set(self.weights.values())) < 2:
            return ", ".join(self.nets)
        return ", ".join(f"{name} {self.weights[name]:.2g}" for name in self.nets)


@dataclass(frozen=True)
class Comparison:
    """McNemar's test of two nets, `a` and `b`, on the same faces of a split, by the run of each net's first seed.

    >>> one = results.data.comparisons[0]
    >>> one.a, one.b, one.split, 0 < one.mcnemar.p <= 1
    ('dense', 'cnn', 'validation', True)
    """

    a: str
    b: str
    split: str
    mcnemar: McNemar


@dataclass(frozen=True)
class Results:
    """What a study found.

    Attributes:
        study: its name.
        created: when this was written (ISO time, UTC).
        command: what was typed.
        seeds: each net was trained with each of them.
        faces: which faces.
        machine: where it ran.
        versions: of mien, Python, torch and numpy.
        groups: the comparison tables, in the order of the study.
        previews: recipes whose effect on a few faces is drawn, by name.
        best: of the selected nets, the one with the highest validation accuracy; None where none was selected.
        nets: in the order of the study.
        ensembles: in the order of the study.
        comparisons: McNemar's tests between nets.
        tuning: the searches, by the name of the tuned net.
        format: of the file.
    """

    study: str
    created: str
    command: str
    seeds: tuple[int, ...]
    faces: StudyFaces
    machine: Machine
    versions: Mapping[str, str]
    groups: tuple[GroupResult, ...]
    previews: Mapping[str, Changes]
    best: str | None
    nets: tuple[NetResult, ...]
    ensembles: tuple[EnsembleResult, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    tuning: Mapping[str, SearchResult] = field(default_factory=dict)
    format: int = FORMAT

    @cached_property
    def by_name(self) -> dict[str, NetResult]:
        """The nets by their names."""
        return {net.name: net for net in self.nets}

    def to_dict(self) -> dict[str, Any]:
        """As what JSON can hold; the content of results.json."""
        content: dict[str, Any] = to_json(self)
        return content


def read_results(folder: Path) -> Results:
    """Read a study's results.json, also one of format 2.

    >>> from pathlib import Path
    >>> from mien.runs.results import read_results
    >>> data = read_results(Path("out/first"))
    >>> data.seeds, [net.name for net in data.nets]
    ((0,), ['dense', 'cnn'])

    Args:
        folder: the study's.

    Raises:
        UserError: the study has not ended, or the file is damaged or of another version.
    """
    results = _read_file(folder / FILE)
    if results is None:
        raise UserError(f"{folder}: no {FILE}; finish the study first, with `mien study FILE -o {folder}`")
    return results


def write_results(folder: Path, results: Results) -> None:
    """Write a study's results.json, atomically."""
    write_json(folder / FILE, results.to_dict())


@cached_by_stamp(256)
def _read_file(path: Path) -> Results:
    with reported_damage(path, REPEAT):
        table = read_json(path)
        if not isinstance(table, dict) or "format" not in table:
            raise ValueError("it names no format")
        if table["format"] == FORMER_FORMAT:
            table = from_former_format(table) | {"format": FORMAT}
        elif table["format"] != FORMAT:
            raise UserError(
                f"{path}: written in format {table['format']}, this mien reads {FORMER_FORMAT} and {FORMAT}; {REPEAT}"
            )
        return from_json(Results, table)
