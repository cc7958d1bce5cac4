"""Every way into mien, in a fresh home and with the network refused: no connection, no name looked up, no file left."""

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]

PATIENCE = 3
"""Seconds for which an entry goes on after its work: a library that sends does so in the background."""

FOREIGN = ("XDG_", "ORT_", "RAY_", "HF_", "MLFLOW_", "PYTEST_", "CI")
"""How variables begin that an entry is not given: the last two would make MLflow behave as in a test of its own."""

STUDY = """
name = "small"
data.source = "drawn:200"
recipe = { epochs = 1, batch = 50, precision = "float32" }
[nets.small]
layers = ["conv(4)", "relu", "pool(4)", "flatten", "classes"]
[nets.searched]
layers = ["flatten", "dense(width)", "relu", "classes"]
tune = { trials = 2, space = { width = [4, 8] } }
"""


class Entry:
    """Runs Python words in a fresh home and tells what they tried."""

    def __init__(self, shim: Path, folder: Path) -> None:
        self.home, self.calls, self.work = folder / "home", folder / "calls", folder / "work"
        self.home.mkdir()
        self.work.mkdir()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self.environment = inherited | {
            "HOME": str(self.home),
            "LD_PRELOAD": str(shim),
            "MIEN_CACHE": str(folder / "cache"),
            "MPLCONFIGDIR": str(folder / "matplotlib"),  # its list of fonts, which it keeps on this machine
            "NETWORK_CALLS": str(self.calls),
        }

    def run(self, *words: str, timeout: float = 300) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.work,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tried(self) -> list[str]:
        """Every connection, name and file of the home."""
        calls = self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []
        return calls + [str(path.relative_to(self.home)) for path in self.home.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that refuses the network."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("refusing the network to native code needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("shim") / "refused.so"
    source = Path(__file__).with_name("refused.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library


@pytest.fixture
def entry(shim: Path, tmp_path: Path) -> Entry:
    """A fresh home."""
    return Entry(shim, tmp_path)


def code(*lines: str) -> tuple[str, str]:
    """Words that run lines of Python and then wait for what sends in the background."""
    return "-c", "\n".join((*lines, "import time", f"time.sleep({PATIENCE})"))


def test_the_test_sees_native_code_that_looks_up_and_connects(entry: Entry) -> None:
    entry.run(
        "-c",
        "import socket, contextlib\n"
        "with contextlib.suppress(OSError): socket.socket().connect(('192.0.2.1', 80))\n"
        "with contextlib.suppress(OSError): socket.getaddrinfo('example.invalid', 80)\n"
        "with contextlib.suppress(OSError): socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 80))\n",
    )
    assert entry.tried() == ["connect 192.0.2.1", "look up example.invalid", "send 192.0.2.1"]


def test_the_command_sends_nothing(entry: Entry) -> None:
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(entry.work / "photo.png")
    assert "correct on this machine" in entry.run("-m", "mien", "models", "check", "fast")
    entry.run("-m", "mien", "predict", "photo.png", "--crop", "--json")
    assert entry.tried() == []


def test_a_predictor_sends_nothing(entry: Entry) -> None:
    entry.run(
        *code(
            "import numpy, mien",
            "predictor = mien.Predictor('fast')",
            "assert len(predictor.predict(numpy.zeros((48, 48), numpy.uint8), crop=True)) == 1",
            "predictor.predict(numpy.zeros((320, 320, 3), numpy.uint8))",
        )
    )
    assert entry.tried() == []


def test_what_a_user_asks_of_onnxruntime_stays(entry: Entry) -> None:
    entry.environment["ORT_DISABLE_TELEMETRY"] = "0"
    assert entry.run("-c", "import mien, os; print(os.environ['ORT_DISABLE_TELEMETRY'])") == "0\n"


def test_the_service_sends_nothing(entry: Entry) -> None:
    pytest.importorskip("fastapi", reason="the extra serve is not installed")
    process = subprocess.Popen(
        [sys.executable, "-m", "mien", "serve", "--port", "0", "--no-open", "--model", "fast"],
        cwd=entry.work,
        env=entry.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout
        address = next(word for word in process.stdout.readline().split() if word.startswith("http://"))
        with urllib.request.urlopen(f"{address}/healthz", timeout=60) as answer:
            assert b'"check":"passed"' in answer.read()
        with urllib.request.urlopen(f"{address}/v1/data", timeout=60):
            pass
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
    finally:
        process.kill()
        process.communicate()
    assert entry.tried() == []


@pytest.mark.slow
def test_studies_exports_and_reports_send_nothing(entry: Entry) -> None:
    (entry.work / "small.toml").write_text(STUDY, encoding="utf-8")
    for words in (
        ("plan", "small.toml"),
        ("study", "small.toml"),
        ("report", "out/small"),
        ("export", "out/small", "small.onnx", "--card"),
        ("models", "check", "small.onnx"),
        ("test", "small.onnx", "--data", "drawn:60"),
        ("explain", "out/small", "-o", "explained.png"),
    ):
        entry.run("-m", "mien", *words)
    assert entry.tried() == []


@pytest.mark.slow
def test_trackers_send_nothing(entry: Entry) -> None:
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    (entry.work / "small.toml").write_text(STUDY, encoding="utf-8")
    words = ["study", "small.toml", "--track", "tensorboard", "--track", "mlflow"]
    entry.run(*code("import mien.cli", f"mien.cli.app({words!r}, standalone_mode=False)"))
    assert len(list((entry.work / "out" / "small" / "track").glob("*/*"))) > 3
    assert entry.tried() == []


@pytest.mark.slow
def test_a_study_on_ray_sends_nothing(entry: Entry) -> None:
    pytest.importorskip("ray", reason="the extra ray is not installed")
    (entry.work / "small.toml").write_text(STUDY, encoding="utf-8")
    # Ray's processes do not find each other where anything is refused. It learns this machine's address from a socket
    # that it binds to another one, over which nothing is sent.
    entry.environment["NETWORK_OPEN"] = "1"
    entry.run("-m", "mien", "study", "small.toml", "--engine", "ray")
    # The token is by which its processes know each other.
    assert set(entry.tried()) <= {"connect 8.8.8.8", "connect 2001:4860:4860::8888", ".ray/auth_token"}


@pytest.mark.slow
def test_a_benchmark_sends_nothing(entry: Entry) -> None:
    entry.run(
        *code(
            "import sys",
            f"sys.path.insert(0, {str(ROOT / 'benchmarks')!r})",
            "import io, pathlib, classifier, mien.model_files.bundled",
            "sys.stdin = io.StringIO('1 2\\n')",
            "classifier.work(pathlib.Path(mien.model_files.bundled.FOLDER) / 'fast.onnx', 1)",
        )
    )
    assert entry.tried() == []
