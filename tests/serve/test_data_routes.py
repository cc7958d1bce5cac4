"""The routes of data: counts, pictures, audit, doubtful labels."""

import json
from io import BytesIO
from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from studied import PLANTED, gray_faces

from mien.faces import read_packed
from mien.faces.audit import audit
from mien.serve.data_routes import sprite

KEY = gray_faces().fingerprint[:10]


def evaluated_run(study: Path, net: str = "strong") -> str:
    return next(f"small/{path.name}" for path in sorted((study / "runs").iterdir()) if path.name.startswith(net))


def test_the_sets_that_studies_are_trained_on(study: Path, client: TestClient) -> None:
    (content,) = client.get("/v1/data").json()["data"]
    faces = gray_faces()
    assert (content["data"], content["fingerprint"], content["size"]) == (KEY, faces.fingerprint, 48)
    assert content["counts"] == faces.counts()
    assert content["studies"] == ["small"]
    shares = [one["validation_accuracy"] for one in content["evaluated"]]
    assert len(shares) == 4
    assert shares == sorted(shares, reverse=True)


def test_random_faces_of_a_split_and_emotion(study: Path, client: TestClient) -> None:
    faces = gray_faces()
    query = {"split": "validation", "emotion": "happy", "count": 4, "seed": 1}
    content = client.get(f"/v1/data/{KEY}/faces", params=query).json()
    assert content["matches"] == faces.counts()["validation"]["happy"]
    assert len({face["row"] for face in content["faces"]}) == 4
    for face in content["faces"]:
        assert (face["split"], face["label"]) == ("validation", "happy")
        assert faces.classes[faces.labels[face["row"]]] == "happy"
        assert face["place"] == face["row"] - 70
    assert client.get(f"/v1/data/{KEY}/faces", params=query).json() == content
    assert client.get(f"/v1/data/{KEY}/faces", params=query | {"seed": 2}).json() != content
    answer = client.get(f"/v1/data/{KEY}/faces", params={"emotion": "hapy"})
    assert (answer.status_code, "did you mean 'happy'" in answer.json()["detail"]) == (422, True)


def test_a_sprite_holds_the_faces_in_their_order(study: Path, client: TestClient) -> None:
    rows = [5, 3, 99, 0, 1, 2, 4, 6, 174]
    answer = client.get(f"/v1/data/{KEY}/faces.png", params={"rows": ",".join(map(str, rows))})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    picture = np.asarray(Image.open(BytesIO(answer.content)))
    assert picture.shape == (2 * 48, 8 * 48)
    images = gray_faces().images
    for at, row in enumerate(rows):
        top, left = at // 8 * 48, at % 8 * 48
        assert np.array_equal(picture[top : top + 48, left : left + 48], images[row])
    assert not picture[48:, 48:].any()


def test_a_sprite_of_few_faces_is_as_wide_as_they_are() -> None:
    assert Image.open(BytesIO(sprite(gray_faces(), [7, 8]))).size == (96, 48)


@pytest.mark.parametrize("rows", ["", "1,", "-1", "1.5", "175", "0,999999999", ",".join(["1"] * 201), "1 2"])
def test_rows_that_are_none_are_refused(study: Path, client: TestClient, rows: str) -> None:
    assert client.get(f"/v1/data/{KEY}/faces.png", params={"rows": rows}).status_code == 422


def test_the_audit_is_that_of_mien_faces_audit(study: Path, client: TestClient) -> None:
    content = client.get(f"/v1/data/{KEY}/audit").json()
    faces = read_packed(Path(json.loads((study / "faces.json").read_text(encoding="utf-8"))["source"][0]))
    assert content["audit"] == json.loads(json.dumps(audit(faces).to_dict()))
    (leak,) = [one for one in content["examples"] if one["wrong"] == "test image that is also in train"]
    assert [face["row"] for face in leak["faces"]] == [0, 174]


def test_the_most_doubtful_label_is_the_planted_one(study: Path, client: TestClient) -> None:
    query = {"run": evaluated_run(study), "count": 5}
    content = client.get(f"/v1/data/{KEY}/doubtful", params=query).json()
    assert content["evaluated"] == 70
    assert 1 <= content["doubtful"] == content["matches"] < 35
    first, labels = content["shown"][0], gray_faces().split("validation").labels
    classes = gray_faces().classes
    assert first["face"]["place"] == PLANTED
    assert first["face"]["label"] == classes[labels[PLANTED]]
    assert first["predicted"] == classes[(labels[PLANTED] + 1) % 7]
    assert first["quality"] < 0.01
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    qualities = [one["quality"] for one in content["shown"]]
    assert qualities == sorted(qualities)
    assert sum(pair["count"] for pair in content["pairs"]) == content["doubtful"]


def test_doubtful_labels_are_chosen_by_label_and_prediction_and_paged(study: Path, client: TestClient) -> None:
    def ask(**more: object) -> dict:
        query = {"run": evaluated_run(study, "weak"), **more}
        return client.get(f"/v1/data/{KEY}/doubtful", params=query).json()

    pair = ask()["pairs"][0]
    chosen = ask(label=pair["label"], predicted=pair["predicted"])
    assert chosen["matches"] == len(chosen["shown"]) == pair["count"]
    assert {(one["face"]["label"], one["predicted"]) for one in chosen["shown"]} == {(pair["label"], pair["predicted"])}
    whole = ask(count=6)["shown"]
    assert ask(count=3)["shown"] + ask(count=3, first=3)["shown"] == whole


def test_what_is_not_there_or_does_not_fit_is_a_problem(study: Path, client: TestClient) -> None:
    for path, status, word in (
        ("0123456789/faces", 404, "GET /v1/data"),
        ("../faces", 404, ""),
        (f"{KEY}/doubtful?run=small/none-1", 404, "none-1"),
        (f"{KEY}/doubtful?run=none", 404, "none"),
    ):
        answer = client.get(f"/v1/data/{path}")
        assert (answer.status_code, word in answer.json()["detail"]) == (status, True), path
    file = study / "runs" / evaluated_run(study).split("/")[1] / "run.json"
    file.write_text(file.read_text(encoding="utf-8").replace(KEY, "0" * 10), encoding="utf-8")
    answer = client.get(f"/v1/data/{KEY}/doubtful", params={"run": evaluated_run(study)})
    assert (answer.status_code, "was not evaluated" in answer.json()["detail"]) == (409, True)


def test_faces_that_are_gone_or_were_changed_are_a_problem(study: Path, client: TestClient, tmp_path: Path) -> None:
    facts = json.loads((study / "faces.json").read_text(encoding="utf-8"))
    (study / "faces.json").write_text(json.dumps(facts | {"source": [str(tmp_path / "gone")]}), encoding="utf-8")
    answer = client.get(f"/v1/data/{KEY}/faces")
    assert (answer.status_code, "no such file" in answer.json()["detail"]) == (409, True)
    (study / "faces.json").write_text(json.dumps(facts | {"fingerprint": "f" * 64}), encoding="utf-8")
    answer = client.get(f"/v1/data/{'f' * 10}/faces")
    assert (answer.status_code, "other faces" in answer.json()["detail"]) == (409, True)
    rmtree(study)
    assert client.get(f"/v1/data/{KEY}/faces").status_code == 404
