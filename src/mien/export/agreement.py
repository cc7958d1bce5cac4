"""Agreement: compare an exported file with torch on the same faces, and refuse it where they differ."""

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
"""How a file stores its weights."""

MAX_DIFFERENCE = 1e-4
"""The largest allowed difference of a float32 file's probability from torch's. Answers then differ only in ties."""

MAX_LOSS = 0.003
"""The largest loss of accuracy of a float16 or int8 file on validation, as a share of its faces."""


@dataclass(frozen=True)
class Agreement:
    """How an exported file agrees with torch in float32 on validation.

    Attributes:
        faces: that were compared.
        same: share of them with the same answer, 0..1.
        largest: the largest difference of a probability, 0..1.
        accuracy, torch_accuracy: the file's and torch's, 0..1.
        kernels: the largest difference of a probability computed in int8 from the same file computed in float32, which
            bounds the differences between processors; 0 for files computed in float32.
    """

    faces: int
    same: float
    largest: float
    accuracy: float
    torch_accuracy: float
    kernels: float = 0.0

    @property
    def lost(self) -> int:
        """How many fewer correct answers the file has than torch."""
        return round((self.torch_accuracy - self.accuracy) * self.faces)


def probabilities(path: Path, images: NDArray[np.uint8], optimised: bool = True) -> NDArray[np.float32]:
    """The probabilities of a model file, computed by onnxruntime: float32 [N, K].

    Args:
        path: of the file.
        images: faces, uint8 [N, H, W].
        optimised: False computes int8 in float32: slower, but equal on every processor.
    """
    session = open_session(path, optimised=optimised)
    return np.concatenate([session.run([OUTPUT], {INPUT: part})[0] for part in batches(np.asarray(images))])


def agreement(file: NDArray[np.float32], by_torch: NDArray[np.float32], labels: NDArray[np.uint8]) -> Agreement:
    """Compare the probabilities of a file and of torch on the same faces.

    Args:
        file: probabilities of the file, float32 [N, K].
        by_torch: probabilities of torch, float32 [N, K].
        labels: uint8 [N].
    """
    answers, torch_answers = file.argmax(1), by_torch.argmax(1)
    return Agreement(
        faces=len(labels),
        same=float(np.mean(answers == torch_answers)),
        largest=float(np.abs(file - by_torch).max()),
        accuracy=float(np.mean(answers == labels)),
        torch_accuracy=float(np.mean(torch_answers == labels)),
    )


def check(result: Agreement, precision: Precision) -> None:
    """Check that a file of this precision agrees with torch.

    Raises:
        UserError: it differs from torch by more than is allowed.
    """
    if precision == "float32":
        # Not <=: a NaN must not pass.
        if not result.largest <= MAX_DIFFERENCE:
            raise UserError(
                f"not exported: on {result.faces:,} validation faces a probability differs from torch's by "
                f"{result.largest:.2g}, more than {MAX_DIFFERENCE:g}; the same answer on {result.same:.2%}"
            )
    elif not result.kernels <= TOLERANCE:
        raise UserError(
            f"not exported: on this processor a probability in int8 differs by {result.kernels:.2g} from that of the "
            f"same file in float32, more than {TOLERANCE:g}; leave out --int8"
        )
    elif result.lost > MAX_LOSS * result.faces or not np.isfinite(result.largest):
        raise UserError(
            f"not exported: in {precision} the validation accuracy is {result.accuracy:.2%}, in float32 "
            f"{result.torch_accuracy:.2%}; at most {100 * MAX_LOSS:g} points may be lost; leave out --int8 or --fp16"
        )
