"""A study's folder as `mien study` leaves it, with plausible numbers from a seeded generator in place of training."""

from pathlib import Path

import numpy as np

from mien.disk import append_line
from mien.faces import Faces, write_packed
from mien.nets import Net
from mien.runs.predictions import Predictions
from mien.runs.recipe import Recipe
from mien.runs.results import write_results
from mien.runs.run import Run, Status
from mien.runs.study_faces import write_study_faces
from mien.study.collect import collect, study_faces
from mien.study.config.schema import read_study
from mien.study.plan import Plan

STUDY = """
name = "small"
seeds = [0, 1]
data.source = "{source}"
recipe = {{ epochs = 4, batch = 32 }}
[nets.weak]
layers = ["flatten", "classes"]
[nets.strong]
layers = ["flatten", "dense(8)", "relu", "classes"]
[groups.all]
title = "All of them"
nets = ["weak", "strong"]
"""

SKILL = {"weak": 1.0, "strong": 2.5}
"""How far each net's logit of the truth stands out."""

PLANTED = 3
"""The validation face whose label is wrong beyond doubt."""


def gray_faces() -> Faces:
    """Blobs, a place an emotion: 70 in train, 70 in validation, 35 in test; one test image is also in train."""
    rng = np.random.default_rng(0)
    counts = (70, 70, 35)
    labels = (np.arange(sum(counts)) % 7).astype(np.uint8)
    y, x = np.mgrid[:48, :48]
    middle = 24 + 12 * np.stack([np.sin(labels), np.cos(labels)])[..., None, None]
    light = 200 * np.exp(-((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / 120)
    images = np.clip(light + rng.normal(20, 9, (len(labels), 48, 48)), 0, 255).astype(np.uint8)
    images[-1], labels[-1] = images[0], labels[0]
    return Faces(images, labels, np.repeat(np.arange(3), counts).astype(np.uint8), name="blobs")


def epoch(number: int, skill: float) -> dict[str, object]:
    """A line of a history."""
    loss = 0.4 + 1.6 * float(np.exp(-skill * number / 4))
    return {
        "epoch": number,
        "loss": loss,
        "accuracy": 1 - loss / 2.2,
        "validation_loss": loss + 0.05 * number,
        "validation_accuracy": 0.8 - loss / 3,
        "seconds": 2.0,
        "faces_per_second": 500.0,
        "steps": [loss, loss],
    }


def predictions(labels: np.ndarray, skill: float, seed: int) -> Predictions:
    """What a run of some skill says; of the face `PLANTED`, that it is certainly something else than its label."""
    rng = np.random.default_rng(seed)
    logits = rng.gumbel(size=(len(labels), 7))
    logits[np.arange(len(labels)), labels] += skill
    logits[PLANTED] = 0
    logits[PLANTED, (labels[PLANTED] + 1) % 7] = 12
    shares = np.exp(1.5 * logits)
    return Predictions((shares / shares.sum(axis=1, keepdims=True)).astype(np.float32), labels)


def begin(folder: Path, name: str = "late", seed: int = 0) -> Run:
    """A run that this process is training in a study's folder: not an epoch is done yet."""
    configured = Net(name, ("flatten", "classes")), Recipe(epochs=4, batch=32)
    run = Run.create(folder / "runs", *configured, seed, gray_faces())
    run.write_status(Status("running", precision="float32", parameters=16135, trainable=16135))
    return run


def finish(run: Run, faces: Faces, skill: float, splits: tuple[str, ...] = ("train", "validation")) -> None:
    """Pretend to have trained a run to its end."""
    for number in range(1, run.recipe.epochs + 1):
        append_line(run.folder / "history.jsonl", epoch(number, skill))
    for at, split in enumerate(splits):
        run.write_predictions(split, predictions(faces.split(split).labels, skill, 10 * at + run.seed))
    opened = "2030-01-01T10:00:00+00:00" if "test" in splits else ""
    run.write_status(Status("finished", "", 8.0, run.recipe.epochs, "float32", 16135, 16135, opened))


def build(folder: Path) -> Path:
    """Build a finished study of two nets with two seeds in `folder`, its faces packed beside it."""
    faces = gray_faces()
    write_packed(faces, folder.parent / "faces")
    file = folder.parent / "study.toml"
    file.write_text(STUDY.format(source=folder.parent / "faces"), encoding="utf-8")
    leaked = np.array([*[False] * 34, True])
    plan = Plan(read_study(file), faces, leaked)
    for net in plan.study.nets:
        for seed in plan.study.seeds:
            splits = ("train", "validation", "test") if net.net.name == "strong" else ("train", "validation")
            finish(Run.create(folder / "runs", net.net, net.recipe, seed, faces), faces, SKILL[net.net.name], splits)
    (folder / "study.toml").write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    write_study_faces(folder, study_faces(plan))
    write_results(folder, collect(plan, folder, "mien study study.toml"))
    (folder / "report.html").write_text(
        "<!doctype html><title>report</title><script>document.title = 'ran'</script>", encoding="utf-8"
    )
    return folder
