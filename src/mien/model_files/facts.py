"""Facts: the description of a model in its ONNX file, JSON in the file's metadata. Read without torch or onnx."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from mien.errors import UserError
from mien.model_files.session import open_session
from mien.runs.former_names import current_names

KEY = "mien"
"""The facts' key in the file's metadata_props."""

INPUT, OUTPUT = "faces", "probabilities"
"""The graph's input, uint8 [N, H, W], gray, 0 black to 255 white; and its output, float32 [N, K], rows sum to 1."""

FORMER_NAMES = {"mirror": "tta_flip", "zooms": "tta_scales"}
"""The present name of each entry that had another one before version 0.1.0; files with the former ones are read."""


@dataclass(frozen=True)
class Facts:
    """The description of a model.

    The file's graph does everything between gray pixels and probabilities: test-time augmentation, scaling, logit
    adjustment, temperatures, softmax.

    Attributes:
        name: of the model.
        version: of the mien that wrote the file.
        classes: the K emotions, in the order of the probabilities.
        height, width: of the faces it takes, in pixels.
        parameters: of the net, or of all nets of an ensemble.
        precision: of the stored weights: float32, float16 or int8; int8 is also computed in int8.
        temperature: the one fitted on all faces together (Guo et al. 2017, arXiv 1706.04599); 1: none.
        temperatures: one for each class; a face's own is computed from them, see
            `mien.export.temperature.Temperatures`.
        logit_adjustment: strength of the logit adjustment for class imbalance, 0..1 (Menon et al. 2021, arXiv
            2007.07314).
        tta_flip: whether each face is classified together with its mirror image; of an ensemble: by all nets.
        tta_scales: further crops of test-time augmentation, as shares of the side; of an ensemble, see `members`.
        run, study, net, seed: where the model comes from; study is "" for a single run outside a study. Of an ensemble,
            `run` has the names of all runs, `net` is the study's name for them and `seed` that of the first.
        data: of the faces it was trained on: `name`, `fingerprint`, and `counts` by split and emotion; `before`: the
            fingerprint of the faces of the run that its weights were initialised from, None where there is none or it
            is gone; `votes`: whether FER+'s votes were the targets, of this run or of one that it was initialised from
            or distilled from.
        recipe: the entries of its training's recipe that differ from their defaults.
        layers: of the net, a word each, hyper-parameters bound.
        reference: the probabilities in float32 of the reference faces in the file, K each, which check a machine
            (`mien.model_files.reference`); () in older files.
        members: of an ensemble, of each run its `run`, `net`, `seed`, `recipe`, `layers`, `before` and `votes` as in
            `data`, and `weight`, its share of the mean; recipe and layers are empty then. () for a single run.
        scores: measured with this file; shares, 0..1. By split (`validation`, and `test` where the study has opened
            it): `..._faces`, `..._accuracy` with its 95 % interval `..._low` and `..._high`,
            `..._macro_f1`, `..._balanced_accuracy`, `..._nll`, `..._ece` and, at temperature 1, `..._ece_before`,
            `..._per_class` (precision, recall, f1, support by emotion); of the test images, `test_leaked` are pixel for
            pixel in train: `test_accuracy_without_leaks`, `test_without_leaks_low` and `..._high` are of the others.
        created: when (UTC).
        licence: of the model; "" where none was given.
        note: further remarks.
    """

    name: str
    version: str
    classes: tuple[str, ...]
    height: int
    width: int
    parameters: int
    precision: str
    temperature: float
    temperatures: tuple[float, ...]
    tta_flip: bool
    run: str
    study: str
    net: str
    seed: int
    data: Mapping[str, Any]
    recipe: Mapping[str, Any]
    layers: tuple[str, ...] = ()
    scores: Mapping[str, Any] = field(default_factory=dict)
    created: str = ""
    licence: str = ""
    note: str = ""
    tta_scales: tuple[float, ...] = ()
    logit_adjustment: float = 0.0
    members: tuple[Mapping[str, Any], ...] = ()
    reference: tuple[tuple[float, ...], ...] = ()

    def to_json(self) -> str:
        """The JSON text for the file's metadata."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of(cls, text: str | None, where: str | Path) -> "Facts":
        """Read the facts that `to_json` wrote; entries that a later mien added are ignored.

        Args:
            text: JSON; None where the file has none.
            where: the file, for the message.

        Raises:
            UserError: the text is not a model's facts.
        """
        unreadable = UserError(
            f"{where}: an ONNX file, but none that mien exported; make one with: mien export RUN FILE"
        )
        try:
            entries = _with_current_names(json.loads(text or ""))
            known: dict[str, Any] = {entry.name: entries[entry.name] for entry in fields(cls) if entry.name in entries}
            # Files of before the first release have one temperature for all classes.
            known.setdefault("temperatures", [known["temperature"]] * len(known["classes"]))
            known |= {
                name: tuple(known[name])
                for name in ("classes", "layers", "tta_scales", "members", "temperatures", "reference")
                if name in known
            }
            if "reference" in known:
                known["reference"] = tuple(map(tuple, known["reference"]))
            facts = cls(**known)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise unreadable from None
        if not facts._readable:
            raise unreadable
        return facts

    @property
    def _readable(self) -> bool:
        """Whether the entries that other code relies on have the expected types and lengths."""
        return (
            len(self.classes) > 1
            and all(isinstance(name, str) for name in self.classes)
            and len(self.temperatures) == len(self.classes)
            and all(isinstance(side, int) and side > 0 for side in (self.height, self.width))
            and all(isinstance(entry, Mapping) for entry in (self.data, self.recipe, self.scores, *self.members))
            and all(len(answer) == len(self.classes) for answer in self.reference)
            and all(isinstance(share, float) for answer in self.reference for share in answer)
            and all({"run", "net", "seed", "recipe", "layers"} <= one.keys() for one in self.members)
        )


def _with_current_names(entries: Mapping[str, Any]) -> dict[str, Any]:
    """The entries, their recipe's and their members' recipes' under their present names."""
    current = {FORMER_NAMES.get(name, name): value for name, value in entries.items()}
    members = [{**member, "recipe": current_names(member["recipe"])} for member in current.get("members", ())]
    return current | {"recipe": current_names(current["recipe"]), "members": members}


def read_facts(path: Path) -> Facts:
    """Read the facts of a model file.

    Raises:
        UserError: the file cannot be read, or is not one that mien exported.
    """
    return Facts.of(open_session(path, optimised=False).get_modelmeta().custom_metadata_map.get(KEY), path)
