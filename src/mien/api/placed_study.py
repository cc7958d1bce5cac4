"""A study on its faces and in its folder: what is decided before anything of it is run."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mien.disk import user_path, write_text
from mien.errors import UserError
from mien.faces import Faces, FacesSpec, read_packed, write_packed
from mien.faces.packed import is_packed
from mien.faces.spec import source_of, source_words
from mien.runs.recipe import check_device_name
from mien.study.command import study_command
from mien.study.config.data_table import resolved
from mien.study.config.keywords import data_entries
from mien.study.config.schema import check_study
from mien.study.config.study import StudyConfig
from mien.study.config.toml_text import TomlTable, toml_text, toml_value

if TYPE_CHECKING:
    from mien.study.plan import Plan

FacesSource: TypeAlias = str | PathLike[str] | Sequence[str | PathLike[str]] | Faces
"""Faces, or where they are: a path, several of them, or "drawn"."""

OUT = Path("out")
"""Where studies have their folders, each by its name, unless another is named."""


@dataclass(frozen=True, eq=False)
class PlacedStudy:
    """A study with its faces and its folder.

    Attributes:
        config: the study; its source holds the faces.
        folder: the study's.
        file: the study file, or the one that the folder will have.
        data: sources in place of the file's own.
        settings: changes to the file's table, as `--set` takes them.
        device: that stands in for every recipe's; "": theirs.
        faces: those that it is to run on, where they are open; None: those of its source.
        packed: where `faces` have to be written before anything reads the source; None: they are there.
        notes: what there is to say of that, a sentence each.
    """

    config: StudyConfig
    folder: Path
    file: Path
    data: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    device: str = ""
    faces: Faces | None = None
    packed: Path | None = None
    notes: tuple[str, ...] = ()

    def command(self, engine: str = "local", address: str | None = None, track: Sequence[str] = ()) -> str:
        """What runs it from a shell; the arguments are those of `Study.run`."""
        out = None if self.folder == OUT / self.config.name else self.folder
        return study_command(self.file, self.data, self.settings, out, self.device, engine, address, track)

    def open_faces(self) -> Faces:
        """The faces, opened if they are not open.

        Raises:
            UserError: they cannot be read.
        """
        return self.faces if self.faces is not None else self.config.data.open()

    def make_plan(self) -> "Plan":
        """Open the faces and check that the nets fit them.

        Raises:
            UserError: they cannot be read, or a net does not fit.
        """
        from mien.study.plan import make_plan

        if self.faces is None and not self.config.data.source:
            raise UserError(f"study {self.config.name}: no faces; give them to run, or their source as data's source")
        return make_plan(self.config, self.faces)

    def write_faces(self) -> None:
        """Write the faces into the study's folder, where they have no other source.

        Raises:
            UserError: the folder holds something else than a study, or cannot be written.
        """
        from mien.study.execute import exclusive

        if self.packed is None or self.faces is None:
            return
        with exclusive(self.folder):
            if not (self.folder / "study.toml").exists():  # the folder is a study's from here on
                write_text(self.folder / "study.toml", self.config.text)
            write_packed(self.faces, self.packed)


@dataclass(frozen=True, eq=False)
class StudyOrigin:
    """What a study was made from.

    Attributes:
        name: of the file, or "Study(...)", for messages.
        table: the study's, unchecked.
        folder: from which paths in the table start.
        file: the study file; None where the table is of Python values.
        text: the file's; "" where there is none.
        settings: changes to the table, as `--set` takes them.
    """

    name: str
    table: TomlTable
    folder: Path
    file: Path | None = None
    text: str = ""
    settings: tuple[str, ...] = ()

    def check(
        self, data: Sequence[str] = (), settings: Sequence[str] = (), device: str = "", problems: Sequence[str] = ()
    ) -> StudyConfig:
        """Check the study.

        Args:
            data: sources in place of the study's own.
            settings: more changes to the table.
            device: that stands in for every recipe's; "": theirs.
            problems: mistakes that are known already.

        Raises:
            UserError: there are mistakes: all of them, each with its place.
        """
        config = check_study(self.table, self.name, self.folder, (*self.settings, *settings), data, device, problems)
        return replace(config, text=self.text)

    def placed(
        self,
        config: StudyConfig,
        faces: FacesSource | None,
        folder: str | PathLike[str] | None,
        device: str,
    ) -> PlacedStudy:
        """The study on these faces and in this folder; see `mien.api.study.Study.run`.

        Raises:
            UserError: `device` is none.
        """
        try:
            check_device_name(device or "auto")
        except ValueError as error:
            raise UserError(f"device: {error}") from None
        place = OUT / config.name if folder is None else user_path(folder)
        if not isinstance(faces, Faces):
            return self._placed(_sources(faces), [], place, device)
        spec, packed = _source(faces), None
        if spec is None:
            where = (place / "faces" / faces.fingerprint[:10]).resolve()
            spec, packed = FacesSpec((str(where),)), None if _holds(where, faces) else where
        if spec == replace(config.data, source=spec.source):
            placed = self._placed(spec.source, [], place, device)
        else:
            placed = self._placed((), [f"data={toml_value(data_entries(spec))}"], place, device)
        return replace(placed, faces=faces, packed=packed, notes=_left_out(config.data, spec))

    def _placed(self, data: Sequence[str], settings: Sequence[str], folder: Path, device: str) -> PlacedStudy:
        config = self.check(data, settings, device)
        if self.file is not None:
            changes = (*self.settings, *settings)
            return PlacedStudy(config, folder, self.file, tuple(data), changes, device)
        table = dict(self.table)
        if config.data.source:
            data_table = {"data": data_entries(config.data)}
            table = {key: table[key] for key in ("name", "seeds") if key in table} | data_table | table | data_table
        config = replace(config, text=toml_text(table), settings=())
        return PlacedStudy(config, folder, folder / "study.toml", device=device)


def _sources(faces: str | PathLike[str] | Sequence[str | PathLike[str]] | None) -> list[str]:
    """The sources in a list, as `--data` takes them."""
    return [] if faces is None else [*source_words(faces)]


def _source(faces: Faces) -> FacesSpec | None:
    """Where open faces come from; None where they came from no source as they are, or are not there any more."""
    spec = source_of(faces)
    if spec is None:
        return None
    spec = replace(
        spec,
        source=tuple(resolved(one, Path.cwd()) for one in spec.source),
        votes=spec.votes and resolved(spec.votes, Path.cwd()),
    )
    try:
        spec.reopen(faces.fingerprint)
    except UserError:
        return None
    return spec


def _left_out(data: FacesSpec, spec: FacesSpec) -> tuple[str, ...]:
    """Which keys of a study's data do not go for open faces, as a note; () where there are none."""
    taken = data_entries(spec)
    keys = [f"data.{key}" for key, value in data_entries(data).items() if key != "source" and taken.get(key) != value]
    verb = "does" if len(keys) == 1 else "do"
    return (f"{' and '.join(keys)} {verb} not go for faces that are open: these are taken as they are",) if keys else ()


def _holds(folder: Path, faces: Faces) -> bool:
    """Whether a folder holds exactly these faces, packed."""
    try:
        return is_packed(folder) and read_packed(folder).fingerprint == faces.fingerprint
    except UserError:  # they are damaged, and are written anew
        return False
