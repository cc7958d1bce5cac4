"""Which faces: one value that names a source and everything that is done with it, and that opens itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from mien.errors import UserError, did_you_mean
from mien.faces.classes import check_classes
from mien.faces.clean import check_clean
from mien.faces.clean import clean as leave_out
from mien.faces.images import READY, FaceReader, area_average
from mien.faces.packed import VERSION, is_packed, read_packed, write_packed
from mien.faces.source import Source, cache_folder, files_of, find_source, read_source
from mien.faces.types import Faces
from mien.faces.validation import check_share, take_validation
from mien.faces.votes import keep_agreed, label_by_majority

LABELS = ("own", "majority", "agreed")
"""Whose labels faces may carry: those of their source; the majority of FER+'s votes (`label_by_majority`); or the
source's where that majority says the same (`keep_agreed`)."""

READERS = 2
"""Counts up when the same files are read as other faces than before, so that no cache keeps what was read wrongly."""


@dataclass(frozen=True)
class FacesSpec:
    """A set of faces, by where they are and what is done with them; equal specs open the same faces.

    Attributes:
        source: a folder of packed faces; "drawn" or "drawn:2000" for the built-in faces; a csv, npz or parquet file;
            several of these, whose names tell their splits or which are given as "train=PATH"; or a folder that holds
            such files, or images as split/emotion/*.png. FER+ votes in such a folder, fer2013new.csv, are joined.
        size: a smaller side of the images in pixels, to which they are scaled by area-averaging.
        votes: FER+'s file of votes to join.
        labels: the source's "own"; the "majority" of FER+'s votes: eight classes, and fewer faces; or "agreed": the
            source's, of faces of which FER+'s majority says the same.
        clean: what to leave out of train, names of `mien.faces.clean.CLEAN`.
        classes: what classes that are numbers mean: one of `mien.faces.classes.LAYOUTS`, or a name for each number in
            their order; () where the source has names, or is FER2013's own.
        validation: the share of train's faces that become the validation split, where the source has none; 0: none.
    """

    source: tuple[str, ...]
    size: int | None = None
    votes: str | None = None
    labels: str = "own"
    clean: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    validation: float = 0.0

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any], source: Sequence[str] = ()) -> "FacesSpec":
        """The spec behind a study's faces.json (`to_facts`), also that of an older version.

        Args:
            facts: the file's content.
            source: where the faces are now, if not where the study found them.
        """
        return cls(
            source=tuple(source or facts.get("source", ())),
            size=facts.get("size"),
            votes=facts.get("votes"),
            labels=facts.get("labels", "own"),
            clean=tuple(facts.get("clean", ())),
            classes=tuple(facts.get("numbered_classes", ())),
            validation=facts.get("validation", 0.0),
        )

    def to_facts(self, faces: Faces) -> dict[str, Any]:
        """What a study's faces.json tells of its faces, and what `from_facts` needs to open them again.

        Args:
            faces: what this opened.
        """
        return {
            "name": faces.name,
            "source": list(self.source),
            "votes": self.votes,
            "labels": self.labels,
            "clean": list(self.clean),
            "numbered_classes": list(self.classes),
            "validation": self.validation,
            "size": faces.size,
            "fingerprint": faces.fingerprint,
            "classes": list(faces.classes),
            "counts": faces.counts(),
            "left_out": faces.left_out,
            "notes": list(faces.notes),
        }

    def check(self) -> None:
        """Raise a UserError where something cannot be asked of any source; the source is not looked at."""
        if self.labels not in LABELS:
            raise UserError(f"labels {self.labels}: {did_you_mean(self.labels, LABELS)}")
        check_clean(self.clean)
        check_classes(self.classes)
        check_share(self.validation)

    def find(self) -> Source:
        """The files that the source means, without reading them.

        Raises:
            UserError: there is no such file or folder, or nothing in it that could be faces.
        """
        return find_source(self.source, self.votes)

    def open(self) -> Faces:
        """Open the faces; what is not packed yet is packed into a cache the first time.

        Returns:
            Faces whose images are memory-mapped.

        Raises:
            UserError: the source cannot be read, or holds mistakes.
        """
        found = self.find()
        if found.packed and self == FacesSpec(self.source, self.size):
            faces = read_packed(found.packed)
            if self.size in (None, faces.size):
                return faces
        whole, scaled = self._entries(found)
        # A size that the faces have anyway changes nothing: it shares the entry of the faces as they are.
        kept = _kept(whole)
        if kept is not None and self.size in (None, kept.size):
            return kept
        kept = _kept(scaled)
        if kept is not None:
            return kept
        faces = self._selected(found, READY)
        entry = whole if self.size in (None, faces.size) else scaled
        scaled_faces = self._scaled(faces)
        try:
            write_packed(scaled_faces, entry)
        except UserError as error:
            raise UserError(f"{error}; MIEN_CACHE names another folder for the cache") from None
        return read_packed(entry)

    def read(self, reader: FaceReader = READY) -> Faces:
        """Read the faces into memory, past the cache.

        Args:
            reader: makes faces of a folder's image files.

        Raises:
            UserError: the source cannot be read, or holds mistakes, or its train split lacks one of the classes.
        """
        return self._scaled(self._selected(self.find(), reader))

    def _selected(self, found: Source, reader: FaceReader) -> Faces:
        """The faces in their own size."""
        self.check()
        faces = read_source(found, reader, self.classes)
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
                f"{found.name}: no image of {', '.join(lacking)} in train, so nothing can learn it; "
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
        return replace(faces, images=area_average(faces.images, self.size), known_fingerprint=None)

    def _entries(self, found: Source) -> tuple[Path, Path]:
        """Where the cache keeps the faces in their own size, and in `size`.

        An entry is known by the files as they lie on disk, or the drawing code, and by every option.
        """
        key: list[Any] = [VERSION, READERS, found.name, found.drawn, str(found.votes)]
        key += [self.labels, *sorted(self.clean)] if self.labels != "own" or self.clean else []
        key += [self.classes, self.validation] if self.classes or self.validation else []
        if found.drawn is not None:
            code = sorted((Path(__file__).parent / "drawn").glob("*.py"))
            key += [sha256(file.read_bytes()).hexdigest() for file in code]
        key += [(str(part.path.resolve()), part.said) for part in found.parts]
        for file in (file for path in found.paths() for file in files_of(path)):
            status = file.stat()
            key += [(str(file.resolve()), status.st_size, status.st_mtime_ns)]
        hashes = [sha256(json.dumps([size, *key]).encode()).hexdigest() for size in (None, self.size)]
        whole, scaled = (cache_folder() / f"{found.name}-{digest[:24]}" for digest in hashes)
        return whole, scaled


def _kept(entry: Path) -> Faces | None:
    """The faces of a cache's entry; None where there is none, or a damaged one, which is made anew."""
    try:
        return read_packed(entry) if is_packed(entry) else None
    except UserError:
        return None


def open_faces(
    source: str | Sequence[str],
    size: int | None = None,
    votes: str | None = None,
    labels: str = "own",
    clean: Sequence[str] = (),
    classes: Sequence[str] = (),
    validation: float = 0.0,
) -> Faces:
    """Open faces from whatever holds them: `FacesSpec.open`, whose attributes the arguments are.

    Returns:
        Faces whose images are memory-mapped.

    Raises:
        UserError: the source cannot be read, or holds mistakes.
    """
    sources = (source,) if isinstance(source, str) else tuple(source)
    return FacesSpec(sources, size, votes, labels, tuple(clean), tuple(classes), validation).open()
