"""StudyPlan: what a study would run, and how long that takes, as an object that shows itself."""

from dataclasses import dataclass

from mien.errors import counted
from mien.html_tables import html_lines
from mien.report.tables import Column, Table, duration, whole
from mien.study.outline import Outline
from mien.study.plan import skipped_lines


@dataclass(frozen=True, repr=False)
class StudyPlan:
    """What a study would run, from `Study.plan`.

    >>> plan = study.plan(faces, "out/second")
    >>> plan.missing, study.plan(faces, "out/first").missing
    (2, 0)

    Attributes:
        outline: its nets, faces and runs, with the time that each takes on this machine.
        notes: what there is to say before it runs, a sentence each.
    """

    outline: Outline
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Seconds that all that is missing takes on this machine."""
        return self.outline.seconds

    @property
    def missing(self) -> int:
        """How many runs and trials are not done."""
        return sum(net.missing for net in self.outline.nets)

    @property
    def _lines(self) -> list[str]:
        faces = self.outline.faces
        splits = ", ".join(f"{split} {sum(counts.values()):,}" for split, counts in faces.counts.items())
        lines = [f"faces: {faces.name}, {faces.size}x{faces.size}: {splits}"]
        lines += skipped_lines({net.name: net.skipped for net in self.outline.nets})
        lines += [f"note: {note}" for note in (*faces.notes, *self.notes)]
        return [*lines, f"{counted(self.missing, 'run')} to do, about {duration(self.seconds)}"]

    def __repr__(self) -> str:
        return "\n".join([repr(self._table), *self._lines])

    def _repr_html_(self) -> str:
        return f"{self._table._repr_html_()}\n{html_lines(self._lines)}"

    @property
    def _table(self) -> Table:
        """The nets, one a row."""
        title = f"Plan of {self.outline.study} in {self.outline.folder}"
        columns = (
            Column("net", "net", lead=True),
            Column("group", "group"),
            Column("layers", "layers", whole, True),
            Column("parameters", "parameters", whole, True),
            Column("epochs", "epochs", whole, True),
            Column("batch", "batch", whole, True),
            Column("runs", "runs", whole, True),
            Column("missing", "to do", whole, True),
            Column("seconds", "time a run", duration, True),
        )
        rows = tuple(
            (
                net.name, net.group, net.layers, net.parameters, net.recipe.epochs, net.recipe.batch, len(net.states),
                net.missing, net.seconds,
            )
            for net in self.outline.nets
        )  # fmt: skip
        return Table("plan", title, columns, rows)
