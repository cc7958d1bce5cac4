"""The description of the service, and the service measured by it; uploads that are up to no good."""

import gc
import random
import warnings
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def test_every_route_is_described_with_its_problems(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert {"/v1/predict", "/v1/models", "/v1/studies", "/healthz", "/metrics"} <= set(document["paths"])
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], f"{method} {path}"
            assert operation["tags"], f"{method} {path}"
            assert "5XX" in operation["responses"], f"{method} {path}"
    assert "HTTPValidationError" not in str(document)


def test_the_example_of_an_answer_is_one(client: TestClient) -> None:
    from mien.serve.schemas import EXAMPLE, Predicted

    predicted = Predicted.model_validate(EXAMPLE)
    (face,) = predicted.results[0].faces or []
    assert sum(face.probabilities.values()) == pytest.approx(1)
    assert face.emotion == max(face.probabilities, key=lambda name: face.probabilities[name])


def test_the_example_of_a_request_works(client: TestClient) -> None:
    body = client.get("/openapi.json").json()["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    answer = client.post("/v1/predict", json=body["application/json"]["example"])
    assert answer.json()["results"] == [{"path": None, "size": [16, 16], "faces": []}]


def damaged(photo: bytes, rng: random.Random) -> bytes:
    """A photo with some bytes changed, dropped or doubled."""
    bent = bytearray(photo)
    for _ in range(rng.randint(1, 8)):
        place = rng.randrange(len(bent))
        match rng.randrange(4):
            case 0:
                bent[place] = rng.randrange(256)
            case 1:
                del bent[place : place + rng.randint(1, 400)]
            case 2:
                bent[place:place] = bent[place : place + rng.randint(1, 400)]
            case 3:
                del bent[place:]
        if not bent:
            break
    return bytes(bent)


def photos_of_every_kind(photo: bytes) -> list[bytes]:
    from io import BytesIO

    from PIL import Image

    made = []
    with Image.open(BytesIO(photo)) as image:
        small = image.resize((64, 75))
        for kind in ("jpeg", "png", "gif", "bmp", "webp", "tiff", "ppm", "jpeg2000", "avif"):
            file = BytesIO()
            small.save(file, kind)
            made.append(file.getvalue())
    return made


def assert_well_formed(answer: Any, *statuses: int) -> None:
    assert answer.status_code in statuses
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code


@pytest.mark.slow
def test_damaged_photos_are_answered_or_refused(client: TestClient, photo: bytes) -> None:
    rng = random.Random(7)
    for good in photos_of_every_kind(photo):
        for _ in range(25):
            answer = client.post("/v1/predict", files={"file": ("x", damaged(good, rng))})
            assert_well_formed(answer, 200, 413, 415, 422)
    assert client.post("/v1/predict", files={"file": ("x", photo)}).status_code == 200


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300) | st.lists(st.sampled_from([
        b"--b", b"--b--", b"\r\n", b"\n", b'Content-Disposition: form-data; name="file"; filename="x"', b"\r\n\r\n",
        b"x", b"Content-Disposition: form-data", b": ", b'Content-Disposition: form-data; name="\xff"; filename="\x00"',
    ]), max_size=12).map(b"".join),
    kind=st.sampled_from([
        "multipart/form-data; boundary=b", "multipart/form-data", "multipart/form-data; boundary=",
        "multipart/form-data; charset=nonsense; boundary=b", "application/json", "application/json; charset=utf-16",
        "text/plain", "", "multipart/form-data; boundary=" + "b" * 500,
    ]),
)  # fmt: skip
def test_broken_bodies_are_refused(client: TestClient, body: bytes, kind: str) -> None:
    answer = client.post("/v1/predict", content=body, headers={"Content-Type": kind})
    assert_well_formed(answer, 413, 415, 422)


def test_a_form_that_breaks_off_leaves_no_file_open(client: TestClient) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = client.post(
            "/v1/predict", content=head + b"x", headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
        gc.collect()
    assert_well_formed(answer, 422)
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.slow
def test_schemathesis_finds_no_fault(asking: Any) -> None:
    """Requests that fit the document and requests that do not: no 5xx but what is documented, bodies as described."""
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

    from schemathesis.specs.openapi.checks import positive_data_acceptance

    client = asking(token="a-token-of-some-length")  # with a token, it goes by any name
    schema = schemathesis.openapi.from_asgi("/openapi.json", client.app)
    tried = 0
    for operation in schema.get_all_operations():
        case_of = operation.ok()
        if case_of.path.endswith("/events"):
            continue  # it never ends

        @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=case_of.as_strategy())
        def check(case: Any) -> None:
            nonlocal tried
            tried += 1
            # A document cannot say which bytes are a photo.
            case.call_and_validate(
                headers={"Authorization": "Bearer a-token-of-some-length"}, excluded_checks=[positive_data_acceptance]
            )

        check()
    assert tried > 200
