"""The processor's name on each system."""

import sys
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from mien.runs import environment


@pytest.fixture(autouse=True)
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "torch", None)


def test_the_processor_of_windows_stands_in_its_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = SimpleNamespace(
        HKEY_LOCAL_MACHINE="machine",
        OpenKey=lambda root, path: nullcontext(f"{root}: {path}"),
        QueryValueEx=lambda key, name: (f"{key}: {name} ", 1),
    )
    monkeypatch.setitem(sys.modules, "winreg", registry)
    monkeypatch.setattr(sys, "platform", "win32")
    place = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    assert environment.processor() == f"machine: {place}: ProcessorNameString"


def test_sysctl_names_the_processor_of_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **options: object) -> SimpleNamespace:
        assert command == ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return SimpleNamespace(stdout="Apple M1\n")

    monkeypatch.setattr(environment.subprocess, "run", run)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert environment.processor() == "Apple M1"


def test_a_processor_that_the_system_cannot_name_is_called_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.Path, "read_text", lambda *path, **options: "processor: 0\nBogoMIPS: 50\n")
    monkeypatch.setattr(environment.platform, "processor", lambda: "")
    monkeypatch.setattr(environment.platform, "machine", lambda: "aarch64")
    assert environment.processor() == "aarch64"
