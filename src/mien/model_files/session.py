"""Session: a model file opened in onnxruntime."""

from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import UserError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_ERRORS_ALONE = 3
"""onnxruntime's level of what it writes to stderr: warnings, as of initialisers it removes, are of no use to a user."""

_SPIN = "100"
"""Microseconds for which a thread that waits for the others spins before it sleeps: the gaps between operators are
shorter. Where another program wants the core, onnxruntime's own way, to spin on, made a call two to three times slower.
"""


def open_session(path: Path, threads: int = 0, optimised: bool = True, exact: bool = False) -> "InferenceSession":
    """Open a model file.

    Args:
        path: an ONNX file.
        threads: that one call may use; 0: one a core.
        optimised: False where the file is only to be read: opens faster; or to be computed in float32 where it is int8.
        exact: True where int8 weights have 8 bits: on processors without VNNI their products would saturate, so slower
            kernels are taken there; elsewhere this changes nothing.

    Raises:
        UserError: the file cannot be read, or is no ONNX file.
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
