"""Export finished runs to model files by `mien export` in a process of its own, so that torch is not loaded here."""

import asyncio
import sys
from pathlib import Path

from mien.disk import cache_folder
from mien.errors import UserError
from mien.runs.files import stamp
from mien.runs.run import Run

WEIGHTS = "weights.safetensors"

PATIENCE = 900.0
"""Seconds that an export may take."""


class Exports:
    """Model files of finished runs, in mien's cache.

    Args:
        folder: where they lie; in the cache unless given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or cache_folder() / "served"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def busy(self) -> bool:
        """Whether a run is being exported."""
        return self._process is not None

    def file(self, run: Run) -> Path:
        """Where the model file of a run lies, or will."""
        written = stamp(run.folder / WEIGHTS) or (0, 0)
        return self._folder / f"{run.id}-{written[0]:x}.onnx"

    async def export(self, run: Run) -> Path:
        """The model file of a run, made if it is not there.

        Raises:
            UserError: `mien export` could not make it; the message is its own.
        """
        file = self.file(run)
        if file.exists():
            return file
        file.parent.mkdir(parents=True, exist_ok=True)
        words = ["export", str(run.folder), str(file), "--name", run.id, "--json"]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "mien", *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, output = await asyncio.wait_for(self._process.communicate(), PATIENCE)
            code = self._process.returncode
        except TimeoutError:
            raise UserError(f"{run.id}: exporting took more than {PATIENCE / 60:.0f} minutes") from None
        finally:
            self.close()
        if code != 0:
            lines = output.decode(errors="replace").strip().splitlines()
            raise UserError(_message(lines, code))
        return file

    def close(self) -> None:
        """Stop what is being exported."""
        if self._process and self._process.returncode is None:
            self._process.kill()
        self._process = None


def _message(lines: list[str], code: int | None) -> str:
    """The message of a failed export: the whole one of a user's mistake, of a bug the last line."""
    places = [at for at, line in enumerate(lines) if line.startswith("mien: ")]
    if places:
        return "\n".join([lines[places[-1]].removeprefix("mien: "), *lines[places[-1] + 1 :]])
    return lines[-1] if lines else f"mien export ended with exit code {code}"
