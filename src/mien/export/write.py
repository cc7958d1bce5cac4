"""Write: a finished run to one ONNX file, which is opened again, compared and judged before it is kept."""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mien import __version__
from mien.disk import whole_file
from mien.errors import UserError
from mien.export.adjustment import offsets
from mien.export.compare import Agreement, agreement, probabilities, refuse
from mien.export.facts import KEY, Facts
from mien.export.graph import Graph, graph_of, to_onnx
from mien.export.quantise import CALIBRATION, to_float16, to_int8
from mien.export.scores import split_scores
from mien.export.temperature import fit_temperature
from mien.faces import Faces
from mien.nets.words import parse
from mien.study.origin import study_of
from mien.training.run import Run, now

if TYPE_CHECKING:
    from onnx import ModelProto

Precision = Literal["float32", "float16", "int8"]


@dataclass(frozen=True)
class Exported:
    """A file that was kept.

    Attributes:
        file: where it is.
        bytes: its size.
        facts: what it says of itself.
        agreement: with torch, on validation.
        trained_accuracy: on validation as the run judged it itself, in the precision it was trained in; 0..1.
    """

    file: Path
    bytes: int
    facts: Facts
    agreement: Agreement
    trained_accuracy: float


def export(
    run: Run,
    faces: Faces,
    out: Path,
    precision: Precision = "float32",
    temperature: bool = True,
    logit_adjustment: float = 0.0,
    name: str = "",
    licence: str = "",
    note: str = "",
) -> Exported:
    """Write a run as an ONNX file: `faces` uint8 [N, H, W] -> `probabilities` float32 [N, K].

    The test split is judged only where the run's study has opened it before.

    Args:
        run: a finished one.
        faces: those it was trained on.
        out: the file, which may be there already.
        precision: float16 halves the file; int8 quarters it and is computed in int8, calibrated on train.
        temperature: whether one is fitted on validation; 1 if not.
        logit_adjustment: how much is taken back of what was learnt of how common each class is, 0..1.
        name: what to call the model; the file's name unless given.
        licence: that the model may be used under.
        note: what else its facts should tell.

    Raises:
        UserError: the file would differ from torch by more than it may, and none is left; or it cannot be written.
    """
    validation = faces.split("validation")
    graph = graph_of(run)
    if logit_adjustment:
        graph.offsets = offsets(faces.counts()["train"], faces.classes, logit_adjustment)
    logits = graph.logits(validation.images)
    if temperature:
        graph.temperature = fit_temperature(logits.numpy(), validation.labels)
    model = _made(graph, faces, precision)
    with TemporaryDirectory() as folder:
        draft = Path(folder) / "model.onnx"
        draft.write_bytes(model.SerializeToString())
        said = probabilities(draft, validation.images)
        found = agreement(said, (logits / graph.temperature).softmax(1).numpy(), validation.labels)
        refuse(found, precision)
        scores = split_scores("validation", said, faces, graph.temperature)
        if run.status.test_opened:
            test = probabilities(draft, faces.split("test").images)
            scores |= split_scores("test", test, faces, graph.temperature)
    facts = replace(_facts(run, faces, graph, precision), name=name or out.stem, licence=licence, note=note)
    facts = replace(facts, logit_adjustment=logit_adjustment, scores=scores)
    model.metadata_props.add(key=KEY, value=facts.to_json())
    _keep(model, out)
    trained = run.predictions("validation")
    assert trained is not None
    return Exported(out, out.stat().st_size, facts, found, trained.accuracy)


def _made(graph: Graph, faces: Faces, precision: Precision) -> "ModelProto":
    model = to_onnx(graph, faces.size)
    if precision == "float16":
        model = to_float16(model)
    elif precision == "int8":
        train = faces.split("train").images
        rows = np.random.default_rng(0).permutation(len(train))[:CALIBRATION]
        model = to_int8(model, train[np.sort(rows)])
    _strip(model)
    return model


def _strip(model: "ModelProto") -> None:
    """Leave out what the exporter notes of its own work: places in source files of this machine, names of modules."""
    model.producer_name, model.producer_version = "mien", __version__
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del part.metadata_props[:]


def _facts(run: Run, faces: Faces, graph: Graph, precision: Precision) -> Facts:
    return Facts(
        name="",
        version=__version__,
        classes=faces.classes,
        height=faces.images.shape[1],
        width=faces.images.shape[2],
        parameters=run.status.parameters,
        precision=precision,
        temperature=graph.temperature,
        mirror=graph.views.mirror,
        zooms=graph.views.zooms,
        run=run.id,
        study=_study_name(run),
        net=run.net.name,
        seed=run.seed,
        data={
            "name": faces.name,
            "fingerprint": faces.fingerprint,
            "counts": faces.counts(),
            "before": _learnt_before(run),
        },
        recipe=_recipe_of(run),
        layers=tuple(str(parse(word, run.net.values)) for word in run.net.layers),
        created=now(),
    )


def _recipe_of(run: Run) -> dict[str, Any]:
    """The entries of its recipe that differ from their defaults; of the run it started from its name alone."""
    changes = run.recipe.changes()
    return changes | ({"start": Path(run.recipe.start).name} if run.recipe.start else {})


def _learnt_before(run: Run) -> str | None:
    """The fingerprint of the faces that the run it started from learnt from; None where that is not known."""
    before = run.folder.parent / run.recipe.start  # an absolute path stays what it is
    if not run.recipe.start or not (before / "run.json").exists():
        return None
    return str(Run.open(before).asked["faces"]["fingerprint"])


def _study_name(run: Run) -> str:
    """What the study that a run belongs to is called; "" for a run that stands alone."""
    study = study_of(run)
    if study is None:
        return ""
    return str(tomllib.loads((study / "study.toml").read_text(encoding="utf-8"))["name"])


def _keep(model: "ModelProto", out: Path) -> None:
    try:
        with whole_file(out) as draft:
            draft.write_bytes(model.SerializeToString())
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {(error.strerror or str(error)).lower()}") from None
