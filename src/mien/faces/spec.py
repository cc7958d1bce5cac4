"""One value that names a source of faces and everything that is done with them, and that opens itself."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias, Union
from weakref import WeakKeyDictionary

from mien.disk import cache_folder
from mien.errors import UserError, did_you_mean
from mien.faces.classes import check_classes
from mien.faces.clean import check_clean
from mien.faces.clean import clean as leave_out
from mien.faces.images import DEFAULT_READER, FaceReader, area_average
from mien.faces.packed import VERSION, is_packed, read_packed, write_packed
from mien.faces.source import Source, files_of, find_source, read_source
from mien.faces.types import Faces
from mien.faces.validation_split import check_share, take_validation
from mien.faces.votes import keep_agreed, label_by_majority

LABELS = ("own", "majority", "agreed")
"""The labels that faces may have: their source's own; the majority of FER+'s votes (`label_by_majority`); or the
source's where that majority agrees (`keep_agreed`)."""

READERS = 2
"""Version of the readers. It is raised when they read the same files as other faces, so that no old cache is used."""


_OPENED: dict[str, "FacesSpec"] = {}
"""By their fingerprint, how faces were opened last in this process; see `source_of`."""

_SPECS: "WeakKeyDictionary[Faces, FacesSpec]" = WeakKeyDictionary()
"""How each of these objects was opened, as equal faces may come from several sources, or by several options."""


class OtherFacesError(UserError):
    """The faces of a source are not those that were opened before."""


@dataclass(frozen=True)
class FacesSpec:
    """A set of faces: where they are, and what is done with them. Equal specs open the same faces.

    >>> from mien.faces.spec import FacesSpec
    >>> FacesSpec(("drawn:200",), size=24).open().images.shape
    (200, 24, 24)

    Attributes:
        source: a folder of packed faces; "drawn" or "drawn:2000" for the built-in faces; a csv, npz or parquet file;
            several of these, with their splits in their names or given as "train=PATH"; or a folder that holds such
            files, or images as split/emotion/*.png. FER+ votes in such a folder, fer2013new.csv, are joined.
        size: a smaller side of the images in pixels, to which they are scaled by area-averaging; None: as they are.
        votes: FER+'s file of votes to join.
        labels: the source's "own"; the "majority" of FER+'s votes: eight classes, and fewer faces; or "agreed": the
            source's, and only the faces where FER+'s majority agrees.
        clean: what to leave out of train: names in `mien.faces.clean.CLEAN`.
        classes: what classes that are numbers mean: one of `mien.faces.classes.LAYOUTS`, or a name for each number in
            their order; () where the source has names, or is FER2013 itself.
        validation: the share of train's faces, 0 to 0.5, that become the validation split, where the source has none.
    """

    source: tuple[str, ...]
    size: int | None = None
    votes: str | None = None
    labels: str = "own"
    clean: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    validation: float = 0.0

    def check(self) -> None:
        """Raise a UserError where an option is wrong for every source; the source is not read."""
        if self.labels not in LABELS:
            raise UserError(f"labels {self.labels}: {did_you_mean(self.labels, LABELS)}")
        check_clean(self.clean)
        check_classes(self.classes)
        check_share(self.validation)

    def find(self) -> Source:
        """Find the files of the source, without reading them.

        Raises:
            UserError: there is no such file or folder, or nothing in it could be faces.
        """
        return find_source(self.source, self.votes)

    def open(self) -> Faces:
        """Open the faces. Faces that are not packed are packed into a cache when they are first opened.

        `source_of` knows afterwards where they come from.

        Returns:
            Faces whose images are memory-mapped.

        Raises:
            UserError: an option is wrong, the source cannot be read or holds mistakes, or its train split lacks a
                class.
        """
        faces = self._open()
        _OPENED[faces.fingerprint] = _SPECS[faces] = self
        return faces

    def _open(self) -> Faces:
        source = self.find()
        if source.packed and self == FacesSpec(self.source, self.size):
            faces = read_packed(source.packed)
            if self.size in (None, faces.size):
                return faces
        whole, scaled = self._entries(source)
        # A size that the faces have anyway shares the entry of the faces in their own size.
        cached = _cached(whole)
        if cached is not None and self.size in (None, cached.size):
            return cached
        cached = _cached(scaled)
        if cached is not None:
            return cached
        faces = self._selected(source, DEFAULT_READER)
        entry = whole if self.size in (None, faces.size) else scaled
        faces = self._scaled(faces)
        try:
            write_packed(faces, entry)
        except UserError as error:
            raise UserError(f"{error}; MIEN_CACHE names another folder for the cache") from None
        return read_packed(entry)

    def reopen(self, fingerprint: str) -> Faces:
        """Open faces that were opened before, and check that they are the same.

        Args:
            fingerprint: of the faces when they were opened before.

        Raises:
            OtherFacesError: they are other faces now.
            UserError: the source cannot be read, or holds mistakes.
        """
        # Packed faces may have been labelled, cleaned and split when they were imported: that is not done twice.
        packed = FacesSpec(self.source, self.size)
        if self != packed and packed.find().packed:
            faces = packed.open()
            if faces.fingerprint == fingerprint:
                return faces
        faces = self.open()
        if faces.fingerprint != fingerprint:
            raise OtherFacesError(
                f"{' '.join(self.source)}: holds other faces than before: their fingerprint is "
                f"{faces.fingerprint[:10]}, not {fingerprint[:10]}"
            )
        return faces

    def read(self, reader: FaceReader = DEFAULT_READER) -> Faces:
        """Read the faces into memory, without the cache.

        Args:
            reader: makes faces of a folder's image files.

        Raises:
            UserError: an option is wrong, the source cannot be read or holds mistakes, or its train split lacks a
                class.
        """
        return self._scaled(self._selected(self.find(), reader))

    def _selected(self, source: Source, reader: FaceReader) -> Faces:
        """The faces in their own size."""
        self.check()
        faces = read_source(source, reader, self.classes)
        if self.labels == "majority":
            faces = label_by_majority(faces)
        elif self.labels == "agreed":
            faces = keep_agreed(faces)
        if self.validation:
            faces = take_validation(faces, self.validation)
        faces = leave_out(faces, self.clean)
        lacking = [emotion for emotion, count in faces.counts().get("train", {}).items() if not count]
        if lacking:
            raise UserError(
                f"{source.name}: no image of {', '.join(lacking)} in train, so no net can learn it; "
                "add some, or give folders of the other classes alone"
            )
        return faces

    def _scaled(self, faces: Faces) -> Faces:
        if self.size is None or self.size == faces.size:
            return faces
        if not 1 <= self.size < faces.size:
            raise UserError(
                f"size {self.size}: these faces are {faces.size} pixels wide, and are only ever made smaller"
            )
        return replace(faces, images=area_average(faces.images, self.size))

    def _entries(self, source: Source) -> tuple[Path, Path]:
        """The folders in the cache of the faces in their own size, and in `size`.

        Their names are hashes of the files' paths, sizes and times, or of the drawing code, and of every option.
        """
        key: list[Any] = [VERSION, READERS, source.name, source.drawn, str(source.votes)]
        key += [self.labels, *sorted(self.clean)] if self.labels != "own" or self.clean else []
        key += [self.classes, self.validation] if self.classes or self.validation else []
        if source.drawn is not None:
            code = sorted((Path(__file__).parent / "drawn").glob("*.py"))
            key += [sha256(file.read_bytes()).hexdigest() for file in code]
        key += [(str(part.path.resolve()), part.given_split) for part in source.parts]
        for file in (file for path in source.paths() for file in files_of(path)):
            status = file.stat()
            key += [(str(file.resolve()), status.st_size, status.st_mtime_ns)]
        hashes = [sha256(json.dumps([size, *key]).encode()).hexdigest() for size in (None, self.size)]
        whole, scaled = (cache_folder() / f"{source.name}-{digest[:24]}" for digest in hashes)
        return whole, scaled


def _cached(entry: Path) -> Faces | None:
    """The faces of an entry of the cache; None where there is none, or a damaged one, which will be written again."""
    try:
        return read_packed(entry) if is_packed(entry) else None
    except UserError:
        return None


Place: TypeAlias = Union[str, "os.PathLike[str]"]


def source_of(faces: Faces) -> FacesSpec | None:
    """How faces were opened in this process; None where they were not, or where some were chosen or changed since."""
    return _SPECS.get(faces) or _OPENED.get(faces.fingerprint)


def open_faces(
    source: Place | Sequence[Place],
    size: int | None = None,
    votes: Place | None = None,
    labels: str = "own",
    clean: str | Sequence[str] = (),
    classes: str | Sequence[str] = (),
    validation: float = 0.0,
) -> Faces:
    """Open faces from any source: `FacesSpec.open`. The arguments are the attributes of `FacesSpec`.

    `source` may be one path or several, as text or as `pathlib.Path`; `~` is the home folder. `clean` and `classes` may
    be one name.

    >>> import mien
    >>> faces = mien.open_faces("drawn:200", labels="own", clean=["copies", "constant"])
    >>> len(faces), faces.classes[3]
    (200, 'happy')
    >>> mien.open_faces("drawn:200", labels="agree")
    Traceback (most recent call last):
    mien.errors.UserError: labels agree: known: own, majority, agreed; did you mean 'agreed'?

    Returns:
        Faces whose images are memory-mapped.

    Raises:
        UserError: an option is wrong, the source cannot be read or holds mistakes, or its train split lacks a class.
    """
    return FacesSpec(
        source_words(source),
        size,
        None if votes is None else os.fspath(votes),
        labels,
        (clean,) if isinstance(clean, str) else tuple(clean),
        (classes,) if isinstance(classes, str) else tuple(classes),
        validation,
    ).open()


def source_words(source: Place | Sequence[Place]) -> tuple[str, ...]:
    """One path or several as `FacesSpec.source` has them.

    Raises:
        UserError: it is something else.
    """
    listed = [source] if isinstance(source, str | os.PathLike) else source
    sources: list[Place] = [*listed] if isinstance(listed, Sequence) else []
    wrong = [one for one in sources if not isinstance(one, str | os.PathLike)]
    if wrong or not isinstance(listed, Sequence):
        kind = type(wrong[0] if wrong else source).__name__
        raise UserError(f'source: found {kind}; give a path, a list of paths, or "drawn" for the built-in faces')
    return tuple(_word(one) for one in sources)


def _word(place: Place) -> str:
    """A source as a word. A path is never the word "drawn" and never has a split before it."""
    if isinstance(place, str):
        return place
    path = Path(place)
    return str(path) if path.is_absolute() or str(path).startswith("~") else f"{os.curdir}{os.sep}{path}"
