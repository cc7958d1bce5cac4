"""The page: a study's folder in, one self-contained HTML file out, figures as SVG and tables as CSV beside it."""

import base64
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from mien.disk import whole_folder, write_text
from mien.faces import Faces
from mien.faces.audit import audit
from mien.faces.clean import describe_left_out
from mien.report import face_images as pictures
from mien.report import figures
from mien.report import narrative as words
from mien.report import study_tables as tables
from mien.report.face_images import Picture
from mien.report.palette import ROLES
from mien.report.parts import GroupPart, NetPart, group_part
from mien.report.previews import Previews
from mien.report.study_data import Comparison, Contents, read_contents
from mien.report.svg import Drawing, slug
from mien.report.tables import Table, duration, percent, probability, whole

TEMPLATE = Path(__file__).parent / "template"


@dataclass(eq=False)
class Page:
    """Everything the template shows.

    Attributes:
        contents: the study's folder, read.
        answer: what the study found, in short.
        counts: faces of each emotion in each split.
        groups: a section for each comparison table.
        comparison: all nets of all tables.
        judged: the selected nets by every score.
        ensembles: nets that are judged together.
        mcnemar: the tests between two of the selected.
        every_pair: all tests between two nets.
        counted: the picture of `counts`.
        overview: the pictures of all nets together.
        said: what setting the tables' best side by side means.
        left_out: what of the source's faces was not taken.
        audit: what an audit of the faces found.
        sample: random faces.
        previews: faces before and after each of the study's previews.
        no_pictures: why there are no faces to show; "" where there are.
        more_figures: those that are saved as files and stand on the page in another form.
    """

    contents: Contents
    answer: words.Answer
    counts: Table
    groups: list[GroupPart]
    comparison: Table
    judged: Table
    ensembles: Table
    mcnemar: Table
    every_pair: Table
    counted: Drawing
    overview: list[Drawing]
    said: list[str]
    left_out: list[str]
    audit: list[str] = field(default_factory=list)
    sample: list[Picture] = field(default_factory=list)
    previews: list[Drawing] = field(default_factory=list)
    no_pictures: str = ""
    more_figures: list[Drawing] = field(default_factory=list)

    @property
    def parts(self) -> list[NetPart]:
        """What is told of each net."""
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
            self.judged,
            *([self.ensembles] if self.ensembles.rows else []),
            self.mcnemar,
            self.every_pair,
            *of_nets,
        ]


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
    previews = Previews(faces) if faces is not None else None
    page = Page(
        contents=contents,
        answer=words.answer(contents),
        counts=tables.counts_table(contents),
        groups=[group_part(contents, section, faces, previews) for section in contents.sections],
        comparison=tables.comparison_table(contents, contents.nets, "comparison", "All nets"),
        judged=tables.selected_table(contents),
        ensembles=tables.ensembles_table(contents),
        mcnemar=tables.mcnemar_table(_among_selected(contents), "mcnemar-selected", "McNemar's test of the best"),
        every_pair=tables.mcnemar_table(contents.comparisons, "mcnemar", "McNemar's test between nets"),
        counted=Drawing("counts", "", figures.draw_counts(contents.faces["counts"])),
        overview=_overview(contents),
        said=words.whole_words(contents),
        left_out=describe_left_out(contents.faces.get("left_out", {})),
        no_pictures=no_pictures,
    )
    if faces is not None and previews is not None:
        chosen = pictures.sample(faces)
        page.audit = words.audit_words(audit(faces))
        page.sample = [Picture(pictures.png(faces.images[row]), name) for row, name in chosen]
        svg = figures.draw_faces(faces.images[[row for row, _ in chosen]], [name for _, name in chosen])
        page.more_figures = [Drawing("samples", "", svg)]
        drawn = [previews.draw(f"preview-{name}", name, recipe) for name, recipe in contents.previews.items()]
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
        contents=page.contents,
        facts=page.contents.facts,
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


def _among_selected(contents: Contents) -> list[Comparison]:
    """The tests between two of the selected, on test where it was opened, else on validation."""
    chosen = {net.name for net in contents.selected}
    found = [one for one in contents.comparisons if {one.a, one.b} <= chosen]
    return [one for one in found if one.split == "test"] or found


def _overview(contents: Contents) -> list[Drawing]:
    drawn = []
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
        places = {name: place for place, name in enumerate(contents.titles)}
        costs = [
            figures.Cost(net.name, places[net.group], net.facts["seconds"], net.facts["parameters"], found.value)
            for net, found in timed
        ]
        caption = "What accuracy costs: validation accuracy against training time; a point's area shows the parameters."
        drawn.append(Drawing("costs", caption, figures.draw_costs(costs, list(contents.titles))))
    return drawn
