"""`mien augment`: list the augmentation words, and draw what they do to faces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mien.cli.data_options import study_file
from mien.disk import user_path

if TYPE_CHECKING:
    from mien.faces import FacesSpec
    from mien.runs.recipe import Recipe

app = typer.Typer(
    help="List the augmentation words; see what they do.",
    epilog="Example: [bold]mien augment show 'rotate(10)' flip -o preview.png[/]",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

EXAMPLES = (
    "Examples: [bold]mien augment show 'rotate(10)' flip 'erase(1.0)' -o preview.png[/]\n\n"
    "[bold]mien augment show generator_1 --data drawn -o before_after.png[/]"
)


@app.command(epilog=EXAMPLES)
def show(
    words: list[str] | None = typer.Argument(
        None, metavar="[WORD]...", help="Augmentation words, or one of generator_1 to generator_5.", show_default=False
    ),
    out: Path = typer.Option(
        ..., "-o", "--out", parser=user_path, metavar="FILE", help="The PNG or SVG to draw.", show_default=False
    ),
    data: list[str] | None = typer.Option(
        None, "--data", metavar="SOURCE", help="The faces; by default the study's, else 'drawn'.", show_default=False
    ),
    scaling: str | None = typer.Option(
        None, help="centred, standardised or featurewise, as in a recipe.", show_default=False
    ),
    whitening: str | None = typer.Option(None, help="none or zca, as in a recipe.", show_default=False),
    study: Path | None = typer.Option(
        None,
        "--study",
        parser=study_file,
        metavar="FILE",
        help="Take the recipe of a net of this study file, or of a bundled study.",
        show_default=False,
    ),
    net: str | None = typer.Option(None, "--net", help="Which net of the study.", show_default=False),
    seed: int = typer.Option(0, min=0, help="The seed of the choice of faces and of the augmentation."),
    count: int = typer.Option(9, "-n", min=1, max=100, help="How many faces."),
) -> None:
    """Draw random training faces before and after augmentation, scaling and whitening."""
    from mien.cli.progress import reading_faces
    from mien.errors import UserError
    from mien.faces import FacesSpec
    from mien.faces.contact_sheets import draw_before_after
    from mien.faces.sheet import picture_format

    picture_format(out)
    if (study is None) != (net is None):
        raise UserError("--study and --net belong together: mien augment show --study FILE --net NAME -o preview.png")
    if study is not None and words:
        raise UserError(f"found {' '.join(words)!r} beside --study; give words, or a study's net")
    spec = FacesSpec(())
    if study is not None and net is not None:
        recipe, spec = _of_study(study, net)
        entries = recipe.model_dump(include={"augment", "scaling", "whitening"})
    else:
        entries = _entries_of(words or [])
    options = {"scaling": scaling, "whitening": whitening}
    entries |= {key: value for key, value in options.items() if value is not None}
    _check(entries)
    with reading_faces():
        faces = replace(spec, source=tuple(data or spec.source or ("drawn",))).open()

    from mien.training.preview import preview

    before, after = preview(entries, faces, seed, count)
    draw_before_after(before, after, out, f"{faces.name}, train, random with seed {seed}\n{_line(entries)}")
    typer.echo(f"drawn: {out}: {_line(entries)}")


@app.command(epilog="Example: [bold]mien augment words --json[/]")
def words(as_json: bool = typer.Option(False, "--json", help="Print JSON instead of a table.")) -> None:
    """List the augmentation words: how each is written, and what it does."""
    import json

    from mien.augmentation import WORDS
    from mien.nets.grammar import usage

    rows = [
        {"word": name, "usage": usage(word), "does": (word.__doc__ or "").splitlines()[0]}
        for name, word in WORDS.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("word", "does", box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(row["usage"], row["does"])
    Console(highlight=False).print(table)


def _entries_of(words: list[str]) -> dict[str, object]:
    """The recipe entries of augmentation words, or of a generator's name."""
    from mien.augmentation import GENERATORS
    from mien.errors import UserError

    generators = [word for word in words if word in GENERATORS]
    if generators and len(words) > 1:
        raise UserError(f"{generators[0]} is a whole recipe; give it alone, or words such as 'rotate(10)'")
    return dict(GENERATORS[generators[0]]) if generators else {"augment": tuple(words)}


def _check(entries: dict[str, object]) -> None:
    """Raise one UserError with every mistake in the entries."""
    from pydantic import ValidationError

    from mien.errors import UserError
    from mien.runs.recipe import Recipe
    from mien.study.config.validation import problem

    try:
        Recipe.model_validate(entries)
    except ValidationError as error:
        raise UserError("\n".join(problem(fault, Recipe, "") for fault in error.errors())) from None


def _of_study(file: Path, name: str) -> tuple[Recipe, FacesSpec]:
    """The recipe of a study's net, and the study's faces."""
    from mien.errors import UserError, did_you_mean
    from mien.study.config.schema import read_study

    study = read_study(file)
    nets = {net.net.name: net.recipe for net in study.nets}
    if name not in nets:
        raise UserError(f"--net {name}: {file} has no such net; {did_you_mean(name, list(nets))}")
    return nets[name], study.data


def _line(entries: dict[str, object]) -> str:
    """The recipe entries in one line: `rotate(90), flip; scaling featurewise; whitening zca`."""
    augment = entries.get("augment", ())
    assert isinstance(augment, tuple)
    parts = [", ".join(augment) or "no augmentation", f"scaling {entries.get('scaling', 'centred')}"]
    return "; ".join(parts + ([] if entries.get("whitening", "none") == "none" else ["whitening zca"]))
