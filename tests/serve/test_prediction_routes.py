"""The faces of a cell of a run's confusion matrix."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from studied import gray_faces

from mien.runs.run import Run
from mien.runs.study_folder import StudyFolder

CLASSES = gray_faces().classes


def a_run(study: Path, net: str = "strong") -> Run:
    return next(run for name, run in StudyFolder(study).runs.items() if name.startswith(net))


def fetch(client: TestClient, run: Run, **query: Any) -> Any:
    return client.get(f"/v1/studies/small/runs/{run.id}/predictions", params=query)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_every_cell_has_as_many_faces_as_the_confusion_matrix_counts(
    study: Path, client: TestClient, split: str
) -> None:
    run, faces = a_run(study), gray_faces()
    scores = client.get(f"/v1/studies/small/runs/{run.id}").json()["scores"][split]
    made = run.predictions(split)
    assert made is not None
    seen = []
    for truth, row in enumerate(scores["confusion"]):
        for predicted, count in enumerate(row):
            cell = {"split": split, "label": CLASSES[truth], "predicted": CLASSES[predicted], "count": 200}
            content = fetch(client, run, **cell).json()
            assert content["matches"] == len(content["faces"]) == count
            for one in content["faces"]:
                face = one["face"]
                assert (face["split"], face["label"], one["predicted"]) == (split, CLASSES[truth], CLASSES[predicted])
                assert faces.labels[face["row"]] == truth
                shares = made.probabilities[face["place"]]
                assert int(shares.argmax()) == predicted
                assert one["probability"] == pytest.approx(shares[predicted], abs=1e-4)
                seen.append(face["place"])
    assert sorted(seen) == list(range(scores["faces"]))


def test_the_most_confident_come_first_in_pages(study: Path, client: TestClient) -> None:
    run = a_run(study, "weak")
    content = fetch(client, run, count=200).json()
    assert (content["data"], content["size"]) == (gray_faces().fingerprint[:10], 48)
    assert content["evaluated"] == content["matches"] == 70
    confidence = [one["probability"] for one in content["faces"]]
    assert confidence == sorted(confidence, reverse=True)
    assert len(fetch(client, run).json()["faces"]) == 24
    pages = [fetch(client, run, first=first, count=30).json()["faces"] for first in (0, 30, 60, 90)]
    assert [len(page) for page in pages] == [30, 30, 10, 0]
    assert [one for page in pages for one in page] == content["faces"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"label": "sat"}, "did you mean 'sad'"),
        ({"predicted": "sat"}, "did you mean 'sad'"),
        ({"split": "train"}, "validation"),
        ({"count": 0}, "count"),
        ({"count": 201}, "count"),
        ({"first": -1}, "first"),
    ],
)
def test_a_query_that_does_not_fit_is_refused(
    study: Path, client: TestClient, query: dict[str, Any], words: str
) -> None:
    answer = fetch(client, a_run(study), **query)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, words in answer.json()["detail"]) == (422, True)


def test_runs_that_are_not_there_and_splits_that_were_not_opened_are_problems(study: Path, client: TestClient) -> None:
    for path in ("small/runs/none-1", "none/runs/none-1"):
        answer = client.get(f"/v1/studies/{path}/predictions")
        assert (answer.status_code, "none-1" in answer.json()["detail"]) == (404, True)
    answer = fetch(client, a_run(study, "weak"), split="test")
    assert (answer.status_code, "was not evaluated on test" in answer.json()["detail"]) == (409, True)
    run = a_run(study)
    (run.folder / "validation.npz").write_bytes(b"nothing")
    answer = fetch(client, run)
    assert (answer.status_code, "damaged" in answer.json()["detail"]) == (409, True)


def test_faces_that_cannot_be_opened_are_a_problem_that_says_why(
    study: Path, client: TestClient, tmp_path: Path
) -> None:
    run, record = a_run(study), study / "faces.json"
    facts = json.loads(record.read_text(encoding="utf-8"))
    record.write_text(json.dumps(facts | {"source": [str(tmp_path / "gone")]}), encoding="utf-8")
    answer = fetch(client, run)
    assert answer.status_code == 409
    assert "cannot be opened any more" in answer.json()["detail"]
    assert "no such file" in answer.json()["detail"]
    record.unlink()
    answer = fetch(client, run)
    assert (answer.status_code, "mien serve --data" in answer.json()["detail"]) == (409, True)


def test_predictions_for_other_faces_are_a_problem(study: Path, client: TestClient) -> None:
    run = a_run(study)
    made = run.predictions("validation")
    assert made is not None
    labels = np.roll(made.labels, 1)
    run.write_predictions("validation", type(made)(made.probabilities, labels))
    answer = fetch(client, run)
    assert (answer.status_code, "other validation faces" in answer.json()["detail"]) == (409, True)
