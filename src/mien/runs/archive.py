"""A run's files as bytes, to send the run to a machine that does not see its folder, and back."""

from pathlib import Path

from mien.disk import TMP_SUFFIX, whole_file
from mien.runs.run import Run

LAST = "state.json"
"""A run that says it is finished must have its results."""

RunArchive = dict[str, bytes]
"""The content of each file of a run's folder, by name."""


def archive_run(run: Run) -> RunArchive:
    """Read a run's files."""
    files = sorted(file for file in run.folder.iterdir() if file.is_file() and not file.name.endswith(TMP_SUFFIX))
    return {file.name: file.read_bytes() for file in files}


def restore_run(archive: RunArchive, folder: Path) -> Run:
    """Bring a run's folder to the content of an archive: each file is written whole, other files are removed."""
    for name in sorted(archive, key=lambda name: name == LAST):
        with whole_file(folder / name) as temporary:
            temporary.write_bytes(archive[name])
    for file in folder.iterdir():
        if file.is_file() and file.name not in archive:
            file.unlink()
    return Run(folder)
