"""The page: a study's results in, one self-contained HTML file out, figures as SVG and tables as CSV beside it."""

import base64
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from mien.disk import whole_folder, write_text
from mien.faces import Faces
from mien.faces.audit import audit
from mien.faces.clean import describe_left_out
from mien.report import figures, narrative
from mien.report import study_tables as tables
from mien.report.face_images import Picture, png, reopen, sample
from mien.report.palette import ROLES
from mien.report.parts import GroupPart, NetPart, group_part
from mien.report.previews import Previews
from mien.report.study_data import ReportedStudy, read_reported_study
from mien.report.svg import Drawing, slug
from mien.report.tables import Table, duration, percent, probability, whole
from mien.runs.results import Comparison, Results

TEMPLATE = Path(__file__).parent / "template"


@dataclass(eq=False)
class Page:
    """Everything the template shows.

    Attributes:
        study: its results and runs.
        answer: what the study found, in short.
        counts: faces of each emotion in each split.
        groups: a section for each comparison table.
        comparison: all nets of all tables.
        selected: the selected nets by every score.
        ensembles: nets whose predictions are averaged.
        mcnemar: the tests between two of the selected.
        every_pair: all tests between two nets.
        counted: the picture of `counts`.
        overview: the pictures of all nets together.
        narrative: what the comparison of the best nets of all tables means, in sentences.
        left_out: faces of the source that were left out.
        audit: the findings of an audit of the faces.
        sample: random faces.
        previews: faces before and after each of the study's previews.
        no_pictures: why there are no faces to show; "" where there are.
        more_figures: those that are saved as files and stand on the page in another form.
    """

    study: ReportedStudy
    answer: narrative.Answer
    counts: Table
    groups: list[GroupPart]
    comparison: Table
    selected: Table
    ensembles: Table
    mcnemar: Table
    every_pair: Table
    counted: Drawing
    overview: list[Drawing]
    narrative: list[str]
    left_out: list[str]
    audit: list[str] = field(default_factory=list)
    sample: list[Picture] = field(default_factory=list)
    previews: list[Drawing] = field(default_factory=list)
    no_pictures: str = ""
    more_figures: list[Drawing] = field(default_factory=list)

    @property
    def parts(self) -> list[NetPart]:
        """What is shown of each net."""
        return [part for group in self.groups for part in group.parts]

    @property
    def all_figures(self) -> list[Drawing]:
        """Every figure, to be saved."""
        of_groups = [figure for group in self.groups for figure in group.curves]
        of_groups += [figure for group in self.groups for part in group.tunings for figure in part.figures]
        of_nets = [figure for part in self.parts for figure in part.figures]
        return [self.counted, *self.overview, *self.previews, *self.more_figures, *of_groups, *of_nets]

    @property
    def all_tables(self) -> list[Table]:
        """Every table, to be saved."""
        of_nets = [table for part in self.parts for table in part.all_tables]
        return [
            self.counts,
            self.comparison,
            *(group.table for group in self.groups),
            *(part.table for group in self.groups for part in group.tunings),
            self.selected,
            *([self.ensembles] if self.ensembles.rows else []),
            self.mcnemar,
            self.every_pair,
            *of_nets,
        ]


def write_report(folder: Path, results: Results) -> Path:
    """Write a study's report: `report.html`, `figures/*.svg` and `tables/*.csv` in the study's folder.

    The faces are opened again for the pictures; where that fails the page says why and has none.

    Args:
        folder: the study's.
        results: the study's, from `execute` or `mien.runs.results.read_results`.

    Returns:
        The page's path.

    Raises:
        UserError: a run of the study is damaged.
    """
    page = make_page(read_reported_study(folder, results), *reopen(results.faces))
    with whole_folder(folder / "tables") as temporary:
        for table in page.all_tables:
            (temporary / f"{slug(table.name)}.csv").write_text(table.csv, encoding="utf-8", newline="\n")
    with whole_folder(folder / "figures") as temporary:
        for figure in page.all_figures:
            (temporary / f"{slug(figure.name)}.svg").write_text(figure.svg, encoding="utf-8", newline="\n")
    target = folder / "report.html"
    write_text(target, render(page))
    return target


def make_page(study: ReportedStudy, faces: Faces | None, no_pictures: str) -> Page:
    """Draw and tabulate all that the page shows.

    Args:
        study: its results and runs.
        faces: the study's faces, None where they cannot be opened.
        no_pictures: why not; "" otherwise.
    """
    results, previews = study.results, Previews(faces) if faces is not None else None
    page = Page(
        study=study,
        answer=narrative.answer(study),
        counts=tables.counts_table(study),
        groups=[group_part(study, group, faces, previews) for group in study.groups],
        comparison=tables.comparison_table(study, study.nets, "comparison", "All nets"),
        selected=tables.selected_table(study),
        ensembles=tables.ensembles_table(study, results.ensembles),
        mcnemar=tables.mcnemar_table(_among_selected(study), "mcnemar-selected", "McNemar's test of the best"),
        every_pair=tables.mcnemar_table(results.comparisons, "mcnemar", "McNemar's test between nets"),
        counted=Drawing("counts", "", figures.draw_counts(results.faces.counts)),
        overview=_overview(study),
        narrative=narrative.narrate_study(study),
        left_out=describe_left_out(results.faces.left_out),
        no_pictures=no_pictures,
    )
    if faces is not None and previews is not None:
        chosen = sample(faces)
        page.audit = narrative.narrate_audit(audit(faces))
        page.sample = [Picture(png(faces.images[row]), name) for row, name in chosen]
        svg = figures.draw_faces(faces.images[[row for row, _ in chosen]], [name for _, name in chosen])
        page.more_figures = [Drawing("samples", "", svg)]
        drawn = [previews.draw(f"preview-{name}", name, recipe) for name, recipe in results.previews.items()]
        page.previews = [one for one in drawn if one is not None]
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
        study=page.study,
        results=page.study.results,
        roles=ROLES,
        style=(TEMPLATE / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(sha256(script.encode()).digest()).decode(),
    )


def tied(text: str) -> str:
    """The text with what belongs together tied, so that no line breaks in `57 %` or `p = 0.03`."""
    for sign in (" %", "p = ", "p < "):
        text = text.replace(sign, sign.replace(" ", "\N{NO-BREAK SPACE}"))
    return text


def _among_selected(study: ReportedStudy) -> list[Comparison]:
    """The tests between two of the selected, on test where it was opened, else on validation."""
    chosen = {net.name for net in study.selected}
    among = [one for one in study.results.comparisons if {one.a, one.b} <= chosen]
    return [one for one in among if one.split == "test"] or among


def _overview(study: ReportedStudy) -> list[Drawing]:
    drawn = []
    evaluated = [(net, net.validation) for net in study.nets if net.validation]
    if evaluated:
        scores = [
            figures.Score(
                net.name, net.group, net.train.mean if net.train else None, accuracy.mean, accuracy.interval,
                net.test.mean if net.test else None, net.test.interval if net.test else None,
            )
            for net, accuracy in evaluated
        ]  # fmt: skip
        caption = (
            "Accuracy of each net. Lines through the points are 95 % intervals; the pale line spans the gap to train."
        )
        drawn.append(Drawing("accuracies", caption, figures.draw_scores(scores)))
    titles = {group.name: group.title for group in study.groups}
    places = {name: place for place, name in enumerate(titles)}
    costs = [
        figures.Cost(net.name, places[net.group], net.result.seconds, net.result.parameters or 0, accuracy.mean)
        for net, accuracy in evaluated
        if net.result.seconds
    ]
    if costs:
        caption = "What accuracy costs: validation accuracy against training time; a point's area shows the parameters."
        drawn.append(Drawing("costs", caption, figures.draw_costs(costs, list(titles))))
    return drawn
