"""The routes of studies, record as a client asks them."""

import json
from pathlib import Path
from threading import Thread
from time import sleep

from fastapi.testclient import TestClient

from mien.serve.app import App


def test_the_list_and_a_study(study: Path, client: TestClient) -> None:
    listed = client.get("/v1/studies").json()
    assert listed["folder"] == str(study.parent)
    assert [(one["study"], one["state"], one["runs"]) for one in listed["studies"]] == [("small", "finished", 4)]
    content = client.get("/v1/studies/small").json()
    assert listed["studies"][0] == {key: content[key] for key in listed["studies"][0]}
    assert [run["epochs"] for run in content["run_facts"]] == [4, 4, 4, 4]


def test_an_empty_folder_has_no_studies(client: TestClient) -> None:
    assert client.get("/v1/studies").json()["studies"] == []
    assert client.get("/v1/data").json() == {"data": []}


def test_a_run(study: Path, client: TestClient) -> None:
    name = next(path.name for path in sorted((study / "runs").iterdir()) if path.name.startswith("strong"))
    content = client.get(f"/v1/studies/small/runs/{name}").json()
    record = json.loads((study / "runs" / name / "run.json").read_text(encoding="utf-8"))
    assert content["layers"] == ["flatten", "dense(8)", "relu", "classes"]
    assert content["recipe"] == record["recipe"]
    assert content["classes"] == record["faces"]["classes"]
    assert content["scores"]["validation"]["faces"] == 70
    assert content["scores"]["test"]["faces"] == 35
    assert sum(map(sum, content["scores"]["test"]["confusion"])) == 35


def test_what_is_not_there_is_a_problem_that_says_where_to_look(study: Path, client: TestClient) -> None:
    for path, word in (
        ("studies/none", "'none'"),
        ("studies/..%2Fsmall", "small"),
        ("studies/small/runs/none-1", "'none-1'"),
        ("studies/small/runs/..%2F..", ".."),
        ("studies/none/events", "'none'"),
        ("studies/none/report", "'none'"),
        ("compare?run=small/none-1", "none-1"),
    ):
        answer = client.get(f"/v1/{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert word in answer.json()["detail"]


def test_the_report_is_locked_in_a_sandbox(study: Path, client: TestClient) -> None:
    answer = client.get("/v1/studies/small/report")
    assert answer.status_code == 200
    assert answer.text == (study / "report.html").read_text(encoding="utf-8")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    (study / "report.html").unlink()
    answer = client.get("/v1/studies/small/report")
    assert (answer.status_code, "no report yet" in answer.json()["detail"]) == (404, True)


def test_runs_side_by_side(study: Path, client: TestClient) -> None:
    names = [f"small/{path.name}" for path in sorted((study / "runs").iterdir())]
    content = client.get("/v1/compare", params={"run": names[:3]}).json()
    assert [f"{one['facts']['study']}/{one['facts']['run']}" for one in content["runs"]] == names[:3]
    assert [(pair["a"], pair["b"]) for pair in content["pairs"]] == [
        (names[0], names[1]),
        (names[0], names[2]),
        (names[1], names[2]),
    ]
    assert client.get("/v1/compare").status_code == 422
    assert client.get("/v1/compare", params={"run": names * 2}).status_code == 422


def test_events_are_a_stream_that_ends_when_the_server_stops(study: Path, client: TestClient) -> None:
    app = client.app
    assert isinstance(app, App)
    answers = []
    asking = Thread(target=lambda: answers.append(client.get("/v1/studies/small/events")))
    asking.start()
    while not app.events._listeners:
        sleep(0.01)
    sleep(0.3)
    assert client.portal is not None
    client.portal.call(app.stop)
    asking.join(20)
    answer = answers[0]
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    first = answer.text.split("\n\n")[0].splitlines()
    assert first[0] == "event: study"
    assert json.loads(first[1].removeprefix("data: "))["study"] == "small"
    refused = client.get("/v1/studies/small/events")
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "10"
