"""Parts: what the page tells of each net and each comparison table, drawn and tabulated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mien.faces import Faces
from mien.report import face_images as pictures
from mien.report import study_tables as tables
from mien.report.augmentation_narrative import augmentation_words
from mien.report.curves import draw_histories, draw_history
from mien.report.evaluation_figures import draw_judgement
from mien.report.face_images import Picture
from mien.report.narrative import group_words
from mien.report.net_narrative import curve_words, net_words
from mien.report.previews import Previews
from mien.report.recipe_summary import Line, Settings, backbone_lines, settings
from mien.report.study_data import Contents, NetResult, Section
from mien.report.svg import Drawing, slug
from mien.report.tables import Table, percent
from mien.report.tuning import Tuning, read_tuning
from mien.report.tuning_figures import draw_tuning
from mien.report.tuning_narrative import trials_table, tuning_words


@dataclass(frozen=True, eq=False)
class NetPart:
    """What the page tells of one net.

    Attributes:
        result: its numbers.
        settings: its recipe in words.
        tables: layers, and the runs where there are several.
        curves: loss and accuracy over steps and epochs.
        backbone: what is known of its backbone and weights; () where it has none.
        curve_words: what the curves mean.
        preview: a few faces before and after its augmentation; None where it has none, or no faces can be opened.
        judgement: confusion, per-class scores and calibration; () unless selected.
        judgement_tables: per-class scores, and the confusion matrix as counts.
        mistakes: pictures of its most confident mistakes, or their table where there are no pictures.
        words: what the numbers mean.
    """

    result: NetResult
    settings: Settings
    tables: tuple[Table, ...]
    curves: tuple[Drawing, ...]
    backbone: tuple[Line, ...] = ()
    curve_words: str = ""
    preview: Drawing | None = None
    judgement: tuple[Drawing, ...] = ()
    judgement_tables: tuple[Table, ...] = ()
    mistakes: tuple[Picture, ...] = ()
    mistakes_table: Table | None = None
    words: tuple[str, ...] = ()

    @property
    def figures(self) -> list[Drawing]:
        """All of its figures."""
        return [*self.curves, *([self.preview] if self.preview else []), *self.judgement]

    @property
    def all_tables(self) -> list[Table]:
        """All of its tables."""
        return [*self.tables, *self.judgement_tables, *([self.mistakes_table] if self.mistakes_table else [])]


@dataclass(frozen=True, eq=False)
class TuningPart:
    """What the page tells of the search behind a net.

    Attributes:
        tuning: the search.
        words: what it found, and what that is worth.
        figures: history, importances, slices, parallel coordinates; the Pareto front with several objectives.
        table: every trial.
    """

    tuning: Tuning
    words: tuple[str, ...]
    figures: tuple[Drawing, ...]
    table: Table


@dataclass(frozen=True, eq=False)
class GroupPart:
    """What the page tells of one comparison table.

    Attributes:
        section: its name, title and note.
        table: its nets side by side.
        words: what that means.
        curves: the nets' histories in one picture each; () for one net.
        parts: its nets, in their order.
        tunings: the searches behind those that were tuned.
    """

    section: Section
    table: Table
    words: tuple[str, ...]
    curves: tuple[Drawing, ...]
    parts: tuple[NetPart, ...]
    tunings: tuple[TuningPart, ...] = ()

    @property
    def selected(self) -> NetPart | None:
        """Its best net on validation, if any came to its end."""
        return next((part for part in self.parts if part.result.selected), None)


def group_part(contents: Contents, section: Section, faces: Faces | None, previews: Previews | None) -> GroupPart:
    """Draw and tabulate a comparison table's nets; no pictures of faces where those are None, nor previews."""
    members = contents.members(section.name)
    words = [
        *group_words(contents, section.name),
        *(text for net in members for text in augmentation_words(contents, net)),
    ]
    return GroupPart(
        section=section,
        table=tables.comparison_table(
            contents, members, f"comparison-{slug(section.name)}", "Side by side" if len(members) > 1 else "In numbers"
        ),
        words=tuple(words),
        curves=tuple(draw_histories(members, section.name)),
        parts=tuple(_net_part(contents, net, faces, previews) for net in members),
        tunings=tuple(_tuning_part(found) for net in members if (found := read_tuning(contents, net.name))),
    )


def _tuning_part(tuning: Tuning) -> TuningPart:
    return TuningPart(tuning, tuple(tuning_words(tuning)), tuple(draw_tuning(tuning)), trials_table(tuning))


def _net_part(contents: Contents, net: NetResult, faces: Faces | None, previews: Previews | None) -> NetPart:
    own = [tables.layers_table(contents, net)]
    if len(net.runs) > 1:
        own.append(tables.runs_table(net))
    told = settings(net.recipe, net.facts["precision"])
    part = NetPart(net, told, tuple(own), tuple(draw_history(net)), backbone_lines(net), curve_words(net))
    if previews is not None:
        part = replace(part, preview=previews.draw(f"shown-{net.name}", f"What {net.name} is shown", net.recipe))
    if not net.selected or net.judged_on is None:
        return part
    found = pictures.mistakes(net, contents.classes)
    return replace(
        part,
        judgement=tuple(draw_judgement(net)),
        judgement_tables=(tables.per_class_table(net), tables.confusion_table(net)),
        mistakes=tuple(_mistake_pictures(net, faces, found)),
        mistakes_table=tables.mistakes_table(net, found),
        words=tuple(net_words(net)),
    )


def _mistake_pictures(net: NetResult, faces: Faces | None, found: Sequence[pictures.Mistake]) -> list[Picture]:
    if faces is None or net.judged_on is None:
        return []
    images = faces.split(net.judged_on).images
    return [
        Picture(pictures.png(images[one.row]), f"{one.truth} → {one.predicted}", f"{percent(one.probability)} %")
        for one in found
    ]
