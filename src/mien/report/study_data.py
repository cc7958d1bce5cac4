"""Contents: what a study's folder holds, read for the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mien.disk import read_json
from mien.faces import SPLITS
from mien.nets import Net
from mien.report.tables import Measure
from mien.runs.recipe import Recipe
from mien.runs.run import Run


@dataclass(frozen=True)
class Comparison:
    """McNemar's test of two nets: `a_alone` faces only a has right, `b_alone` only b, and the test's p."""

    a: str
    b: str
    split: str
    a_alone: int
    b_alone: int
    p: float


@dataclass(frozen=True)
class Section:
    """A comparison table as a section of the report.

    Attributes:
        name: what its nets call it.
        title: its heading.
        note: paragraphs to stand below that, an empty line between them; "": none.
    """

    name: str
    title: str
    note: str = ""


@dataclass(frozen=True, eq=False)
class NetResult:
    """A net of the study.

    Attributes:
        facts: its entry of results.json.
        runs: those of its runs whose folders are there, one a seed.
    """

    facts: Mapping[str, Any]
    runs: tuple[Run, ...] = ()

    @property
    def name(self) -> str:
        """The net's name."""
        return str(self.facts["name"])

    @property
    def group(self) -> str:
        """The comparison table it stands in."""
        return str(self.facts["group"])

    @property
    def selected(self) -> bool:
        """Whether it is the best of its group on validation."""
        return bool(self.facts["selected"])

    @property
    def net(self) -> Net:
        """The net's layers."""
        return Net(self.name, tuple(self.facts["layers"]), self.facts["values"])

    @cached_property
    def recipe(self) -> Recipe:
        """How it was trained; its learning rate is always told."""
        return Recipe(**self.facts["recipe"])

    def measure(self, name: str) -> Measure | None:
        """An accuracy by its name in results.json, `test_accuracy` for one; None where it was not measured."""
        return measure(self.facts, name)

    @property
    def train(self) -> Measure | None:
        """Accuracy on the train split."""
        return self.measure("train_accuracy")

    @property
    def validation(self) -> Measure | None:
        """Accuracy on the validation split."""
        return self.measure("validation_accuracy")

    @property
    def test(self) -> Measure | None:
        """Accuracy on the test split."""
        return self.measure("test_accuracy")

    @property
    def judged_on(self) -> str | None:
        """The split of its scores, confusion matrix and calibration; None where the net did not finish."""
        return self.facts.get("judged_on")


@dataclass(frozen=True, eq=False)
class Contents:
    """A study's folder, read.

    Attributes:
        facts: the content of results.json.
        nets: every net, in the order of the study.
        study_file: the text of study.toml; "" where it is gone.
    """

    facts: Mapping[str, Any]
    nets: tuple[NetResult, ...]
    study_file: str = ""

    @property
    def faces(self) -> Mapping[str, Any]:
        """What is known of the faces: name, source, fingerprint, classes, counts by split and emotion, leaked_test."""
        found: Mapping[str, Any] = self.facts["faces"]
        return found

    @property
    def classes(self) -> list[str]:
        """The names of the emotions."""
        return list(self.faces["classes"])

    @cached_property
    def sections(self) -> list[Section]:
        """The comparison tables, in the order of the study."""
        return [
            Section(group["name"], group.get("title", group["name"]), group.get("note", ""))
            for group in self.facts["groups"]
        ]

    @cached_property
    def titles(self) -> dict[str, str]:
        """The heading of each comparison table, by its name."""
        return {section.name: section.title for section in self.sections}

    @cached_property
    def previews(self) -> dict[str, Recipe]:
        """Recipes whose effect on a few faces is drawn, by name."""
        return {name: Recipe(**entries) for name, entries in self.facts.get("previews", {}).items()}

    def members(self, group: str) -> list[NetResult]:
        """The nets of a comparison table."""
        return [net for net in self.nets if net.group == group]

    def without_augmentation(self, net: NetResult) -> NetResult | None:
        """A net with the layers of one that is trained on augmented faces, trained without; None if there is none."""
        same = (
            other
            for other in self.judged
            if other.facts["layers"] == net.facts["layers"] and other.facts["values"] == net.facts["values"]
        )
        return next((other for other in same if net.recipe.augment and not other.recipe.augment), None)

    @cached_property
    def judged(self) -> list[NetResult]:
        """The nets that have a validation accuracy."""
        return [net for net in self.nets if net.validation is not None]

    @cached_property
    def selected(self) -> list[NetResult]:
        """The best net of each group, the study's best first."""
        chosen = [net for net in self.nets if net.selected]
        return sorted(chosen, key=lambda net: net.name != self.facts["best"])

    @property
    def ensembles(self) -> list[Mapping[str, Any]]:
        """The entries of nets that were judged together."""
        return list(self.facts.get("ensembles", []))

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """McNemar's tests of the study."""
        return [
            Comparison(one["a"], one["b"], one["split"], one["b10"], one["b01"], one["p"])
            for one in self.facts["comparisons"]
        ]

    def comparison(self, a: str, b: str, split: str) -> Comparison | None:
        """The test of two nets on a split, seen from a; None where it was not made."""
        for one in self.comparisons:
            if one.split == split and (one.a, one.b) == (a, b):
                return one
            if one.split == split and (one.a, one.b) == (b, a):
                return Comparison(a, b, split, one.b_alone, one.a_alone, one.p)
        return None

    def total(self, split: str) -> int:
        """How many faces a split has."""
        return sum(self.faces["counts"].get(split, {}).values())

    @property
    def splits(self) -> Sequence[str]:
        """The splits that have faces."""
        return [split for split in SPLITS if split in self.faces["counts"]]


def measure(facts: Mapping[str, Any], name: str) -> Measure | None:
    """An accuracy of an entry of results.json by its name there; None where it was not measured."""
    value = facts.get(name)
    if value is None:
        return None
    interval = facts.get(f"{name}_interval")
    return Measure(value, tuple(interval) if interval else None, facts.get(f"{name}_sd"))


def read_contents(folder: Path) -> Contents:
    """Read a study's folder.

    Raises:
        UserError: there are no results in it yet, or they are damaged or of another version.
    """
    facts = read_json(folder / "results.json")
    nets = tuple(NetResult(entry, _runs(folder, entry["runs"])) for entry in facts["nets"])
    file = folder / "study.toml"
    return Contents(facts, nets, file.read_text(encoding="utf-8") if file.exists() else "")


def _runs(folder: Path, ids: Sequence[str]) -> tuple[Run, ...]:
    return tuple(Run.open(folder / "runs" / name) for name in ids if (folder / "runs" / name / "run.json").exists())
