"""Write: finished runs to one ONNX file, which is opened again, compared and judged before it is kept."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mien import __version__
from mien.disk import whole_file
from mien.errors import UserError
from mien.export.adjustment import offsets
from mien.export.agreement import Agreement, Precision
from mien.export.evaluate import Judged, judge
from mien.export.graph import Graph, graph_of, to_onnx
from mien.export.quantise import CALIBRATION, saturating, to_float16, to_int8
from mien.faces import Faces
from mien.model_files import reference
from mien.model_files.facts import KEY, Facts
from mien.nets.parsing import parse
from mien.runs.environment import now
from mien.runs.predictions import Predictions
from mien.runs.resolve import study_of
from mien.runs.run import Run

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True)
class Exported:
    """A file that was kept.

    Attributes:
        file: where it is.
        bytes: its size.
        facts: what it says of itself.
        agreement: with torch, on validation.
        trained_accuracy: on validation as the runs judged it themselves, in the precision they were trained in; 0..1.
    """

    file: Path
    bytes: int
    facts: Facts
    agreement: Agreement
    trained_accuracy: float


def export(
    runs: Sequence[Run],
    faces: Faces,
    out: Path,
    precision: Precision = "float32",
    temperature: bool = True,
    logit_adjustment: float = 0.0,
    name: str = "",
    licence: str = "",
    note: str = "",
    net: str = "",
    weights: Sequence[float] = (),
) -> Exported:
    """Write a run, or several that judge together, as an ONNX file: `faces` uint8 [N, H, W] -> float32 [N, K].

    Several are judged by the weighted mean of their probabilities. The test split is judged only where their study has
    opened it before.

    Args:
        runs: finished ones.
        faces: those they were trained on.
        out: the file, which may be there already.
        precision: float16 halves the file; int8 quarters it and is computed in int8, calibrated on train.
        temperature: whether temperatures are fitted on validation; 1 if not.
        logit_adjustment: how much is taken back of what was learnt of how common each class is, 0..1.
        name: what to call the model; the file's name unless given.
        licence: that the model may be used under.
        note: what else its facts should tell.
        net: what the study calls several runs together.
        weights: what each of several runs weighs; they sum to 1. (): all the same.

    Raises:
        UserError: the file would differ from torch by more than it may, and none is left; or it cannot be written.
    """
    graph = graph_of(*runs)
    weights = weights or [1 / len(runs)] * len(runs)
    if len(set(weights)) > 1:
        graph.weights = torch.tensor(weights)
    if logit_adjustment:
        graph.offsets = offsets(faces.counts()["train"], faces.classes, logit_adjustment)
    model = _made(graph, faces, precision)
    judged = judge(model, graph, faces, precision, temperature, all(run.status.test_opened for run in runs))
    facts = replace(
        _facts(runs, weights, faces, precision, net, judged),
        name=name or out.stem,
        licence=licence,
        note=note,
        logit_adjustment=logit_adjustment,
    )
    model.metadata_props.add(key=KEY, value=facts.to_json())
    model.metadata_props.add(key=reference.KEY, value=reference.to_text(judged.reference_faces))
    _keep(model, out)
    return Exported(out, out.stat().st_size, facts, judged.agreement, _trained_accuracy(runs, weights))


def _made(graph: Graph, faces: Faces, precision: Precision) -> "ModelProto":
    model = to_onnx(graph, faces.size)
    if precision == "float16":
        model = to_float16(model)
    elif precision == "int8":
        train = faces.split("train").images
        rows = np.random.default_rng(0).permutation(len(train))[:CALIBRATION]
        model = to_int8(model, train[np.sort(rows)])
        assert not saturating(model), "int8 weights that processors would multiply differently"
    _strip(model)
    return model


def _strip(model: "ModelProto") -> None:
    """Leave out what the exporter notes of its own work: places in source files of this machine, names of modules."""
    model.producer_name, model.producer_version = "mien", __version__
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del part.metadata_props[:]


def _trained_accuracy(runs: Sequence[Run], weights: Sequence[float]) -> float:
    """What the runs together are worth on validation by what they said themselves when they were trained."""
    said = [run.predictions("validation") for run in runs]
    judged = [one for one in said if one is not None]
    mean = np.average([one.probabilities for one in judged], axis=0, weights=weights)
    return Predictions(mean, judged[0].labels).accuracy


def _facts(
    runs: Sequence[Run], weights: Sequence[float], faces: Faces, precision: Precision, net: str, judged: Judged
) -> Facts:
    members = tuple(_member(run) | {"weight": weight} for run, weight in zip(runs, weights, strict=True))
    several: dict[str, Any] = {
        "run": " + ".join(run.id for run in runs),
        "net": net,
        "seed": runs[0].seed,
        "recipe": {},
        "layers": (),
    }
    origin = members[0] if len(runs) == 1 else several
    return Facts(
        name="",
        version=__version__,
        classes=faces.classes,
        height=faces.images.shape[1],
        width=faces.images.shape[2],
        parameters=sum(run.status.parameters for run in runs),
        precision=precision,
        temperature=judged.temperatures.shared,
        temperatures=judged.temperatures.each,
        tta_flip=all(run.recipe.tta_flip for run in runs),
        tta_scales=runs[0].recipe.tta_scales if len(runs) == 1 else (),
        run=origin["run"],
        study=_study_name(runs[0]),
        net=origin["net"],
        seed=origin["seed"],
        data={
            "name": faces.name,
            "fingerprint": faces.fingerprint,
            "counts": faces.counts(),
            "before": origin.get("before"),
            "votes": any(one["votes"] for one in members),
        },
        recipe=origin["recipe"],
        layers=tuple(origin["layers"]),
        members=members if len(runs) > 1 else (),
        scores=judged.scores,
        reference=tuple(tuple(round(share, 6) for share in answer) for answer in judged.reference.tolist()),
        created=now(),
    )


def _member(run: Run) -> dict[str, Any]:
    """Where a run comes from, as `Facts.members` tells it."""
    return {
        "run": run.id,
        "net": run.net.name,
        "seed": run.seed,
        "recipe": _recipe_of(run),
        "layers": [str(parse(word, run.net.values)) for word in run.net.layers],
        "before": _learnt_before(run),
        "votes": _learnt_votes(run),
    }


def _recipe_of(run: Run) -> dict[str, Any]:
    """The entries of its recipe that differ from their defaults; of the run it started from its name alone."""
    changes = run.recipe.changes()
    return changes | ({"init_from": Path(run.recipe.init_from).name} if run.recipe.init_from else {})


def _learnt_before(run: Run) -> str | None:
    """The fingerprint of the faces that the run it started from learnt from; None where that is not known."""
    before = run.folder.parent / run.recipe.init_from  # an absolute path stays what it is
    if not run.recipe.init_from or not (before / "run.json").exists():
        return None
    return Run.open(before).config.faces.fingerprint


def _learnt_votes(run: Run) -> bool:
    """Whether it, or a run that it started or learnt from, was trained on FER+'s votes; where these are gone, not."""
    if run.recipe.targets == "votes":
        return True
    before = [run.folder.parent / name for name in (*run.recipe.teachers, run.recipe.init_from) if name]
    return any(_learnt_votes(Run.open(folder)) for folder in before if (folder / "run.json").exists())


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
