"""Compare: an exported file, opened again, beside torch on the same faces; and what it must hold to be kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien.errors import UserError
from mien.export.graph import batches
from mien.model_files.facts import INPUT, OUTPUT
from mien.model_files.reference import TOLERANCE
from mien.model_files.session import open_session

Precision = Literal["float32", "float16", "int8"]
"""What a file's weights are kept in."""

LARGEST = 1e-4
"""By so much may a probability of a float32 file differ from torch's. Answers then differ only where two are tied."""

LOST = 0.003
"""So much accuracy may a float16 or int8 file lose on validation, a share of its faces."""


@dataclass(frozen=True)
class Agreement:
    """How an exported file agrees with torch in float32 on validation.

    Attributes:
        faces: that were compared.
        same: the share of them to which both give the same answer, 0..1.
        largest: difference of a probability.
        accuracy, torch_accuracy: the file's and torch's, 0..1.
        kernels: by how much a probability differs, at most, from what the file says where it is computed in float32;
            so far may processors be from each other. 0 where it is computed in float32 anyway.
    """

    faces: int
    same: float
    largest: float
    accuracy: float
    torch_accuracy: float
    kernels: float = 0.0

    @property
    def lost(self) -> int:
        """How many faces fewer the file has right than torch."""
        return round((self.torch_accuracy - self.accuracy) * self.faces)


def probabilities(path: Path, images: NDArray[np.uint8], optimised: bool = True) -> NDArray[np.float32]:
    """What a model file says of images uint8 [N, H, W], computed by onnxruntime -> [N, K].

    Args:
        path: of the file.
        images: faces.
        optimised: False: int8 is computed in float32, on every processor alike, slowly.
    """
    session = open_session(path, optimised=optimised)
    return np.concatenate([session.run([OUTPUT], {INPUT: part})[0] for part in batches(np.asarray(images))])


def agreement(said: NDArray[np.float32], torch_said: NDArray[np.float32], labels: NDArray[np.uint8]) -> Agreement:
    """Compare what a file and what torch say of the same faces: float32 [N, K] each, and the truth, uint8 [N]."""
    answers, torch_answers = said.argmax(1), torch_said.argmax(1)
    return Agreement(
        faces=len(labels),
        same=float(np.mean(answers == torch_answers)),
        largest=float(np.abs(said - torch_said).max()),
        accuracy=float(np.mean(answers == labels)),
        torch_accuracy=float(np.mean(torch_answers == labels)),
    )


def refuse(found: Agreement, precision: Precision) -> None:
    """Raise a UserError where a file of this precision differs from torch by more than it may."""
    if precision == "float32":
        # Not <=: a NaN must not pass.
        if not found.largest <= LARGEST:
            raise UserError(
                f"not exported: on {found.faces:,} validation faces a probability differs from torch's by "
                f"{found.largest:.2g}, more than {LARGEST:g}; the same answer on {found.same:.2%}"
            )
    elif not found.kernels <= TOLERANCE:
        raise UserError(
            f"not exported: on this processor a probability in int8 differs by {found.kernels:.2g} from what the same "
            f"file says in float32, more than {TOLERANCE:g}; leave out --int8"
        )
    elif found.lost > LOST * found.faces or not np.isfinite(found.largest):
        raise UserError(
            f"not exported: in {precision} the validation accuracy is {found.accuracy:.2%}, in float32 "
            f"{found.torch_accuracy:.2%}; no more than {100 * LOST:g} points may be lost; leave out --int8 or --fp16"
        )
