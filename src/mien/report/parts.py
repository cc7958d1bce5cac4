"""What the page shows of each net and each comparison table, drawn and tabulated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mien.faces import Faces
from mien.report import study_tables as tables
from mien.report.augmentation_narrative import narrate_augmentation
from mien.report.cell_faces import CellFaces, cell_faces
from mien.report.curves import draw_histories, draw_history
from mien.report.evaluation_figures import draw_evaluation
from mien.report.evaluation_tables import confusion_table, per_class_table
from mien.report.face_images import Misclassification, Picture, misclassifications, png
from mien.report.narrative import narrate_group
from mien.report.net_narrative import narrate_curves, narrate_net
from mien.report.previews import Previews
from mien.report.ranking_figures import draw_ranking
from mien.report.recipe_summary import Line, Settings, backbone_lines, settings
from mien.report.study_data import ReportedNet, ReportedStudy
from mien.report.svg import Drawing, slug
from mien.report.tables import Table, percent
from mien.report.tuning import Tuning, tuning_of
from mien.report.tuning_figures import draw_tuning
from mien.report.tuning_narrative import narrate_tuning, trials_table
from mien.runs.results import GroupResult


@dataclass(frozen=True, eq=False)
class NetPart:
    """What the page shows of one net.

    Attributes:
        net: its figures and runs.
        settings: its recipe in words.
        tables: layers, and the runs where there are several.
        curves: loss and accuracy over steps and epochs.
        backbone: what is known of its backbone and weights; () where it has none.
        curve_note: what the curves mean.
        preview: a few faces before and after its augmentation; None where it has none, or no faces can be opened.
        evaluation: confusion, calibration, ROC and precision-recall curves, per-class scores; () unless selected.
        evaluation_tables: per-class scores, and the confusion matrix as counts.
        cells: faces of each cell of the confusion matrix; None unless selected, or where no faces can be opened.
        mistakes: pictures of its most confident mistakes, or their table where there are no pictures.
        narrative: what the numbers mean, in sentences.
    """

    net: ReportedNet
    settings: Settings
    tables: tuple[Table, ...]
    curves: tuple[Drawing, ...]
    backbone: tuple[Line, ...] = ()
    curve_note: str = ""
    preview: Drawing | None = None
    evaluation: tuple[Drawing, ...] = ()
    evaluation_tables: tuple[Table, ...] = ()
    cells: CellFaces | None = None
    mistakes: tuple[Picture, ...] = ()
    mistakes_table: Table | None = None
    narrative: tuple[str, ...] = ()

    @property
    def figures(self) -> list[Drawing]:
        """All of its figures."""
        return [*self.curves, *([self.preview] if self.preview else []), *self.evaluation]

    @property
    def all_tables(self) -> list[Table]:
        """All of its tables."""
        return [*self.tables, *self.evaluation_tables, *([self.mistakes_table] if self.mistakes_table else [])]


@dataclass(frozen=True, eq=False)
class TuningPart:
    """What the page shows of the search behind a net.

    Attributes:
        tuning: the search.
        narrative: which values it selected, and how far that can be trusted, in sentences.
        figures: history, importances, slices, parallel coordinates; the Pareto front with several objectives.
        table: every trial.
    """

    tuning: Tuning
    narrative: tuple[str, ...]
    figures: tuple[Drawing, ...]
    table: Table


@dataclass(frozen=True, eq=False)
class GroupPart:
    """What the page shows of one comparison table.

    Attributes:
        group: its name, title and note.
        table: its nets side by side.
        narrative: what that means, in sentences.
        curves: the nets' histories in one picture each; () for one net.
        parts: its nets, in their order.
        tunings: the searches behind those that were tuned.
    """

    group: GroupResult
    table: Table
    narrative: tuple[str, ...]
    curves: tuple[Drawing, ...]
    parts: tuple[NetPart, ...]
    tunings: tuple[TuningPart, ...] = ()

    @property
    def selected(self) -> NetPart | None:
        """Its best net on validation, if any came to its end."""
        return next((part for part in self.parts if part.net.selected), None)


def group_part(study: ReportedStudy, group: GroupResult, faces: Faces | None, previews: Previews | None) -> GroupPart:
    """Draw and tabulate a comparison table's nets; no pictures of faces where those are None, nor previews."""
    members = study.members(group.name)
    narrative = [
        *narrate_group(study, group.name),
        *(text for net in members for text in narrate_augmentation(study, net)),
    ]
    title = "Side by side" if len(members) > 1 else "In numbers"
    return GroupPart(
        group=group,
        table=tables.comparison_table(study, members, f"comparison-{slug(group.name)}", title),
        narrative=tuple(narrative),
        curves=tuple(draw_histories(members, group.name)),
        parts=tuple(_net_part(study, net, faces, previews) for net in members),
        tunings=tuple(_tuning_part(tuning) for net in members if (tuning := tuning_of(study, net.name))),
    )


def _tuning_part(tuning: Tuning) -> TuningPart:
    return TuningPart(tuning, tuple(narrate_tuning(tuning)), tuple(draw_tuning(tuning)), trials_table(tuning))


def _net_part(study: ReportedStudy, net: ReportedNet, faces: Faces | None, previews: Previews | None) -> NetPart:
    own = [tables.layers_table(study, net)]
    if len(net.runs) > 1:
        own.append(tables.runs_table(net))
    recipe = settings(net.recipe, net.result.precision, net.result.devices)
    part = NetPart(net, recipe, tuple(own), tuple(draw_history(net)), backbone_lines(net), narrate_curves(net))
    if previews is not None:
        part = replace(part, preview=previews.draw(f"shown-{net.name}", f"What {net.name} is shown", net.recipe))
    scores = net.result.scores
    if not net.selected or scores is None:
        return part
    wrong = misclassifications(net, study.classes)
    cells = cell_faces(net, study.classes, faces) if faces is not None else None
    confusion, reliability, per_class = draw_evaluation(net.name, scores, len(net.runs), cells)
    return replace(
        part,
        evaluation=(confusion, reliability, *draw_ranking(net, study.classes), per_class),
        evaluation_tables=(per_class_table(net.name, scores), confusion_table(net.name, scores)),
        cells=cells,
        mistakes=tuple(_mistake_pictures(scores.evaluated_on, faces, wrong)),
        mistakes_table=tables.mistakes_table(net, wrong),
        narrative=tuple(narrate_net(net)),
    )


def _mistake_pictures(split: str, faces: Faces | None, wrong: Sequence[Misclassification]) -> list[Picture]:
    if faces is None:
        return []
    images = faces.split(split).images
    return [
        Picture(png(images[one.row]), f"{one.truth} → {one.predicted}", f"{percent(one.probability)} %")
        for one in wrong
    ]
