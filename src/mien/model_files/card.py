"""Model card: a model's description for people, rendered from its facts, so that no figure is typed by hand.

After Mitchell et al. 2019, "Model Cards for Model Reporting", arXiv 1810.03993.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mien.model_files.facts import Facts

TEMPLATE = Path(__file__).parent / "card.md.j2"

_FER2013 = (3995, 436, 4097, 7215, 4830, 3171, 4965)
"""Train faces of each emotion in FER2013 (Goodfellow et al. 2013, arXiv 1307.0414), which identify it."""


def card_of(facts: Facts, size: int) -> str:
    """Render a model card as Markdown.

    Args:
        facts: of the model.
        size: of its file in bytes.
    """
    from jinja2 import Environment, StrictUndefined

    source = TEMPLATE.read_text(encoding="utf-8")
    page = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701
    page.filters["listed"] = _listed
    page.filters["percent"] = lambda share, digits=1: f"{100 * share:.{digits}f}"
    counts = facts.data.get("counts", {})
    splits = [name for name in ("validation", "test") if f"{name}_accuracy" in facts.scores]
    split = splits[-1] if splits else ""
    members = [dict(one) for one in facts.members or (_single(facts),)]
    return page.from_string(source).render(
        facts=facts,
        size=size,
        splits=splits,
        split=split,
        per_class=facts.scores.get(f"{split}_per_class", {}),
        totals={split: sum(numbers.values()) for split, numbers in counts.items()},
        fer2013=tuple(counts.get("train", {}).values()) == _FER2013,
        members=[{"votes": False} | one | _shown_of(one) for one in members],
        names=_listed([f"`{one['run']}`" for one in members]),
        weights=_weights(members),
        temperatures=_temperatures(facts),
        flip=any(one["recipe"].get("tta_flip", facts.tta_flip) for one in members),
        scales=facts.tta_scales or sorted({scale for one in members for scale in one["recipe"].get("tta_scales", ())}),
    )


def _shown_of(member: Mapping[str, Any]) -> dict[str, Any]:
    """What the card shows of a net beside its facts: its recipe as text and its backbone."""
    from mien.nets.backbones.catalog import BACKBONES

    first = member["layers"][0].partition("(")[0] if member["layers"] else ""
    settings = {key: _shown(value) for key, value in member["recipe"].items()}
    return {"settings": settings, "backbone": first if first in BACKBONES else ""}


def _listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), *words[-1:]] if len(words) > 1 else words)


def _weights(members: Sequence[Mapping[str, Any]]) -> list[str]:
    """The weight of each member in the mean; [] where all weights are equal."""
    weights = [one.get("weight") for one in members]
    return [f"{weight:.2g}" for weight in weights if weight] if len(set(weights)) > 1 else []


def _temperatures(facts: Facts) -> list[str]:
    """Each emotion's temperature as text; [] where all are 1."""
    pairs = zip(facts.classes, facts.temperatures, strict=True)
    return [f"{name} {value:.2f}" for name, value in pairs] if set(facts.temperatures) != {1} else []


def _single(facts: Facts) -> dict[str, Any]:
    """A single run in the form of an entry of `Facts.members`."""
    data = {key: facts.data.get(key) for key in ("before", "votes")}
    return {"run": facts.run, "net": facts.net, "recipe": facts.recipe, "layers": facts.layers, **data}


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
