"""The house's rules, read off the source: which way imports go, what starting costs, what is never done."""

import ast
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from house import BEGIN, END, House, as_markdown, circles, imported, with_map
from packaging.requirements import Requirement
from vocabulary import banned_names, banned_phrases, count

from mien.extras import EXTRAS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "mien"
MODULES = sorted(SOURCE.rglob("*.py"))

ORDER = (
    *("errors", "extras", "frames", "html_tables", "notebook_figure", "studies", "process", "compiled", "disk"),
    *("faces", "nets", "augmentation", "runs", "model_files", "training"),
    *("study", "report", "track", "export", "predict", "explain", "evaluation", "api", "mien", "serve", "cli"),
    "__main__",
)
"""The parts of the house from the bottom up: none imports one that stands later. `mien` is its Python face."""

HEAVY = {"torch", "numba", "matplotlib", "sklearn", "scipy", "pandas", "cleanlab", "optuna", "ray", "onnx", "rich"}
"""What takes long to load; a function that needs it imports it."""

ALLOWED = tomllib.loads((ROOT / "tests" / "allowed.toml").read_text(encoding="utf-8"))
"""What should not be there and is still left, with reasons."""

LONGEST = 300
"""Lines that a file of the source may have, where allowed.toml does not say otherwise."""


@pytest.fixture(scope="module")
def house() -> House:
    return House()


LOADING = {"weights_only", "allow_pickle"}
"""Options by which numpy and torch unpickle or refuse to."""

TEXT_MODES = [["r"], ["w"], ["a"], ["x"], ["r+"], ["w+"], ["a+"]]


@cache
def parsed(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def loads(*modules: str) -> set[str]:
    """Top-level modules that a fresh Python has after importing `modules`, beyond the standard library's."""
    code = f"import sys; before = set(sys.modules); import {', '.join(modules)}; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names


def modules_of(package: str) -> list[str]:
    """Dotted names of a package's modules; faces.csv_kernel, which is compiled, apart."""
    files = [path.relative_to(SOURCE.parent).with_suffix("") for path in (SOURCE / package).rglob("*.py")]
    return [".".join(file.parts).removesuffix(".__init__") for file in files if file.name != "csv_kernel"]


def without_encoding(path: Path) -> Iterator[str]:
    """Where a file reads or writes text in what the system takes for its encoding: UTF-8 here, cp1252 on Windows."""
    for call in (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
        is_member = isinstance(call.func, ast.Attribute)
        mode = [ast.literal_eval(node) for node in call.args[not is_member :][:1] if isinstance(node, ast.Constant)]
        as_text = {
            "read_text": is_member,  # disk.read_text and disk.write_text are functions, and know
            "write_text": is_member,
            "open": mode in TEXT_MODES if is_member else "b" not in str(mode),
        }
        if as_text.get(name) and "encoding" not in {option.arg for option in call.keywords}:
            yield f"{path}:{call.lineno}"


def test_every_part_has_its_place(house: House) -> None:
    assert sorted(house.packages) == sorted(ORDER)


def test_no_import_runs_up(house: House) -> None:
    assert house.upward(ORDER) == []
    assert house.package_circles() == []


def test_no_circle_of_modules(house: House) -> None:
    assert house.circles() == []


def test_a_circle_is_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}}) == [["b", "c"], ["d"]]


def test_an_import_inside_a_function_is_seen(tmp_path: Path) -> None:
    package = tmp_path / "src" / "mien"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "errors.py").write_text("def f():\n    from mien.disk import x\n", encoding="utf-8")
    (package / "disk.py").write_text("from mien import __version__\nimport mien.errors\n", encoding="utf-8")
    house = House(tmp_path)
    assert house.package_circles() == [["disk", "errors"]]
    assert house.upward(["mien", "errors", "disk"]) == ["src/mien/errors.py:2 imports mien.disk"]


def test_the_map_in_contributing_is_the_house_as_it_is(house: House) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert text == with_map(text, house), "the map is out of date; run: python -m tests.house --write"
    assert as_markdown(house).startswith(BEGIN)
    assert as_markdown(house).endswith(END)


@pytest.mark.parametrize("package", ["faces", "runs", "model_files", "predict", "serve"])
def test_what_serves_starts_without_torch(package: str) -> None:
    if package == "serve":
        pytest.importorskip("fastapi", reason="the extra serve is not installed")
    assert loads(*modules_of(package)) & HEAVY == set()


def test_every_module_of_faces_but_the_kernel_needs_numpy_alone() -> None:
    assert loads(*modules_of("faces")) - loads("numpy", "numpy.random") == {"mien"}


def test_public_signatures_say_what_they_hold(house: House) -> None:
    assert sorted(house.loose_signatures()) == sorted(ALLOWED["loose_signatures"]), "give it a type, or take it off"


def test_banned_words_do_not_come_back() -> None:
    names, phrases = count(ROOT)
    assert +names == Counter(ALLOWED["banned_names"]), "python -m tests.vocabulary lists them"
    assert +phrases == Counter(ALLOWED["banned_phrases"]), "python -m tests.vocabulary lists them"


def test_a_banned_word_is_seen_in_every_kind_of_name(tmp_path: Path) -> None:
    file = tmp_path / "judge.py"
    file.write_text(
        "import a as told\nclass Asked: pass\ndef f(kept, *, right): self.isFound = left_eye = right_eye\n",
        encoding="utf-8",
    )
    assert sorted(banned_names(file)) == ["Asked", "isFound", "judge", "kept", "right", "told"]


def test_a_banned_phrase_is_seen_in_comments_and_strings(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text('told = 1  # is told\nx = f"""the best\nin the\nbox"""\n', encoding="utf-8")
    assert list(banned_phrases(file)) == [(1, "told"), (3, "in the\nbox")]


def test_the_command_line_loads_nothing_but_typer_and_itself() -> None:
    assert loads("mien.cli") - loads("typer") == {"mien"}


def test_nothing_is_unpickled_and_no_text_is_run() -> None:
    unpicklers = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    wrong = []
    for path in MODULES:
        tree = parsed(path)
        wrong += [
            f"{path}:{line} imports {name}" for line, name, _ in imported(tree) if name.split(".")[0] in unpicklers
        ]
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            options = [ast.unparse(option) for option in call.keywords if option.arg in LOADING]
            # torch's reader of plain tensors is no unpickler: it knows tensors and refuses everything else.
            if ast.unparse(call.func) == "torch.load" and "weights_only=True" in options:
                continue
            if "allow_pickle=True" in options or ast.unparse(call.func) in {"eval", "exec", "torch.load", "__import__"}:
                wrong.append(f"{path}:{call.lineno} calls {ast.unparse(call)}")
    assert wrong == []


def test_text_is_utf_8_wherever_it_is_read_or_written() -> None:
    scripts = (path for folder in ("src", "tests", "benchmarks", "docs") for path in (ROOT / folder).rglob("*.py"))
    assert [where for path in scripts for where in without_encoding(path)] == []


def test_text_without_an_encoding_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(
        'a.read_text()\na.write_text(b)\na.open("r")\nopen(a)\na.open("rb")\nImage.open(a)\n', encoding="utf-8"
    )
    assert list(without_encoding(file)) == [f"{file}:{line}" for line in (1, 2, 3, 4)]


def test_files_can_be_read_in_one_sitting() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    names = {path: path.relative_to(SOURCE).as_posix() for path in MODULES}
    assert {names[path]: lines[path] for path in MODULES if lines[path] > LONGEST} == ALLOWED["lines"]
    scripts = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    assert [path for path in scripts if len(path.read_text(encoding="utf-8").splitlines()) > 400] == []


def test_modules_are_named_by_what_they_hold() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    assert not [path for path in MODULES if vague & {*path.relative_to(SOURCE).with_suffix("").parts}]


def test_the_pinned_torch_is_one_that_mien_takes() -> None:
    pin = Requirement((ROOT / "requirements" / "torch.txt").read_text(encoding="utf-8").strip())
    (wanted,) = (one for one in requirements("train") if one.name == "torch")
    assert wanted.specifier.contains(str(pin.specifier).removeprefix("=="))


MODULE_OF = {"mlflow-skinny": "mlflow"}
"""The modules of packages that are named otherwise."""


def requirements(extra: str) -> list[Requirement]:
    """What pyproject.toml lists for an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(text) for text in project["optional-dependencies"][extra]]


def test_messages_know_every_module_that_an_extra_brings() -> None:
    modules = {
        extra: sorted(
            MODULE_OF.get(one.name, one.name.replace("-", "_")) for one in requirements(extra) if one.name != "mien"
        )
        for extra in EXTRAS
    }
    assert modules == {extra: sorted(names) for extra, names in EXTRAS.items()}
    (everything,) = requirements("all")
    assert everything.extras == {*EXTRAS}


def test_every_locked_package_has_hashes() -> None:
    for lock in ("lock.txt", "bench.txt"):
        text = (ROOT / "requirements" / lock).read_text(encoding="utf-8").replace("\\\n", "")
        pins = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
        assert pins
        assert all("==" in pin and "--hash=sha256:" in pin for pin in pins)
        assert not [pin for pin in pins if pin.startswith(("torch==", "nvidia"))]
