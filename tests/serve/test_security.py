"""Who is let in, and what every answer carries."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from mien.errors import UserError
from mien.serve.limits import Limits
from mien.serve.server_config import ServerConfig

TOKEN = "a-token-of-some-length"


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/models", "/nowhere", "/static/base.css", "/metrics"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert not [name for name in headers if name.startswith("access-control")]


def test_answers_are_not_stored_by_caches(client: TestClient) -> None:
    assert client.get("/v1/models").headers["cache-control"] == "no-store"
    assert client.get("/static/base.css").headers["cache-control"] == "no-cache"


def test_without_the_token_only_the_bare_page_is_had(asking: Any) -> None:
    client = asking(token=TOKEN)
    for path in ("/", "/healthz", "/colours.css", "/openapi.json", "/static/base.css"):
        assert client.get(path).status_code == 200
    for path in ("/v1/models", "/v1/studies", "/metrics", "/v1/nothing", "/static"):
        answer = client.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["title"] == "Unauthorized"
    for wrong in ("Bearer", "Bearer a-token-of-some-lengtH", f"Basic {TOKEN}", TOKEN):
        assert client.get("/v1/models", headers={"Authorization": wrong}).status_code == 401
    assert client.get("/v1/models", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_a_page_of_another_site_is_refused(client: TestClient) -> None:
    assert client.get("/v1/models", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    for site in ("cross-site", "same-site"):
        answer = client.post("/v1/predict", headers={"Sec-Fetch-Site": site})
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
        assert client.get("/", headers={"Sec-Fetch-Site": site}).status_code == 200


def test_no_other_origin_is_allowed_to_read(client: TestClient) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    answer = client.options("/v1/predict", headers=headers)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_name_that_was_made_to_lead_here_is_refused_unless_a_token_is_needed(asking: Any) -> None:
    for name in ("localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000"):
        assert asking().get("/v1/models", headers={"Host": name}).status_code == 200
    for name in ("elsewhere.example", "127.0.0.1.elsewhere.example", "[::2]:8000"):
        assert asking().get("/", headers={"Host": name}).status_code == 421
        assert asking(token=TOKEN).get("/", headers={"Host": name}).status_code == 200


def test_heads_beyond_all_measure_are_refused(client: TestClient) -> None:
    assert client.get("/v1/models", headers={"X-Much": "x" * 40_000}).status_code == 431
    assert client.get("/v1/models?" + "x" * 40_000).status_code == 431


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_this_machine_needs_no_token(host: str) -> None:
    assert ServerConfig(host=host).local


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "faces.example"])
def test_other_addresses_need_a_token(host: str) -> None:
    with pytest.raises(UserError, match=r"give it a token .* --token \S{24}"):
        ServerConfig(host=host)
    assert ServerConfig(host=host, token=TOKEN).host == host


@pytest.mark.parametrize("token", ["short", "with a space in between it", "snow-man-\u2603-snow-man"])
def test_weak_tokens_are_refused(token: str) -> None:
    with pytest.raises(UserError, match="at least 16"):
        ServerConfig(token=token)


def test_the_token_is_not_printed() -> None:
    assert TOKEN not in repr(ServerConfig(token=TOKEN))


def test_limits_are_set_by_words() -> None:
    assert Limits.of(["queue=128", "bytes=5"]) == Limits(queue=128, bytes=5)
    assert Limits.of([]) == Limits()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("que=1", "did you mean 'queue'"),
        ("queue=0", "at least 1"),
        ("queue", "queue=NUMBER"),
        ("queue=1.5", "whole number"),
    ],
)
def test_limits_that_are_none_are_refused(word: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Limits.of([word])
