"""The house's rules, read off the source: which way imports go, what starting costs, what is never done."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "mien"
MODULES = sorted(SOURCE.rglob("*.py"))

FLOORS = [
    *({"errors", "disk", "compiled", "process"}, {"faces"}, {"nets"}, {"augmentation"}, {"runs"}, {"model_files"}),
    *({"training"}, {"study"}, {"report"}, {"export"}, {"predict"}, {"explain", "evaluation"}, {"serve"}, {"cli"}),
]
"""What stands further left is never allowed to import what stands further right."""

LIGHT = {"errors", "disk", "process", "faces", "runs", "model_files", "predict", "serve"}
"""What predicting and serving may import: all of it starts without torch."""


def floor(part: str) -> int:
    """How far right a part of the package stands; an unknown one must be given its place first."""
    return next(place for place, parts in enumerate(FLOORS) if part in parts)


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every import in a file, in functions too: (line, dotted name), with the names that `from` takes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import hides where it leads"
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def parsed(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def loads(*modules: str) -> set[str]:
    """Top-level modules that a fresh Python has after importing `modules`, beyond the standard library's."""
    code = f"import sys; before = set(sys.modules); import {', '.join(modules)}; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names


def against_the_way(own: str, tree: ast.AST) -> list[str]:
    """What the part `own` of the package imports from its right, as "line: name"."""
    inside = [(line, name.split(".")[1:]) for line, name in imported(tree) if name.split(".")[0] == "mien"]
    named = [(line, parts) for line, parts in inside if parts and not parts[0].startswith("__")]
    return [f"{line}: mien.{'.'.join(parts)}" for line, parts in named if floor(parts[0]) > floor(own)]


def test_imports_go_one_way() -> None:
    parts = [(path, path.relative_to(SOURCE).parts[0].removesuffix(".py")) for path in MODULES]
    wrong = {str(path): against_the_way(own, parsed(path)) for path, own in parts if not own.startswith("__")}
    assert {path: lines for path, lines in wrong.items() if lines} == {}


def test_a_wrong_import_is_seen_even_inside_a_function() -> None:
    source = "from mien import __version__\nfrom mien.faces import csv\ndef f():\n    from mien.cli import app\n"
    assert against_the_way("study", ast.parse(source)) == ["4: mien.cli.app"]


def test_predicting_and_serving_import_only_what_is_light() -> None:
    wrong = []
    for path in [*(SOURCE / "predict").rglob("*.py"), *(SOURCE / "serve").rglob("*.py")]:
        for line, name in imported(parsed(path)):
            package, *parts = name.split(".")
            if package == "mien" and parts and not parts[0].startswith("__") and parts[0] not in LIGHT:
                wrong.append(f"{path}:{line} imports {name}")
    assert wrong == []


def test_predicting_and_serving_start_without_torch() -> None:
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    heavy = {"torch", "matplotlib", "sklearn", "scipy", "pandas", "cleanlab", "rich"}
    assert loads("mien.predict.predictor", "mien.serve.app", "mien.serve.server") & heavy == set()


def test_every_module_of_faces_but_the_kernel_needs_numpy_alone() -> None:
    files = [path.relative_to(SOURCE.parent).with_suffix("") for path in (SOURCE / "faces").rglob("*.py")]
    names = [".".join(file.parts).removesuffix(".__init__") for file in files if file.name != "csv_kernel"]
    assert loads(*names) - loads("numpy", "numpy.random") == {"mien"}


def test_the_command_line_loads_nothing_but_typer_and_itself() -> None:
    assert loads("mien.cli") - loads("typer") == {"mien"}


def test_nothing_is_unpickled_and_no_text_is_run() -> None:
    unpicklers = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    wrong = []
    for path in MODULES:
        tree = parsed(path)
        wrong += [f"{path}:{line} imports {name}" for line, name in imported(tree) if name.split(".")[0] in unpicklers]
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            options = [ast.unparse(option) for option in call.keywords]
            # torch's reader of plain tensors is no unpickler: it knows tensors and refuses everything else.
            if ast.unparse(call.func) == "torch.load" and "weights_only=True" in options:
                continue
            if "allow_pickle=True" in options or ast.unparse(call.func) in {"eval", "exec", "torch.load", "__import__"}:
                wrong.append(f"{path}:{call.lineno} calls {ast.unparse(call)}")
    assert wrong == []


def test_files_can_be_read_in_one_sitting() -> None:
    scripts = [*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    assert [path for path in scripts if len(path.read_text(encoding="utf-8").splitlines()) > 400] == []


def test_modules_are_named_by_what_they_hold() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert not [path for path in MODULES if vague & {*path.relative_to(SOURCE).with_suffix("").parts}]


def test_torch_is_pinned_alike_wherever_it_is_named() -> None:
    pin = (ROOT / "requirements" / "torch.txt").read_text().strip()
    assert f'"{pin}"' in (ROOT / "pyproject.toml").read_text()


def test_every_locked_package_has_hashes() -> None:
    for lock in ("lock.txt", "bench.txt"):
        text = (ROOT / "requirements" / lock).read_text().replace("\\\n", "")
        pins = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
        assert pins
        assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)
        assert not [pin for pin in pins if pin.startswith(("torch==", "nvidia"))]
