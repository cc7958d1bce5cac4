"""Session: a model file opened in onnxruntime."""

from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import UserError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_ERRORS_ALONE = 3
"""onnxruntime's level of messages on stderr: its warnings, such as of removed initialisers, do not help a user."""

_SPIN = "100"
"""Microseconds for which a waiting thread spins before it sleeps; the gaps between operators are shorter. By default
onnxruntime spins much longer, which made a call two to three times slower where another program needed the core."""


def open_session(path: Path, threads: int = 0, optimised: bool = True, exact: bool = False) -> "InferenceSession":
    """Open a model file.

    Args:
        path: an ONNX file.
        threads: used by one call; 0: one for each core.
        optimised: False opens the file faster, for reading its metadata; int8 is then computed in float32.
        exact: True for int8 weights of 8 bits: on processors without VNNI their products would saturate, so slower
            kernels are used there. Elsewhere this changes nothing.

    Raises:
        UserError: the file cannot be read, or is not an ONNX file.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = _ERRORS_ALONE
    options.add_session_config_entry("session.intra_op.spin_duration_us", _SPIN)
    if exact:
        options.add_session_config_entry("session.x64quantprecision", "1")
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no public names
        raise UserError(f"{path}: not a model that onnxruntime can read: {error}") from None
