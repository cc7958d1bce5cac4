"""Run the notebooks of this repository, and keep what they show small and the same on every machine.

From the repository root, `python -m tests.run_notebooks` runs every notebook and writes it with its outputs;
names of files run those alone.
"""

import argparse
import os
import re
import tempfile
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

WIDEST = 480
"""Pixels of a picture that a notebook holds."""


def run(path: Path, folder: Path, cache: Path | None = None, timeout: int = 600) -> Any:
    """Run a notebook in a folder, by this Python and the source of this checkout; a cell's error is raised.

    Args:
        path: of the notebook; it is not changed.
        folder: where it runs, and writes what it writes.
        cache: mien's, with the weights of backbones; None: the user's own.
        timeout: the most seconds for a cell.

    Returns:
        the notebook with its outputs.
    """
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    before = os.environ.copy()
    os.environ |= {"PYTHONPATH": str(ROOT / "src"), "GOMP_SPINCOUNT": "100"}
    os.environ |= {"MIEN_CACHE": str(cache)} if cache else {}
    try:
        NotebookClient(
            notebook,
            timeout=timeout,
            kernel_name="python3",
            record_timing=False,
            resources={"metadata": {"path": str(folder)}},
        ).execute()
    finally:
        os.environ.clear()
        os.environ |= before
    return notebook


def strip(notebook: Any, folder: Path) -> None:
    """Remove what differs from machine to machine, as paths, versions and progress bars; make pictures small."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [one for one in joined(cell.outputs) if not is_bar(one)]
            for output in cell.outputs:
                shrink(output.get("data", {}))
                for holder in (output, output.get("data", {})):
                    for key, text in holder.items():
                        if isinstance(text, str):
                            holder[key] = re.sub(rf"{re.escape(str(folder))}/?", "", text)


def joined(outputs: list[Any]) -> list[Any]:
    """Outputs without stderr; what is printed, without progress bars, in one piece."""
    result: list[Any] = []
    for output in outputs:
        if output.output_type != "stream":
            result.append(output)
        elif output.name == "stdout":
            lines = [line.rpartition("\r")[2] for line in output.text.splitlines(keepends=True)]
            text = "".join(line for line in lines if line.strip() and not re.match(r"\s*\d+%\|", line))
            if result and result[-1].output_type == "stream":
                result[-1].text += text
            else:
                result.append(nbformat.v4.new_output("stream", name="stdout", text=text))  # type: ignore[no-untyped-call]
    return [one for one in result if one.output_type != "stream" or one.text.strip()]


def is_bar(output: Any) -> bool:
    """Whether an output is the state of a progress bar, which means nothing without its kernel."""
    return "application/vnd.jupyter.widget-view+json" in output.get("data", {})


def shrink(data: dict[str, str]) -> None:
    """Keep one form of a picture: a JPEG at most `WIDEST` wide, or a PNG, in 256 colours where that is smaller."""
    if "image/jpeg" in data:
        data.pop("image/png", None)
        content = BytesIO()
        with Image.open(BytesIO(b64decode(data["image/jpeg"]))) as image:
            image.thumbnail((WIDEST, image.height))
            image.save(content, "jpeg", quality=80)
        data["image/jpeg"] = b64encode(content.getvalue()).decode()
    if "image/png" in data:
        content = BytesIO()
        with Image.open(BytesIO(b64decode(data["image/png"]))) as image:
            image.convert("RGB").quantize(256).save(content, "png", optimize=True)
        data["image/png"] = min(data["image/png"], b64encode(content.getvalue()).decode(), key=len)


def main() -> None:
    """Run the notebooks that are named, or all, and write their outputs into them."""
    parser = argparse.ArgumentParser(prog="python -m tests.run_notebooks", description="Run notebooks, write outputs.")
    parser.add_argument("paths", nargs="*", type=Path, default=NOTEBOOKS)
    for path in parser.parse_args().paths:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name).resolve()
            notebook = run(path, folder)
            strip(notebook, folder)
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
