"""A study's folder as `mien study` leaves it, with plausible numbers from a seeded generator in place of training."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from mien.disk import append_line, write_text
from mien.faces import Faces
from mien.faces.packed import write_packed
from mien.report import write_report
from mien.runs.predictions import Predictions
from mien.runs.results import read_results, write_results
from mien.runs.run import Run, Status
from mien.runs.study_faces import write_study_faces
from mien.study.collect import collect, study_faces
from mien.study.config.schema import read_study
from mien.study.net_runs import select
from mien.study.plan import Plan

STUDY = """
name = "small"
seeds = {seeds}
[data]
source = "faces"
[recipe]
epochs = 6
[nets.wide]
layers = ["flatten", "dense(16)", "relu", "classes"]
[nets.deep]
layers = ["flatten", "dense(16, l2=1e-4)", "elu", "dense(8)", "elu", "dropout(0.25)", "classes"]
[nets.conv_1]
layers = ["conv(4)", "relu", "pool", "flatten", "classes"]
[nets.conv_2]
layers = ["conv(4, kernel)", "act", "pool(4)", "flatten", "classes"]
values = {{ kernel = 5, act = "elu" }}
[groups]
fnn = ["wide", "deep"]
cnn = ["conv_1", "conv_2"]
[ensembles]
chosen = ["wide", "conv_1"]
all = {{ wide = 1, deep = 1, conv_1 = 4, conv_2 = 4 }}
"""

SKILL = {"wide": 1.1, "deep": 1.0, "conv_1": 2.0, "conv_2": 1.9}
"""How far each net's logit of the truth stands out."""


def blobs(rng: np.random.Generator, counts: Sequence[int] = (210, 105, 105), leaks: int = 5) -> Faces:
    """Gray blobs, one place an emotion; some test images are copies of train images."""
    n = sum(counts)
    labels = (np.arange(n) % 7).astype(np.uint8)
    y, x = np.mgrid[:48, :48]
    middle = 24 + 12 * np.stack([np.sin(labels), np.cos(labels)])[..., None, None]
    light = 200 * np.exp(-((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / 120)
    images = np.clip(light + rng.normal(20, 9, (n, 48, 48)), 0, 255).astype(np.uint8)
    images[-leaks:], labels[-leaks:] = images[:leaks], labels[:leaks]
    return Faces(images, labels, np.repeat(np.arange(3), counts).astype(np.uint8), name="blobs")


def predictions(labels: np.ndarray, skill: float, rng: np.random.Generator) -> Predictions:
    logits = rng.gumbel(size=(len(labels), 7)) * 1.2
    logits[np.arange(len(labels)), labels] += skill
    shares = np.exp(1.5 * logits)
    return Predictions((shares / shares.sum(axis=1, keepdims=True)).astype(np.float32), labels)


def pretend_to_train(run: Run, faces: Faces, skill: float, splits: Sequence[str], rng: np.random.Generator) -> None:
    epochs = np.arange(1, run.recipe.epochs + 1)
    loss = 0.4 + 1.6 * np.exp(-skill * epochs / 6)
    steps = len(faces.split("train").labels) // 7
    for epoch, now in zip(epochs, loss, strict=True):
        record = {
            "epoch": int(epoch),
            "loss": float(now),
            "accuracy": float(1 - now / 2.2),
            "validation_loss": float(now + 0.05 * epoch),
            "validation_accuracy": float(0.8 - now / 3),
            "seconds": 2.0 * skill,
            "faces_per_second": 5000.0,
            "steps": [float(now + 0.1 * rng.normal()) for _ in range(steps)],
        }
        append_line(run.folder / "history.jsonl", record)
    for split in splits:
        bonus = 2.0 if split == "train" else 0.0
        run.write_predictions(split, predictions(faces.split(split).labels, skill + bonus, rng))
    seconds = 2.5 * skill * len(epochs)
    run.write_status(Status("finished", "", seconds, len(epochs), "float32", 1000, 1000, "2030-01-01T10:00:00+00:00"))


def build(
    folder: Path,
    faces: Faces,
    text: str = STUDY,
    seeds: Sequence[int] = (0,),
    failing: Sequence[str] = (),
    skill: dict[str, float] = SKILL,
) -> Path:
    """Build a finished study in `folder`, its faces packed in the folder `faces` beside it."""
    rng = np.random.default_rng(1)
    write_packed(faces, folder.parent / "faces")
    file = folder.parent / "study.toml"
    write_text(file, text.format(seeds=list(seeds)))
    test, train = (faces.split(split).images.reshape(-1, faces.size**2) for split in ("test", "train"))
    leaked = (test[:, None] == train[None]).all(axis=2).any(axis=1)
    plan = Plan(read_study(file), faces, leaked)
    for net in plan.study.nets:
        for seed in plan.study.seeds:
            run = Run.create(folder / "runs", net.net, net.recipe, seed, faces)
            if net.net.name in failing:
                run.write_status(Status("failed", "the loss of step 12 is nan <learning rate 10>"))
            else:
                pretend_to_train(run, faces, skill[net.net.name], ("train", "validation"), rng)
    for chosen in select(plan, folder):
        for run in chosen.runs:
            labels = faces.split("test").labels
            if len(labels):
                run.write_predictions("test", predictions(labels, skill[chosen.name], rng))
    write_text(folder / "study.toml", file.read_text(encoding="utf-8"))
    write_study_faces(folder, study_faces(plan))
    write_results(folder, collect(plan, folder, "mien study study.toml"))
    return folder


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of four small nets with two seeds each, and its report."""
    folder = build(tmp_path_factory.mktemp("study") / "out", blobs(np.random.default_rng(0)), seeds=(0, 1))
    write_report(folder, read_results(folder))
    return folder


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build a study of four small nets in a fresh folder; see `build`."""

    def make(**options: object) -> Path:
        return build(tmp_path_factory.mktemp("built") / "out", blobs(np.random.default_rng(0)), **options)  # type: ignore[arg-type]

    return make
