"""Photos in, faces out, over HTTP."""

import base64
import json
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from mien.cli import app as cli
from mien.predict.predictor import Predictor
from mien.predict.stream import FacePlace, Seen
from mien.predict.types import Box


def form(*photos: bytes, field: str = "file") -> list[tuple[str, tuple[str, bytes]]]:
    return [(field, (f"{number}.jpg", photo)) for number, photo in enumerate(photos)]


def assert_problem(answer: Any, status: int, words: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert words in body["detail"]
    return dict(body)


def png(width: int, height: int) -> bytes:
    file = BytesIO()
    Image.new("L", (width, height), 128).save(file, "png")
    return file.getvalue()


def test_a_photo_is_answered_as_the_predictor_does(client: TestClient, photo: bytes, model_file: Path) -> None:
    answer = client.post("/v1/predict", files=form(photo))
    assert answer.status_code == 200
    prediction = Predictor(model_file).predict(photo)
    expected = {"path": "0.jpg", "size": [256, 300], "faces": prediction.as_json()}
    assert answer.json() == {"model": "tiny", "results": [expected]}
    assert len(expected["faces"]) == 1


def test_the_answer_is_that_of_the_command_line(
    client: TestClient, photo: bytes, model_file: Path, tmp_path: Path
) -> None:
    from typer.testing import CliRunner

    file = tmp_path / "0.jpg"
    file.write_bytes(photo)
    content = json.loads(CliRunner().invoke(cli, ["predict", str(file), "--model", str(model_file), "--json"]).stdout)
    assert client.post("/v1/predict", files=form(photo)).json()["results"] == [content | {"path": "0.jpg"}]


def test_photos_in_json_are_answered_alike(client: TestClient, photo: bytes) -> None:
    sent = base64.b64encode(photo).decode()
    answer = client.post("/v1/predict", json={"images": [sent, sent]})
    (first, second) = answer.json()["results"]
    assert first == second
    assert first["path"] is None
    assert first["faces"] == client.post("/v1/predict", files=form(photo)).json()["results"][0]["faces"]


def test_photos_of_a_request_are_answered_each_for_itself_in_their_order(client: TestClient, photo: bytes) -> None:
    answer = client.post("/v1/predict", files=form(b"no image", photo, png(32, 32), photo[:2000]))
    assert answer.status_code == 200
    unknown, good, empty, broken = answer.json()["results"]
    assert "unknown kind" in unknown["error"]
    assert len(good["faces"]) == 1
    assert empty == {"path": "2.jpg", "size": [32, 32], "faces": []}
    assert "broken" in broken["error"]


def test_crops_are_classified_without_detection(client: TestClient) -> None:
    (result,) = client.post("/v1/predict?crop=true", files=form(png(60, 48))).json()["results"]
    assert result["faces"][0]["box"] == [6, 0, 48, 48]


@pytest.mark.parametrize(
    ("photo", "status", "words"),
    [
        (b"", 422, "empty"),
        (png(99, 99)[:60], 422, "broken"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "unknown kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unknown kind"),
        (png(2, 2), 422, "too small"),
        (png(600, 600), 413, "0.25 million"),
    ],
)
def test_a_photo_that_cannot_be_read_is_a_problem(asking: Any, photo: bytes, status: int, words: str) -> None:
    answer = asking(pixels=250_000).post("/v1/predict", files=form(photo))
    assert "results" not in assert_problem(answer, status, words)


def test_what_an_operator_may_do_is_not_shown_to_clients(asking: Any) -> None:
    answer = asking(pixels=250_000).post("/v1/predict", files=form(png(600, 600)))
    assert answer.json()["detail"] == "600x600 pixels; more than 0.25 million are refused"


def test_a_header_that_claims_a_billion_pixels_is_refused_before_it_is_decoded(client: TestClient) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)

    header = (50_000).to_bytes(4) + (50_000).to_bytes(4) + bytes([8, 2, 0, 0, 0])
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10**6)))
    assert_problem(client.post("/v1/predict", files=form(bomb)), 413, "million")


def test_where_no_photo_could_be_read_the_problem_tells_of_each(client: TestClient) -> None:
    body = assert_problem(client.post("/v1/predict", files=form(b"one", b"two")), 415, "none of 2 photos")
    assert [result["path"] for result in body["results"]] == ["0.jpg", "1.jpg"]


def test_bodies_that_are_no_photos_are_refused(client: TestClient, photo: bytes) -> None:
    ask = client.post
    assert_problem(ask("/v1/predict"), 415, "multipart/form-data")
    assert_problem(ask("/v1/predict", content=photo, headers={"Content-Type": "image/jpeg"}), 415, "'image/jpeg'")
    assert_problem(ask("/v1/predict", files=form(photo, field="photo")), 422, "'photo'")
    assert_problem(ask("/v1/predict", files={"file": (None, "text")}), 422, "field")
    assert_problem(
        ask("/v1/predict", content=b"--x--\r\n", headers={"Content-Type": "multipart/form-data; boundary=x"}), 422, ""
    )
    assert_problem(
        ask("/v1/predict", content=b"junk", headers={"Content-Type": "multipart/form-data"}), 422, "boundary"
    )


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("{", ""),
        ("[]", ""),
        ('{"images": []}', "images"),
        ('{"images": [1]}', "images.0"),
        ('{"pictures": []}', "images"),
    ],
)
def test_json_that_does_not_fit_is_refused_with_the_place(client: TestClient, body: str, where: str) -> None:
    answer = client.post("/v1/predict", content=body, headers={"Content-Type": "application/json"})
    assert where in [one["where"] for one in assert_problem(answer, 422, "")["errors"]]


def test_what_is_not_base64_is_refused_with_the_place(client: TestClient) -> None:
    body = assert_problem(client.post("/v1/predict", json={"images": ["AAAA", "A*A"]}), 422, "images.1: not base64")
    assert body["errors"][0]["where"] == "images.1"


def test_too_many_photos_are_refused(asking: Any, photo: bytes) -> None:
    client = asking(images=2)
    assert_problem(client.post("/v1/predict", files=form(*[b"x"] * 3)), 413, "more than 2 photos")
    assert_problem(client.post("/v1/predict", json={"images": ["AAAA"] * 3}), 413, "more than 2 photos")


def test_too_many_faces_are_refused(asking: Any, photo: bytes) -> None:
    with Image.open(BytesIO(photo)) as one:
        pair = Image.new("RGB", (512, 300))
        pair.paste(one, (0, 0))
        pair.paste(one, (256, 0))
    file = BytesIO()
    pair.save(file, "jpeg")
    assert_problem(asking(faces=1).post("/v1/predict", files=form(file.getvalue())), 422, "the photo has 2 faces")


def test_a_name_is_a_label_and_nothing_else(client: TestClient, photo: bytes, tmp_path: Path) -> None:
    for name in ("../../etc/passwd", str(tmp_path / "x.jpg"), "é" * 300):
        (result,) = client.post("/v1/predict", files=[("file", (name, photo))]).json()["results"]
        assert name.startswith(result["path"])
        assert len(result["path"]) <= 200
    assert list(tmp_path.iterdir()) == []


def test_a_large_upload_is_never_written_to_disk(
    client: TestClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_file(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file was opened")

    monkeypatch.setattr("tempfile.TemporaryFile", no_file)
    padded = photo + bytes(5_000_000)
    assert len(client.post("/v1/predict", files=form(padded)).json()["results"][0]["faces"]) == 1


def test_models_at_hand_are_listed(client: TestClient) -> None:
    content = client.get("/v1/models").json()
    assert content["in_use"] == "tiny"
    (facts,) = [model for model in content["models"] if model["name"] == "tiny"]
    assert facts["classes"][0] == "angry"


def test_without_a_model_everything_else_works(
    asking: Any, settings: Any, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.serve.models.bundled_models", dict)
    object.__setattr__(settings, "model", None)
    client = asking()
    assert client.get("/healthz").json() == {"status": "ok", "model": "", "check": "none"}
    assert_problem(client.post("/v1/predict", files=form(photo)), 503, "no model is in use")


def test_metrics_count_requests_and_photos(client: TestClient, photo: bytes) -> None:
    client.post("/v1/predict", files=form(photo, b"x"))
    client.get("/nowhere")
    text = client.get("/metrics").text
    assert 'mien_requests_total{method="POST",route="/v1/predict",status="200"} 1.0' in text
    assert 'mien_requests_total{method="other",route="other",status="404"} 1.0' in text
    assert 'mien_photos_total{outcome="answered"} 1.0' in text
    assert 'mien_photos_total{outcome="refused 415"} 1.0' in text
    assert "mien_faces_total 1.0" in text
    assert "mien_photos_waiting 0.0" in text
    assert "nowhere" not in text


def frame(client: TestClient, content: bytes, kind: str = "image/jpeg", **query: Any) -> Any:
    return client.post("/v1/predict/frame", content=content, headers={"Content-Type": kind}, params=query)


def test_a_frame_is_answered_with_what_was_seen_before(client: TestClient, photo: bytes, model_file: Path) -> None:
    predictor = Predictor(model_file)
    first = frame(client, photo, time=5)
    assert first.status_code == 200
    of_photo = predictor.predict(photo)
    assert first.json() == {
        "model": "tiny",
        "results": [{"path": None, "size": [256, 300], "faces": of_photo.as_json()}],
    }
    (face,) = first.json()["results"][0]["faces"]
    known = ",".join(map(str, [*face["box"], face["roll"]]))
    second = frame(client, photo, time=5.04, before=5, face=[known])
    seen = Seen(5.0, (FacePlace(Box(*face["box"]), face["roll"]),))
    assert second.json()["results"][0]["faces"] == predictor.predict_frame(photo, 5.04, seen).as_json()


def test_a_frame_may_be_predicted_by_the_fast_model(client: TestClient, photo: bytes) -> None:
    answer = frame(client, photo, time=0, fast=True).json()
    assert answer["model"] == "fast"
    assert answer["results"][0]["faces"] == Predictor("fast").predict(photo).as_json()
    assert client.get("/v1/models").json()["in_use"] == "tiny"


def test_without_a_bundled_fast_model_there_is_a_problem(
    asking: Any, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.serve.models.bundled_models", dict)
    client = asking()
    assert_problem(frame(client, photo, time=0, fast=True), 404, "no model is called 'fast' here")
    assert frame(client, photo, time=0).json()["model"] == "tiny"


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({}, "time"),
        ({"time": "nan"}, "time"),
        ({"time": -1}, "time"),
        ({"time": 1, "before": "inf"}, "before"),
        ({"time": 1, "face": ["1,2,3,4"]}, "face.0"),
        ({"time": 1, "face": ["1,2,0,4,0"]}, "face.0"),
        ({"time": 1, "face": ["1,2,3,4,1e9"]}, "face.0"),
        ({"time": 1, "face": ["1,2,3,4,0"] * 257}, "face"),
    ],
)
def test_a_wrong_query_of_a_frame_is_refused_with_the_place(
    client: TestClient, photo: bytes, query: dict[str, Any], where: str
) -> None:
    body = assert_problem(frame(client, photo, **query), 422, "")
    assert where in [one["where"].removeprefix("query.") for one in body["errors"]]


def test_a_frame_that_is_no_image_is_refused(client: TestClient, asking: Any, photo: bytes) -> None:
    assert_problem(frame(client, b"", time=0), 422, "empty")
    assert_problem(frame(client, b"no image", time=0), 415, "unknown kind")
    assert_problem(frame(client, photo, kind="text/plain", time=0), 415, "'text/plain'")
    assert_problem(frame(asking(pixels=50_000), photo, time=0), 413, "million")


def test_faces_that_cannot_be_in_a_frame_cost_nothing(client: TestClient, photo: bytes) -> None:
    places = [f"{x},99999,99999,99999,45" for x in range(256)]
    answer = frame(client, photo, time=0.04, before=0, face=places)
    assert len(answer.json()["results"][0]["faces"]) == 1


def test_too_many_faces_of_a_frame_are_refused(asking: Any, photo: bytes) -> None:
    with Image.open(BytesIO(photo)) as one:
        pair = Image.new("RGB", (512, 300))
        pair.paste(one, (0, 0))
        pair.paste(one, (256, 0))
    file = BytesIO()
    pair.save(file, "jpeg")
    client = asking(faces=1)
    assert_problem(frame(client, file.getvalue(), time=0), 422, "the photo has 2 faces")
    assert_problem(frame(client, file.getvalue(), time=0.5, before=0), 422, "the photo has 2 faces")
