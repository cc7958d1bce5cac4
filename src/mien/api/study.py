"""Study: nets, how they are trained and how they are compared, from Python values or from a study file."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from mien.api.placed_study import FacesSource, StudyOrigin
from mien.disk import user_path
from mien.errors import UserError, did_you_mean
from mien.report.tables import Column, Table
from mien.runs.recipe import Recipe
from mien.studies import find_study
from mien.study.config.keywords import Entries, table_of
from mien.study.config.schema import read_table
from mien.study.config.study import StudyConfig
from mien.study.config.toml_text import toml_value

if TYPE_CHECKING:
    from PIL.Image import Image

    from mien.api.plan import StudyPlan
    from mien.api.results import StudyResults
    from mien.study.engines.callback import StudyCallback


class Study:
    """Nets, how they are trained, on which faces, and how they are compared.

    The arguments are the tables and keys of a study file (docs/reference/study-file.md), and are checked as one:

    >>> import mien
    >>> study = mien.Study(
    ...     name="first",
    ...     recipe={"epochs": 2},
    ...     nets={"dense": {"layers": ["flatten", "dense(64)", "relu", "classes"]}, "cnn": {"zoo": "cnn_1"}},
    ... )
    >>> [net.net.name for net in study.config.nets]
    ['dense', 'cnn']

    Args:
        name: of letters, digits, ".", "_" and "-"; also of its default folder, out/NAME.
        nets: by a net's name its table: `{"layers": [...]}`, `{"zoo": "cnn_1"}`, with `recipe`, `values` and `tune`.
        recipe: how nets are trained, where their own recipe says nothing: `{"epochs": 2, "augment": ["flip"]}`.
        seeds: each net is trained once with each; whole numbers from 0.
        data: which faces: `{"source": "fer2013.csv"}`; its paths start from the working directory. Its source may be
            left out, where `run` is given faces.
        groups: by a comparison table's name the list of its nets; unless given, all nets stand in one.
        ensembles: by an ensemble's name the list of its nets, or what each weighs in it.
        previews: recipes whose augmentation the report shows, by name.
        resources: what one run takes of the machine.
        track: what follows the study: `{"tensorboard": True}`, `{"mlflow": "http://HOST:PORT"}`.

    Attributes:
        config: the checked study.

    Raises:
        UserError: there are mistakes: all of them, each with its place.
    """

    config: StudyConfig

    def __init__(
        self,
        *,
        name: str,
        nets: Mapping[str, Entries],
        recipe: Entries | None = None,
        seeds: Sequence[int] | None = None,
        data: Entries | None = None,
        groups: Mapping[str, Sequence[str] | Entries] | None = None,
        ensembles: Mapping[str, Sequence[str] | Mapping[str, float]] | None = None,
        previews: Mapping[str, Entries] | None = None,
        resources: Entries | None = None,
        track: Entries | None = None,
    ) -> None:
        entries = {
            "name": name,
            "seeds": seeds,
            "data": data,
            "recipe": recipe,
            "nets": nets,
            "groups": groups,
            "ensembles": ensembles,
            "previews": previews,
            "resources": resources,
            "track": track,
        }
        folder = Path.cwd()
        table, problems = table_of(entries, folder)
        self._origin = StudyOrigin("Study(...)", table, folder)
        self.config = self._origin.check(problems=problems)

    @classmethod
    def from_file(cls, file: str | PathLike[str], settings: str | Sequence[str] = ()) -> "Study":
        """Read a study file, or one that comes with mien.

        >>> import mien
        >>> mien.Study.from_file("quick", ["recipe.epochs=2"]).config.nets[0].recipe.epochs
        2

        Args:
            file: its path, or the name of a bundled one, as "quick".
            settings: changes before it is checked, as `--set` takes them: "recipe.epochs=2"; one or several.

        Raises:
            UserError: there is no such file, or it has mistakes: all of them, each with its place.
        """
        changes = (settings,) if isinstance(settings, str) else tuple(settings)
        path = (find_study(file) if isinstance(file, str) else None) or user_path(file)
        table, text = read_table(path)
        study = cls.__new__(cls)
        study._origin = StudyOrigin(str(path), table, path.parent, path, text, changes)
        study.config = study._origin.check()
        return study

    @property
    def name(self) -> str:
        """Its name."""
        return self.config.name

    @property
    def toml(self) -> str:
        """The study as the text of a study file; that of `from_file` as it was read, without its settings."""
        return self.config.text

    def plan(
        self, faces: FacesSource | None = None, folder: str | PathLike[str] | None = None, *, device: str = ""
    ) -> "StudyPlan":
        """Check the study on its faces, and list what it would run and how long that takes on this machine.

        Nothing is written into its folder.

        Args:
            faces: as for `run`.
            folder: as for `run`.
            device: as for `run`.

        Raises:
            UserError: the faces cannot be read, or a net does not fit them.
        """
        from mien.api.plan import StudyPlan
        from mien.study.outline import outline

        placed = self._origin.placed(self.config, faces, folder, device)
        plan = placed.make_plan()
        notes = (*placed.notes, *plan.study.notes, *plan.device_notes(placed.folder))
        return StudyPlan(outline(plan, placed.folder), notes)

    def run(
        self,
        faces: FacesSource | None = None,
        folder: str | PathLike[str] | None = None,
        *,
        device: str = "",
        progress: "bool | StudyCallback" = True,
        track: str | Sequence[str] = (),
        engine: str = "local",
        address: str | None = None,
    ) -> "StudyResults":
        """Run what is missing of the study, select nets on validation, and evaluate those on test.

        Runs that have ended before are left as they are: after an interrupt, or with a net more, the same call goes on.
        `mien study` goes on with it too: the folder holds the study as a file.

        Args:
            faces: what to train and evaluate on, in place of those in the study's `data`: a source, as `open_faces`
                takes it, or faces that are open, which are taken as they are. Those that came from no source as they
                are, such as a slice, are written into the folder.
            folder: the study's; out/NAME unless given. Relative paths start from the working directory.
            device: what trains: "auto", "cpu", "cuda", "cuda:1" or "mps"; "": the recipes' own.
            progress: True: a bar for each run, or plain lines where stderr is a file or a pipe; False: nothing; or a
                `StudyCallback` of your own.
            track: what follows the study too, as "tensorboard" or "mlflow=http://HOST:PORT"; one or several.
                They get the report, which is written for them.
            engine: where runs happen: "local" (this machine) or "ray".
            address: the head of a Ray cluster, HOST:PORT; None: Ray on this machine.

        Raises:
            UserError: the faces cannot be read, a net does not fit them, the folder holds something else, or an
                argument is none of its values.
            KeyboardInterrupt: stopped by the user; the same call goes on from the last epoch.
        """
        from mien.api.execution import execute_shown

        placed = self._origin.placed(self.config, faces, folder, device)
        words = [track] if isinstance(track, str) else track
        if not isinstance(words, list | tuple):
            raise UserError(f'track: found {track!r}; give one such as "tensorboard" or "mlflow=PLACE", or a list')
        return execute_shown(placed, progress, words, engine, address)

    def preview(self, name: str, faces: FacesSource | None = None, *, n: int = 9, seed: int = 0) -> "Image":
        """Draw random training faces before and after what a net is shown of them, as `mien augment show` does.

        Args:
            name: of a net, whose recipe's augmentation, scaling and whitening count, or of one of the `previews`.
            faces: as for `run`.
            n: the number of faces, from 1 on.
            seed: fixes which faces, and what happens to them.

        Returns:
            A picture of Pillow's, which a notebook shows.

        Raises:
            UserError: the study has no such net and no such preview, or the faces cannot be read.
        """
        from mien.faces.contact_sheets import before_after
        from mien.report.previews import KEYS
        from mien.report.recipe_summary import changes
        from mien.training.preview import preview

        recipes = {net.net.name: net.recipe for net in self.config.nets} | dict(self.config.previews)
        if name not in recipes:
            raise UserError(f"{name}: the study has no such net or preview; {did_you_mean(name, list(recipes))}")
        if n < 1:
            raise UserError(f"n={n}: give the number of faces to show, from 1 on")
        opened = self._origin.placed(self.config, faces, None, "").open_faces()
        entries = recipes[name].model_dump(include=KEYS, exclude_defaults=True)
        what = fill(changes(Recipe(**entries)) or "as they are", 80)
        caption = f"{opened.name}, train, random with seed {seed}\n{what}"
        return before_after(*preview(entries, opened, seed, n), caption)

    def __repr__(self) -> str:
        return repr(self._table)

    def _repr_html_(self) -> str:
        return self._table._repr_html_()

    @property
    def _table(self) -> Table:
        """The nets, one a row."""
        title = f"Study {self.name}, seeds {', '.join(map(str, self.config.seeds))}"
        columns = (
            Column("net", "net", lead=True),
            Column("group", "group"),
            Column("layers", "layers", number=True),
            Column("recipe", "recipe"),
        )
        rows = tuple((net.net.name, net.group, len(net.net.layers), _short(net.recipe)) for net in self.config.nets)
        return Table("study", title, columns, rows)


def _short(recipe: Recipe) -> str:
    """What a recipe has other than by default: `epochs 2, augment ["flip"]`."""
    return ", ".join(f"{key} {toml_value(value)}" for key, value in recipe.changes().items())
