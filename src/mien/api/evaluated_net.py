"""What a trained net and an ensemble have in common: a name, accuracies, scores and plots of their predictions."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.api.prediction_plots import PredictionPlots
from mien.disk import user_path
from mien.errors import UserError
from mien.report.study_data import ReportedStudy
from mien.runs.predictions import Predictions
from mien.runs.results import EnsembleResult, NetResult, SplitAccuracies, SplitScores

if TYPE_CHECKING:
    from mien.export.write import Exported


class EvaluatedNet(PredictionPlots):
    """A net of a study, or an ensemble. It compares equal to its name, which `str` gives.

    Its plots show the predictions of test where it was evaluated on it, else of validation.
    """

    def __init__(self, study: ReportedStudy, folder: Path, result: NetResult | EnsembleResult) -> None:
        self._study, self._folder, self._result = study, folder, result

    @abstractmethod
    def predictions_of(self, split: str) -> Sequence[Predictions]:
        """The predictions of a split, once for each seed; an ensemble has one; () where it was not evaluated on it."""

    @property
    def name(self) -> str:
        """Its name."""
        return self._result.name

    @property
    def classes(self) -> Sequence[str]:
        """The names of the K emotions."""
        return self._study.classes

    @property
    def accuracy(self) -> SplitAccuracies:
        """Its accuracies by split: `accuracy.validation.mean`; None where it was not evaluated on a split."""
        return self._result.accuracy

    @property
    def scores(self) -> SplitScores | None:
        """What its predictions are worth, beside their accuracy; None where it was not evaluated."""
        return self._result.scores

    @property
    def evaluated_on(self) -> str:
        """The split of its scores and plots: test, or validation where it was not evaluated on test.

        Raises:
            UserError: it was not evaluated.
        """
        if self.scores is None:
            raise UserError(f"{self.name}: has no predictions; {self._result.reason or 'none of its runs has ended'}")
        return self.scores.evaluated_on

    @property
    def predictions(self) -> Sequence[Predictions]:
        """The predictions of each of the S seeds; all have the same N faces.

        Raises:
            UserError: it was not evaluated, or its runs are not in the study's folder any more.
        """
        if made := self.predictions_of(self.evaluated_on):
            return made
        raise UserError(self.gone(self.evaluated_on))

    def gone(self, split: str) -> str:
        """What to say where it was evaluated on a split, but the predictions are not there."""
        return (
            f"{self.name}: its predictions of {split} are not in {self._folder / 'runs'} any more; run the study again "
            "in this folder"
        )

    @cached_property
    def images(self) -> NDArray[np.uint8] | None:
        """The faces, uint8 [N, H, W], in the order of the predictions; opened again where the study read them.

        Raises:
            UserError: they are not there any more, or are others.
        """
        faces = self._study.results.faces
        return faces.spec.reopen(faces.fingerprint).split(self.evaluated_on).images

    def export(
        self,
        path: str | PathLike[str],
        *,
        int8: bool = False,
        fp16: bool = False,
        temperature: bool = True,
        logit_adjustment: float = 0.0,
        name: str = "",
        licence: str = "",
        note: str = "",
        card: bool = False,
    ) -> "Exported":
        """Write it as one ONNX file, which is compared with torch before it is saved.

        Of several seeds the one that is best on validation is taken. `mien.Predictor(path)` predicts with the file.

        Args:
            path: the file to write, FILE.onnx; an existing one is replaced.
            int8: compute in int8: a quarter of the size.
            fp16: store weights as float16: half the size.
            temperature: calibrate the probabilities: fit temperatures on validation.
            logit_adjustment: strength of the logit adjustment, 0..1; higher favours rare emotions.
            name: of the model; the file's unless given.
            licence: of the model.
            note: a sentence for the model's facts and its card.
            card: write the model card beside it too, as FILE.md.

        Returns:
            What was written: its file, its facts, and how far it agrees with torch.

        Raises:
            UserError: it was not trained to its end, an argument is out of its range, the faces are not there any more,
                or the file differs from torch by more than is allowed and is not saved.
        """
        from mien.export import write
        from mien.runs.resolve import resolve_runs

        out = user_path(path)
        if int8 and fp16:
            raise UserError("int8 with fp16: a file has one precision; choose one")
        if not 0 <= logit_adjustment <= 1:
            raise UserError(f"logit_adjustment {logit_adjustment:g}: give a number from 0 to 1")
        if out.suffix.lower() != ".onnx" or out.is_dir():
            raise UserError(f"{out}: the file to write must end in .onnx")
        resolved, faces = resolve_runs(self._folder / self.name), self._study.results.faces
        exported = write.export(
            resolved.runs,
            faces.spec.reopen(faces.fingerprint),
            out,
            "int8" if int8 else "float16" if fp16 else "float32",
            temperature,
            logit_adjustment,
            name=name,
            licence=licence,
            note=note,
            net=resolved.name,
            weights=resolved.weights,
        )
        if card:
            write.write_card(exported)
        return exported

    def __str__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return self.name == other
        # In one folder a net of the same name may have been another, before the study was changed.
        return isinstance(other, type(self)) and (self._folder, self._result) == (other._folder, other._result)

    def __hash__(self) -> int:
        return hash(self.name)
