"""Extras: what is said where a package of one is missing."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from mien import cli, extras
from mien.errors import UserError
from mien.extras import MissingExtraError, explained, install_command, require

WITHOUT_TRAIN = """
import sys
for name in ("torch", "numba", "optuna"):
    sys.modules[name] = None
sys.argv = ["mien", *sys.argv[1:]]
from mien.cli import main
main()
"""


def mien_without_torch(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TRAIN, *words], capture_output=True, text=True, encoding="utf-8"
    )


def test_a_verb_without_its_extra_says_how_to_install_it_in_one_line() -> None:
    done = mien_without_torch("study", "no such file")
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("mien: mien study needs the extra mien[train]; missing here: torch, numba, optuna; install")
    assert f"{sys.executable} -m pip install" in line
    assert "mien[train]" in line


def test_its_help_and_what_needs_no_torch_still_work() -> None:
    assert mien_without_torch("study", "--help").returncode == 0
    assert "quick" in mien_without_torch("studies").stdout


def test_an_import_that_fails_later_becomes_the_same_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise ModuleNotFoundError("No module named 'optuna'", name="optuna.pruners")

    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert capsys.readouterr().err.startswith("mien: this command needs the extra mien[train]; missing here: optuna; ")


def test_other_failed_imports_are_bugs() -> None:
    assert explained(ModuleNotFoundError("No module named 'nothing'", name="nothing")) is None
    assert explained(ModuleNotFoundError("No module named 'torch.gone'", name="torch.gone")) is None  # torch is here


def test_python_gets_the_message_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("mien.training")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(
        MissingExtraError, match=r"^training needs the extra mien\[train\]; missing here: torch;"
    ) as error:
        from mien.training.loop import fit  # noqa: F401
    assert isinstance(error.value, UserError)
    assert isinstance(error.value, ImportError)


def test_what_is_installed_is_enough() -> None:
    require("train", "this")


def test_a_checkout_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "distribution", not_installed)
    checkout = Path(__file__).parents[1].as_uri()
    assert install_command("serve").endswith(f"-m pip install 'mien[serve] @ {checkout}'")
