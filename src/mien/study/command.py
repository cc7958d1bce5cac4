"""The command that runs a study, as a shell takes it: how to go on with one, and what its results record."""

from collections.abc import Sequence
from pathlib import Path

from mien.process import command_line
from mien.studies import bundled_name


def study_command(
    file: Path,
    data: Sequence[str] = (),
    settings: Sequence[str] = (),
    out: Path | None = None,
    device: str = "",
    engine: str = "local",
    address: str | None = None,
    track: Sequence[str] = (),
) -> str:
    """The command `mien study` with these options; one that has its default is left out.

    Args:
        file: the study file.
        data: the sources of `--data`.
        settings: the texts of `--set`.
        out: the study's folder.
        device: that stands in for every recipe's.
        engine: where runs happen.
        address: of a Ray cluster.
        track: the words of `--track`.
    """
    options = [("--data", item) for item in data] + [("--set", item) for item in settings]
    options += [("-o", str(out))] if out else []
    options += [("--device", device)] if device else []
    options += [("--engine", engine)] if engine != "local" else []
    options += [("--address", address)] if address else []
    options += [("--track", word) for word in track]
    words = [word for option in options for word in option]
    return command_line(["mien", "study", bundled_name(file) or str(file), *words])
