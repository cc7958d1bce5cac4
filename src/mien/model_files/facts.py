"""Facts: what a model file says of itself, as JSON in the ONNX file's metadata. Read without torch and without onnx."""

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
"""What goes in, uint8 [N, H, W], gray, 0 black to 255 white; and what comes out, float32 [N, K], rows sum to 1."""


@dataclass(frozen=True)
class Facts:
    """What is known of a model.

    All between gray pixels and probabilities is in the file's graph: views, scaling, adjustment, temperatures, softmax.

    Attributes:
        name: what to call it.
        version: of the mien that wrote it.
        classes: the K emotions, in the order of the probabilities.
        height, width: of the faces it takes, in pixels.
        parameters: of the net, or of all nets that judge together.
        precision: what the weights are kept in: float32, float16, or int8, which it also computes in.
        temperature: the one that fits all faces alike (Guo et al. 2017, arXiv 1706.04599); 1 leaves logits as they are.
        temperatures: of each class, from which each face has its own, see `mien.export.temperature.Temperatures`.
        logit_adjustment: how much of the logarithm of each class's share of train is taken from its logit (Menon et al.
            2021, arXiv 2007.07314), 0..1.
        tta_flip: whether each face is judged together with its mirror image; of several runs, by all of them.
        tta_scales: further frames of test-time augmentation, in shares of the side; of several runs, see `members`.
        run, study, net, seed: where it comes from; study is "" for a run that stands alone. Of several runs that judge
            together, `run` has all of their names, `net` is what the study calls them and `seed` that of the first.
        data: of the faces it was trained on: `name`, `fingerprint`, and `counts` by split and emotion; `before`: the
            fingerprint of those that the run it started from learnt from, None where there is none or it is gone;
            `votes`: whether FER+'s votes were learnt from, or a run that had learnt from them.
        recipe: the entries of its training's recipe that differ from their defaults.
        layers: of the net, a word each, hyper-parameters bound.
        reference: what the file says, in float32, of the faces that it carries for checking a machine, K shares each
            (`mien.model_files.reference`); () in older files.
        members: of several runs, of each its `run`, `net`, `seed`, `recipe`, `layers`, `before` and `votes` as in
            `data`, and `weight`, its share of the mean; recipe and layers are empty then. () for a single run.
        scores: what this file is worth, measured by it; shares, 0..1. By split (`validation`, and `test` where the
            study had opened it): `..._faces`, `..._accuracy` with its 95 % interval `..._low` and `..._high`,
            `..._macro_f1`, `..._balanced_accuracy`, `..._nll`, `..._ece` and, at temperature 1, `..._ece_before`,
            `..._per_class` (precision, recall, f1, support by emotion); of the test images, `test_leaked` are pixel for
            pixel in train: `test_accuracy_without_leaks`, `test_without_leaks_low` and `..._high` are of the others.
        created: when (UTC).
        licence: that it may be used under; "" where nobody said.
        note: what else to know.
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
        """As the text that stands in the file."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of(cls, text: str | None, where: str | Path) -> "Facts":
        """The facts that `to_json` gave; entries that a later mien added are left out.

        Args:
            text: None where the file has none.
            where: the file, for the message.

        Raises:
            UserError: these are no facts of mien's.
        """
        strange = UserError(f"{where}: an ONNX file, but none that mien exported; make one with: mien export RUN FILE")
        try:
            found = _current(json.loads(text or ""))
            known: dict[str, Any] = {entry.name: found[entry.name] for entry in fields(cls) if entry.name in found}
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
            raise strange from None
        if not facts._readable:
            raise strange
        return facts

    @property
    def _readable(self) -> bool:
        """Whether what is computed and looked up with is of its kind."""
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


def _current(entries: dict[str, Any]) -> dict[str, Any]:
    """Facts under their names of today, those of the recipes too."""
    entries = current_names(entries)
    for one in (entries, *entries.get("members", ())):
        one["recipe"] = current_names(one["recipe"])
    return entries


def read_facts(path: Path) -> Facts:
    """The facts of a model file.

    Raises:
        UserError: it cannot be read, or is no model of mien's.
    """
    return Facts.of(open_session(path, optimised=False).get_modelmeta().custom_metadata_map.get(KEY), path)
