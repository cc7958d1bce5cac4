"""A run's configuration: everything that was decided before it was trained, as its run.json has it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter

from mien import __version__
from mien.disk import read_json, write_json
from mien.errors import UserError
from mien.faces import Faces
from mien.nets import Net
from mien.runs.environment import Machine
from mien.runs.files import cached_by_stamp, reported_damage, retrain
from mien.runs.former_names import current_names
from mien.runs.recipe import Recipe

FORMAT = 1
"""Of run.json."""

CONFIG = "run.json"

Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class FacesRecord:
    """What a run's file says of the faces that it is trained on.

    Attributes:
        name: of their source.
        fingerprint: SHA-256 of all pixels, labels, splits and votes, in hex.
        size: side of a face in pixels.
        classes: the emotions, in the order of their labels.
        counts: faces by split and emotion.
        left_out: faces that were not taken, by reason and split.
    """

    name: str
    fingerprint: str
    size: int
    classes: tuple[str, ...]
    counts: Counts
    left_out: Counts = field(default_factory=dict)

    @classmethod
    def of(cls, faces: Faces) -> "FacesRecord":
        """The record of a set of faces."""
        return cls(faces.name, faces.fingerprint, faces.size, faces.classes, faces.counts(), faces.left_out)


@dataclass(frozen=True, kw_only=True)
class BackboneRecord:
    """What a run's file says of the net's backbone and its published weights (see `mien.nets.backbones.catalog`).

    Attributes:
        name: its layer word; of a model of timm `timm/NAME`.
        paper: where it is described.
        mean, std: of the pixels it was trained on, red, green and blue in 0..1.
        size, channels: of the images it was trained on; size in pixels.
        features: values that it gives for a face.
        licence, source: of the weights.
        file, bytes, sha256, url: the file of weights, its size, its SHA-256 in hex, and where it is published.
    """

    name: str
    paper: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    size: int = 0
    channels: int = 0
    features: int = 0
    licence: str = ""
    source: str = ""
    file: str = ""
    bytes: int = 0
    sha256: str
    url: str = ""


def _current_recipe(entries: Any) -> Any:
    return current_names(entries) if isinstance(entries, Mapping) else entries


@dataclass(frozen=True)
class RunConfig:
    """Everything that was decided before a run was trained.

    Attributes:
        net: its layers, with their hyper-parameters bound.
        backbone: of the net; None where it has none.
        recipe: how it is trained.
        seed: of weights, data order and dropout.
        faces: that it is trained on.
        versions: of the software, by name.
        machine: that it was created, or trained, on.
        created: when (ISO time, UTC).
    """

    net: Net
    backbone: BackboneRecord | None
    recipe: Annotated[Recipe, BeforeValidator(_current_recipe)]
    seed: int
    faces: FacesRecord
    versions: Mapping[str, str]
    machine: Machine
    created: str

    def to_dict(self) -> dict[str, object]:
        """As run.json holds it."""
        return {
            "format": FORMAT,
            "net": self.net.to_dict(),
            "backbone": asdict(self.backbone) if self.backbone else None,
            "recipe": self.recipe.model_dump(),
            "seed": self.seed,
            "faces": asdict(self.faces),
            "versions": dict(self.versions),
            "machine": asdict(self.machine),
            "created": self.created,
        }


_ADAPTER = TypeAdapter(RunConfig)


@cached_by_stamp(8192)
def read_config(path: Path) -> RunConfig:
    """Read a run.json.

    Raises:
        UserError: it is damaged, or of another format.
    """
    with reported_damage(path, retrain(path.parent)):
        record = read_json(path)
        if not isinstance(record, dict) or "format" not in record:
            raise ValueError("it names no format")
        if record["format"] != FORMAT:
            raise UserError(
                f"{path.parent}: written in format {record['format']}, this is mien {__version__} and reads format "
                f"{FORMAT}"
            )
        return _ADAPTER.validate_python({"backbone": None} | record)


def write_config(folder: Path, config: RunConfig) -> None:
    """Write a run's run.json."""
    write_json(folder / CONFIG, config.to_dict())
