"""The results file: a study's results.json, as those read it who come after the study."""

from json import JSONDecodeError
from pathlib import Path
from typing import Any

from mien.disk import read_json
from mien.errors import UserError

FORMAT = 2
"""Of results.json. In format 1, of before the first release, ensembles had no weights."""


def read_results(folder: Path) -> dict[str, Any]:
    """The content of a study's results.json, as `mien.study.collect` makes it.

    Args:
        folder: the study's.

    Raises:
        UserError: the study has not ended, or the file is damaged or of another version.
    """
    path = folder / "results.json"
    try:
        found: dict[str, Any] = read_json(path)
        written_in = found["format"]
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(
            f"{folder}: no results.json; finish the study first, with `mien study FILE -o {folder}`"
        ) from None
    except (JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise UserError(f"{path}: damaged; run the study again, it keeps its runs") from None
    if written_in != FORMAT:
        raise UserError(
            f"{path}: written in format {written_in}, this mien reads {FORMAT}; run the study again, it keeps its runs"
        )
    return found
