"""A photo is classified and a study is shown without torch or another heavy package, not only imported without them."""

import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from pathlib import Path
from fastapi.testclient import TestClient
import mien
from mien.serve.app import make_app
from mien.serve.server_config import ServerConfig

photo, runs, model = map(Path, sys.argv[1:])
assert len(mien.Predictor(model).predict(photo)) == 1
config = ServerConfig(runs=runs, model=str(model))
with TestClient(make_app(config), base_url="http://localhost") as client:
    def ask(path):
        response = client.get(path)
        assert response.status_code == 200, response.text
        return response.json()
    assert client.post("/v1/predict", files={"file": photo.read_bytes()}).status_code == 200
    assert ask("/v1/studies/small")["runs"] == 4
    names = [path.name for path in (runs / "small" / "runs").iterdir()]
    ask(f"/v1/studies/small/runs/{names[0]}")
    assert len(ask(f"/v1/compare?run=small/{names[0]}&run=small/{names[1]}")["runs"]) == 2
print(*sys.modules)
"""


def test_a_photo_is_classified_and_a_study_is_shown(grace: Path, study: Path, model_file: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", CODE, str(grace), str(study.parent), str(model_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "mien" in loaded
    assert loaded & {"torch", "sklearn", "matplotlib", "pandas", "optuna", "ray", "rich"} == set()
