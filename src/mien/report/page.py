"""The page: a study's folder in, one self-contained HTML file out, figures as SVG and tables as CSV beside it."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from mien.disk import whole_folder, write_text
from mien.faces import Faces
from mien.faces.audit import audit
from mien.report import figures, pictures, words
from mien.report import study_tables as tables
from mien.report.contents import Contents, NetResult, read_contents
from mien.report.curves import draw_history
from mien.report.judgement_figures import draw_judgement
from mien.report.palette import ROLES
from mien.report.pictures import Picture
from mien.report.svg import Drawing, slug
from mien.report.tables import Table, duration, percent, probability, whole

TEMPLATE = Path(__file__).parent / "template"


@dataclass(frozen=True, eq=False)
class NetPart:
    """What the page tells of one net.

    Attributes:
        result: its numbers.
        settings: label and value of each setting of its recipe.
        tables: layers, and the runs where there are several.
        curves: loss and accuracy over steps and epochs.
        judgement: confusion, per-class scores and calibration; () unless selected.
        judgement_tables: per-class scores, and the confusion matrix as counts.
        mistakes: pictures of its most confident mistakes, or their table where there are no pictures.
        words: what the numbers mean.
        curve_words: what the curves mean.
    """

    result: NetResult
    settings: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    curves: tuple[Drawing, ...]
    judgement: tuple[Drawing, ...] = ()
    judgement_tables: tuple[Table, ...] = ()
    mistakes: tuple[Picture, ...] = ()
    mistakes_table: Table | None = None
    words: tuple[str, ...] = ()
    curve_words: str = ""


@dataclass(eq=False)
class Page:
    """Everything the template shows."""

    contents: Contents
    answer: words.Answer
    parts: list[NetPart]
    counts: Table
    comparisons: list[Table]
    judged: Table
    mcnemar: Table
    overview: list[Drawing]
    said: list[str]
    audit: list[str] = field(default_factory=list)
    sample: list[Picture] = field(default_factory=list)
    no_pictures: str = ""
    more_figures: list[Drawing] = field(default_factory=list)

    @property
    def selected(self) -> list[NetPart]:
        """The parts of the selected nets, the best first."""
        places = {net.name: place for place, net in enumerate(self.contents.selected)}
        return sorted((part for part in self.parts if part.result.selected), key=lambda p: places[p.result.name])

    @property
    def all_figures(self) -> list[Drawing]:
        """Every figure, to be saved."""
        of_nets = [figure for part in self.parts for figure in (*part.curves, *part.judgement)]
        return [*self.overview, *self.more_figures, *of_nets]

    @property
    def all_tables(self) -> list[Table]:
        """Every table, to be saved."""
        of_nets = [
            table
            for part in self.parts
            for table in (*part.tables, *part.judgement_tables, part.mistakes_table)
            if table is not None
        ]
        return [self.counts, *self.comparisons, self.judged, self.mcnemar, *of_nets]


def write_report(folder: Path) -> Path:
    """Write a study's report: `report.html`, `figures/*.svg` and `tables/*.csv` in the study's folder.

    The faces are opened again for the pictures; where that fails the page says why and has none.

    Args:
        folder: the study's, with results.json in it.

    Returns:
        The page's path.

    Raises:
        UserError: the folder holds no results.
    """
    contents = read_contents(folder)
    page = make_page(contents, *pictures.open_again(contents))
    with whole_folder(folder / "tables") as draft:
        for table in page.all_tables:
            (draft / f"{slug(table.name)}.csv").write_text(table.csv, encoding="utf-8")
    with whole_folder(folder / "figures") as draft:
        for figure in page.all_figures:
            (draft / f"{slug(figure.name)}.svg").write_text(figure.svg, encoding="utf-8")
    target = folder / "report.html"
    write_text(target, render(page))
    return target


def make_page(contents: Contents, faces: Faces | None, no_pictures: str) -> Page:
    """Draw and tabulate all that the page shows.

    Args:
        contents: the study's folder, read.
        faces: the study's faces, None where they cannot be opened.
        no_pictures: why not; "" otherwise.
    """
    page = Page(
        contents=contents,
        answer=words.answer(contents),
        parts=[_part(contents, net, faces) for net in contents.nets],
        counts=tables.counts_table(contents),
        comparisons=_comparison_tables(contents),
        judged=tables.selected_table(contents),
        mcnemar=tables.mcnemar_table(contents.comparisons, [net.name for net in contents.selected]),
        overview=_overview(contents),
        said=words.comparison_words(contents),
        no_pictures=no_pictures,
    )
    if faces is not None:
        chosen = pictures.sample(faces)
        page.audit = words.audit_words(audit(faces))
        page.sample = [Picture(pictures.png(faces.images[row]), name) for row, name in chosen]
        svg = figures.draw_faces(faces.images[[row for row, _ in chosen]], [name for _, name in chosen])
        page.more_figures = [Drawing("samples", "", svg)]
    return page


def render(page: Page) -> str:
    """The page as HTML text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "tied": tied, "percent": percent, "whole": whole, "duration": duration, "probability": probability, "slug": slug
    }  # fmt: skip
    script = (TEMPLATE / "page.js").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(
        page=page,
        contents=page.contents,
        facts=page.contents.facts,
        roles=ROLES,
        style=(TEMPLATE / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(sha256(script.encode()).digest()).decode(),
    )


def tied(text: str) -> str:
    """The text with each per-cent sign tied to its number, so that no line breaks between them."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _comparison_tables(contents: Contents) -> list[Table]:
    groups = [
        tables.comparison_table(
            contents, contents.members(group), f"comparison-{slug(group)}", f"Nets of group {group}"
        )
        for group in contents.groups
    ]
    if len(groups) < 2:
        return [tables.comparison_table(contents, contents.nets, "comparison", "All nets")]
    return [tables.comparison_table(contents, contents.nets, "comparison", "All nets together"), *groups]


def _overview(contents: Contents) -> list[Drawing]:
    drawn = [Drawing("counts", "", figures.draw_counts(contents.faces["counts"]))]
    judged = [(net, net.validation) for net in contents.judged if net.validation and net.validation.interval]
    if judged:
        scores = [
            figures.Score(
                net.name, net.group, net.train.value if net.train else None, found.value, found.interval or (0.0, 0.0),
                net.test.value if net.test else None, net.test.interval if net.test else None,
            )
            for net, found in judged
        ]  # fmt: skip
        caption = (
            "Accuracy of each net. Lines through the points are 95 % intervals; the pale line spans the gap to train."
        )
        drawn.append(Drawing("accuracies", caption, figures.draw_scores(scores)))
    timed = [(net, found) for net, found in judged if net.facts["seconds"]]
    if timed:
        places = {group: place for place, group in enumerate(contents.groups)}
        costs = [
            figures.Cost(net.name, places[net.group], net.facts["seconds"], net.facts["parameters"], found.value)
            for net, found in timed
        ]
        caption = "What accuracy costs: validation accuracy against training time; a point's area shows the parameters."
        drawn.append(Drawing("costs", caption, figures.draw_costs(costs, contents.groups)))
    return drawn


def _part(contents: Contents, net: NetResult, faces: Faces | None) -> NetPart:
    own = [tables.layers_table(contents, net)]
    if len(net.runs) > 1:
        own.append(tables.runs_table(net))
    curves = tuple(draw_history(net))
    part = NetPart(net, _settings(net), tuple(own), curves, curve_words=words.curve_words(net))
    if not net.selected or net.judged_on is None:
        return part
    found = pictures.mistakes(net, contents.classes)
    return replace(
        part,
        judgement=tuple(draw_judgement(net)),
        judgement_tables=(tables.per_class_table(net), tables.confusion_table(net)),
        mistakes=tuple(_mistake_pictures(net, faces, found)),
        mistakes_table=tables.mistakes_table(net, found),
        words=tuple(words.net_words(net)),
    )


def _mistake_pictures(net: NetResult, faces: Faces | None, found: Sequence[pictures.Mistake]) -> list[Picture]:
    if faces is None or net.judged_on is None:
        return []
    images = faces.split(net.judged_on).images
    return [
        Picture(pictures.png(images[one.row]), f"{one.truth} → {one.predicted}", f"{percent(one.probability)} %")
        for one in found
    ]


def _settings(net: NetResult) -> tuple[tuple[str, str], ...]:
    recipe: dict[str, Any] = dict(net.facts["recipe"])
    if recipe["optimizer"] != "sgd":
        recipe.pop("momentum")
    if not recipe["patience"]:
        recipe["patience"] = "none, all epochs"
    if net.facts["precision"]:
        recipe["precision"] = net.facts["precision"]
    return tuple((key.replace("_", " "), str(value)) for key, value in recipe.items())
