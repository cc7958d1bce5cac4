"""Which faces a study takes: labels by FER+'s majority, train cleaned; shown wherever its faces are shown."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mien.cli import app
from mien.cli.tables import show_plan
from mien.errors import UserError
from mien.faces import EIGHT, VOTES, Faces, in_split_order, write_packed
from mien.faces.csv import read_csv
from mien.faces.drawn import draw_faces
from mien.faces.fer2013 import VOTE_OF
from mien.report.face_images import reopen
from mien.report.page import make_page
from mien.report.study_data import ReportedStudy
from mien.runs.environment import Machine
from mien.runs.json_objects import from_json, to_json
from mien.runs.resolve import faces_of, resolve_run
from mien.runs.results import Results
from mien.runs.run import Run
from mien.runs.study_faces import StudyFaces
from mien.study.collect import study_faces
from mien.study.config.schema import read_study
from mien.study.outline import outline
from mien.study.plan import Plan, make_plan

TABLE = """
name = "plus"
[data]
source = "faces"
labels = "majority"
clean = ["constant", "copies", "leaks"]
[nets.flat]
layers = ["flatten", "classes"]
recipe = { epochs = 1, batch = 16 }
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """In train four faces of each emotion, a copy, a black one, a non-face; one of each elsewhere, one leaked."""
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("mien.study.outline.time_step", lambda *_: 0.5)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (51, 48, 48), np.uint8)
    images[32], images[33], images[50] = images[0], 0, images[1]
    votes = np.zeros((51, 10), np.uint8)
    voted = [*range(8)] * 4 + [0, 6, 0] + [*range(8)] * 2
    votes[np.arange(51), [VOTES.index(VOTE_OF[EIGHT[label]]) for label in voted]] = 8
    votes[34] = 0
    votes[34, VOTES.index("NF")] = 10
    labels = [label if label < 7 else 0 for label in voted]
    write_packed(in_split_order(images, labels, [0] * 35 + [1] * 8 + [2] * 8, votes=votes), tmp_path / "faces")
    (tmp_path / "plus.toml").write_text(TABLE, encoding="utf-8")
    return make_plan(read_study(tmp_path / "plus.toml"))


LEFT_OUT = {"no_face": {"train": 1}, "constant": {"train": 1}, "leaks": {"train": 1}, "copies": {"train": 1}}


def test_a_study_takes_them_so_and_says_so(plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan.faces.classes == EIGHT
    assert {split: sum(counts.values()) for split, counts in plan.faces.counts().items()} == {
        "train": 31, "validation": 8, "test": 8,
    }  # fmt: skip
    assert plan.faces.left_out == LEFT_OUT
    assert plan.leaked.sum() == 0
    planned = outline(plan, tmp_path / "out")
    assert planned.faces.left_out == LEFT_OUT
    show_plan(planned)
    assert "left out: 1 copy of an image that stays (train 1)" in capsys.readouterr().out


def test_a_run_tells_it_and_is_another_run(plan: Plan, tmp_path: Path) -> None:
    net = plan.study.nets[0]
    run = Run.create(tmp_path / "runs", net.net, net.recipe, 0, plan.faces)
    assert run.config.faces.left_out == LEFT_OUT
    whole = make_plan(read_study(tmp_path / "plus.toml", ["data.clean=[]"]))
    assert Run.create(tmp_path / "runs", net.net, net.recipe, 0, whole.faces).id != run.id


def test_a_report_opens_the_same_faces_again_and_tells_it(plan: Plan) -> None:
    faces, here = from_json(StudyFaces, json.loads(json.dumps(to_json(study_faces(plan))))), Machine("", "", 1)
    study = ReportedStudy(Results("plus", "now", "", (0,), faces, here, {}, (), {}, None, ()), ())
    again, why_not = reopen(faces)
    assert why_not == ""
    assert again is not None
    assert again.fingerprint == plan.faces.fingerprint
    assert "1 image that is also in validation or test (train 1)" in make_page(study, again, "").left_out


@pytest.mark.parametrize("size", ["", "data.size = 24\n"])
def test_plan_study_report_and_explain_share_one_reading(
    size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    reads: list[Path] = []

    def read_and_count(path: Path, *others: int | None) -> Faces:
        reads.append(path)
        return read_csv(path, *others)

    monkeypatch.setattr("mien.faces.source.read_csv", read_and_count)
    faces, usages = draw_faces(70), ("Training", "Training", "PrivateTest")
    rows = zip(faces.labels, faces.splits, faces.images, strict=True)
    lines = [f"{label},{' '.join(map(str, image.ravel()))},{usages[split]}" for label, split, image in rows]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *lines]), encoding="utf-8")
    study = tmp_path / "s.toml"
    study.write_text(
        'name = "s"\ndata.source = "fer2013.csv"\ndata.validation = 0.2\n'
        + size
        + "recipe = { epochs = 1, batch = 16 }\n"
        '[nets.flat]\nlayers = ["flatten", "classes"]\n',
        encoding="utf-8",
    )
    out = tmp_path / "out"
    for words in (["plan", study], ["study", study, "-o", out], ["report", out]):
        assert CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False).exit_code == 0
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "cannot be opened" not in report
    assert "How the faces were read" in report
    assert "train faces, 20% of each emotion, at random" in report
    faces_of(resolve_run(out))
    # The same faces, imported elsewhere: what was done to them then is not done again.
    write_packed(faces_of(resolve_run(out)), tmp_path / "imported")
    assert faces_of(resolve_run(out), [str(tmp_path / "imported")]).counts()["validation"]
    assert len(reads) == 1
    assert len([entry for entry in (tmp_path / "cache").iterdir() if entry.name.startswith("fer2013-")]) == 1


def test_a_source_without_validation_names_the_ways_and_takes_one(tmp_path: Path, plan: Plan) -> None:
    faces = plan.study.data.open()
    keep = faces.splits != 1
    folder = tmp_path / "two"
    write_packed(in_split_order(faces.images[keep], faces.labels[keep], faces.splits[keep], EIGHT), folder)
    file = tmp_path / "two.toml"
    file.write_text(
        'name = "two"\ndata.source = "two"\n[nets.flat]\nlayers = ["flatten", "classes"]\n', encoding="utf-8"
    )
    with pytest.raises(UserError, match=r"data\.validation = 0\.1 in the study file, or --validation 0\.1"):
        make_plan(read_study(file))
    words = ["plan", str(file), "--validation", "0.3", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"}, catch_exceptions=False)
    assert "train 23, validation 8, test 8" in done.output
    assert "note: validation: 8 of 31 train faces, 30% of each emotion, at random" in done.output
    plan = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert plan["faces"]["notes"] == ["validation: 8 of 31 train faces, 30% of each emotion, at random"]


def test_a_single_class_is_refused(tmp_path: Path, plan: Plan) -> None:
    images = plan.study.data.open().images[:9]
    write_packed(in_split_order(images, [0] * 9, [0, 1, 2] * 3, ("happy",)), tmp_path / "one")
    file = tmp_path / "one.toml"
    file.write_text(
        'name = "one"\ndata.source = "one"\n[nets.flat]\nlayers = ["flatten", "classes"]\n', encoding="utf-8"
    )
    with pytest.raises(UserError, match=r"faces: all of its faces are happy; a study needs two classes or more"):
        make_plan(read_study(file))
