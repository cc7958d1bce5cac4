"""Write: finished runs as one ONNX file, which is reloaded, compared with torch and evaluated before it is saved."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mien import __version__
from mien.disk import whole_file, write_text
from mien.errors import UserError, counted
from mien.export.agreement import Agreement, Precision
from mien.export.evaluate import FileEvaluation, evaluate
from mien.export.graph import Graph, graph_of, logit_offsets, to_onnx
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


@dataclass(frozen=True, repr=False)
class Exported:
    """An exported file. Its `repr` says what was written, and how far it agrees with torch.

    Attributes:
        file: its path.
        bytes: its size.
        facts: its description, as in the file.
        agreement: with torch, on validation.
        trained_accuracy: of the runs' own predictions on validation, in the precision of their training; 0..1.
    """

    file: Path
    bytes: int
    facts: Facts
    agreement: Agreement
    trained_accuracy: float

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    @property
    def lines(self) -> list[str]:
        """What there is to say of it: the file; what it takes and gives; its agreement and accuracies."""
        facts, agreement, scores = self.facts, self.agreement, self.facts.scores
        lines = [
            f"{self.file}: {facts.name}, {facts.precision}, {self.bytes:,} bytes, {facts.parameters:,} parameters",
            f"takes faces uint8 [N, {facts.height}, {facts.width}]; gives the probabilities of "
            f"{', '.join(facts.classes)}",
            f"compared with torch in float32 on {counted(agreement.faces, 'validation face')}: "
            f"the same emotion on {agreement.same:.2%}, probabilities within {agreement.largest:.2g}",
            f"validation accuracy: {agreement.accuracy:.2%}; torch {agreement.torch_accuracy:.2%}; "
            f"at the end of training {self.trained_accuracy:.2%}",
        ]
        splits = [split for split in ("validation", "test") if f"{split}_accuracy" in scores]
        return [*lines, *(_split_line(split, scores, facts.temperature) for split in splits)]


def _split_line(split: str, scores: Mapping[str, Any], temperature: float) -> str:
    mean, low, high, balanced, ece, before = (
        100 * scores[f"{split}_{name}"]
        for name in ("accuracy", "low", "high", "balanced_accuracy", "ece", "ece_before")
    )
    calibration = f"calibration error {ece:.2f} %"
    if temperature != 1:
        calibration += f" at temperatures around {temperature:.3f}, {before:.2f} % without"
    return f"{split}: {mean:.1f} % correct ({low:.1f} to {high:.1f}); balanced accuracy {balanced:.1f} %; {calibration}"


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
    """Write a run, or an ensemble of runs, as an ONNX file: `faces` uint8 [N, H, W] -> `probabilities` float32 [N, K].

    An ensemble gives the weighted mean of its runs' probabilities. The test split is evaluated only where the study has
    opened it before.

    >>> from pathlib import Path
    >>> from mien.export.write import export
    >>> exported = export([run], faces, Path("cnn.onnx"))
    >>> exported.facts.classes == faces.classes, exported.agreement.faces
    (True, 20)

    Args:
        runs: finished runs.
        faces: those they were trained on, all splits.
        out: the file; an existing one is replaced.
        precision: float16 halves the file; int8 quarters it and is computed in int8, calibrated on train.
        temperature: whether temperatures are fitted on validation; they are 1 otherwise.
        logit_adjustment: strength of the logit adjustment, 0..1; higher favours rare classes.
        name: of the model; by default the file's name.
        licence: of the model.
        note: further remarks for its facts.
        net: the study's name of the ensemble.
        weights: of the runs in an ensemble; they sum to 1. (): all equal.

    Raises:
        UserError: the file differs from torch by more than is allowed, and is not saved; or it cannot be written.
    """
    graph = graph_of(*runs)
    weights = weights or [1 / len(runs)] * len(runs)
    if len(set(weights)) > 1:
        graph.weights = torch.tensor(weights)
    if logit_adjustment:
        graph.offsets = logit_offsets(faces.counts()["train"], faces.classes, logit_adjustment)
    model = _build(graph, faces, precision)
    evaluation = evaluate(model, graph, faces, precision, temperature, all(run.status.test_opened for run in runs))
    facts = replace(
        _facts(runs, weights, faces, precision, net, evaluation),
        name=name or out.stem,
        licence=licence,
        note=note,
        logit_adjustment=logit_adjustment,
    )
    model.metadata_props.add(key=KEY, value=facts.to_json())
    model.metadata_props.add(key=reference.KEY, value=reference.to_text(evaluation.reference_faces))
    _save(model, out)
    return Exported(out, out.stat().st_size, facts, evaluation.agreement, _trained_accuracy(runs, weights))


def write_card(exported: Exported) -> Path:
    """Write the model card of an exported file beside it, as FILE.md, and give its path."""
    from mien.model_files.card import card_of

    path = exported.file.with_suffix(".md")
    write_text(path, card_of(exported.facts, exported.bytes))
    return path


def _build(graph: Graph, faces: Faces, precision: Precision) -> "ModelProto":
    model = to_onnx(graph, faces.size)
    if precision == "float16":
        model = to_float16(model)
    elif precision == "int8":
        train = faces.split("train").images
        rows = np.random.default_rng(0).permutation(len(train))[:CALIBRATION]
        model = to_int8(model, train[np.sort(rows)])
        assert not saturating(model), "int8 weights whose products differ between processors"
    _strip(model)
    return model


def _strip(model: "ModelProto") -> None:
    """Remove the exporter's own notes: paths of source files on this machine, names of modules."""
    model.producer_name, model.producer_version = "mien", __version__
    del model.metadata_props[:], model.graph.metadata_props[:], model.graph.value_info[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del part.metadata_props[:]


def _trained_accuracy(runs: Sequence[Run], weights: Sequence[float]) -> float:
    """The runs' accuracy on validation, together, by the predictions that they saved when they were trained."""
    predictions = [one for one in (run.predictions("validation") for run in runs) if one is not None]
    mean = np.average([one.probabilities for one in predictions], axis=0, weights=weights)
    return Predictions(mean, predictions[0].labels).accuracy


def _facts(
    runs: Sequence[Run],
    weights: Sequence[float],
    faces: Faces,
    precision: Precision,
    net: str,
    evaluation: FileEvaluation,
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
        temperature=evaluation.temperatures.shared,
        temperatures=evaluation.temperatures.each,
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
        scores=evaluation.scores,
        reference=tuple(tuple(round(share, 6) for share in answer) for answer in evaluation.reference.tolist()),
        created=now(),
    )


def _member(run: Run) -> dict[str, Any]:
    """A run as an entry of `Facts.members`."""
    return {
        "run": run.id,
        "net": run.net.name,
        "seed": run.seed,
        "recipe": _recipe_of(run),
        "layers": [str(parse(word, run.net.values)) for word in run.net.layers],
        "before": _faces_before(run),
        "votes": _used_votes(run),
    }


def _recipe_of(run: Run) -> dict[str, Any]:
    """The entries of its recipe that differ from their defaults; of the run in `init_from` only the name."""
    changes = run.recipe.changes()
    return changes | ({"init_from": Path(run.recipe.init_from).name} if run.recipe.init_from else {})


def _faces_before(run: Run) -> str | None:
    """The fingerprint of the faces of the run in its `init_from`; None where it is not known."""
    before = run.folder.parent / run.recipe.init_from  # an absolute path stays what it is
    if not run.recipe.init_from or not (before / "run.json").exists():
        return None
    return Run.open(before).config.faces.fingerprint


def _used_votes(run: Run) -> bool:
    """Whether its targets were FER+'s votes, or those of a run in `init_from` or `teachers` that still exists."""
    if run.recipe.targets == "votes":
        return True
    before = [run.folder.parent / name for name in (*run.recipe.teachers, run.recipe.init_from) if name]
    return any(_used_votes(Run.open(folder)) for folder in before if (folder / "run.json").exists())


def _study_name(run: Run) -> str:
    """The name of a run's study; "" for a run outside a study."""
    study = study_of(run)
    if study is None:
        return ""
    return str(tomllib.loads((study / "study.toml").read_text(encoding="utf-8"))["name"])


def _save(model: "ModelProto", out: Path) -> None:
    try:
        with whole_file(out) as temporary:
            temporary.write_bytes(model.SerializeToString())
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {(error.strerror or str(error)).lower()}") from None
