"""Parcel: a run's files as bytes, to send the run to a machine that does not see its folder, and back."""

from pathlib import Path

from mien.disk import TMP_SUFFIX, whole_file
from mien.runs.run import Run

LAST = "state.json"
"""A run that says it is finished must have its results."""

Parcel = dict[str, bytes]
"""The content of each file of a run's folder, by name."""


def pack(run: Run) -> Parcel:
    """Read a run's files."""
    files = sorted(file for file in run.folder.iterdir() if file.is_file() and not file.name.endswith(TMP_SUFFIX))
    return {file.name: file.read_bytes() for file in files}


def unpack(parcel: Parcel, folder: Path) -> Run:
    """Bring a run's folder to what was packed: each file written whole, those that it has beyond removed."""
    for name in sorted(parcel, key=lambda name: name == LAST):
        with whole_file(folder / name) as draft:
            draft.write_bytes(parcel[name])
    for file in folder.iterdir():
        if file.is_file() and file.name not in parcel:
            file.unlink()
    return Run(folder)
