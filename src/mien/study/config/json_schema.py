"""The JSON schema of study files: editors check a file by it, complete its keys and show what they mean.

It has no references: editors of TOML show the description of what is referred to in place of a key's own.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from mien.augmentation import WORDS as AUGMENTATIONS
from mien.faces.classes import LAYOUTS
from mien.faces.clean import CLEAN
from mien.model_files.bundled import bundled_runs
from mien.nets.backbones import BACKBONES
from mien.nets.layers import WORDS as LAYERS
from mien.nets.zoo import ZOO
from mien.runs.recipe import Recipe
from mien.study.config.space import DISTRIBUTIONS
from mien.study.config.study_table import StudyTable
from mien.study.config.tune import PRUNERS

_TEXT = {"type": "string"}
_VALUE = {"type": ["number", "string", "boolean"]}
_NAMES = {"type": "array", "items": _TEXT, "minItems": 1}
_INSIDE = ("additionalProperties", "items", "propertyNames")
"""Keys of a schema that hold a schema."""


class _WithoutTitles(GenerateJsonSchema):
    """Without the titles that pydantic makes of names, which editors show before the descriptions."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def study_schema() -> str:
    """The JSON schema of study files, as text."""
    schema = StudyTable.model_json_schema(schema_generator=_WithoutTitles)
    schema = _simple(schema, schema.get("$defs", {}))
    for place, entry in _free_tables():
        _put(schema, place, entry)
    # Version 7: the last that editors of TOML know.
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Study file of mien"}
    return json.dumps(head | schema | {"required": ["name", "nets"]}, indent=2, ensure_ascii=False) + "\n"


def _free_tables() -> Iterator[tuple[str, dict[str, Any]]]:
    """By place, what stands in tables that are checked by other means than their types, and in entries of two forms."""
    recipe = _recipe()
    layers = {"items": _word(LAYERS, "a layer: conv(32), relu, pool; or a hyper-parameter that spells one")}
    yield "recipe", recipe
    yield "previews.*", recipe | {"description": "entries of a recipe; those that change faces are shown"}
    yield "data.source", {"anyOf": [_TEXT, _NAMES]}
    yield "data.clean", _one_or_more({"enum": list(CLEAN)})
    yield "data.classes", _one_or_more(_TEXT, one={"enum": list(LAYOUTS)})
    yield "seeds", {"uniqueItems": True}
    yield "nets.*", _how_layers_are_given()
    yield "nets.*.recipe", recipe
    yield "nets.*.layers", layers
    yield "nets.*.head", layers
    yield "nets.*.backbone", _word([word for word in LAYERS if word == "timm" or word in BACKBONES])
    yield "nets.*.zoo", {"enum": list(ZOO)}
    yield "nets.*.values", {"additionalProperties": _VALUE}
    yield "nets.*.init_from", _init_from()
    yield "nets.*.tune.space", _space()
    yield "nets.*.tune.pruner", _word(PRUNERS, names=False)
    yield "nets.*.tune.enqueue", {"items": {"type": "object", "additionalProperties": _VALUE}}
    yield "groups.*", _list_or_table({}, "the names of its nets, or a table")
    weights = {"type": "object", "additionalProperties": {"type": "number", "exclusiveMinimum": 0}, "minProperties": 1}
    yield "ensembles.*", _list_or_table(weights, "the names of its nets, or a table of what each weighs")


def _recipe() -> dict[str, Any]:
    """The table of a recipe's entries; `init_from` belongs to the net itself."""
    schema = _simple(Recipe.model_json_schema(schema_generator=_WithoutTitles), {})
    del schema["properties"]["init_from"], schema["description"]
    _put(schema, "augment", _one_or_more(_word(AUGMENTATIONS)))
    _put(schema, "teachers", _one_or_more(_TEXT))
    _put(schema, "tta_scales", _one_or_more(schema["properties"]["tta_scales"]["items"]))
    _put(schema, "device", {"pattern": r"^(auto|cpu|mps|cuda(:\d{1,3})?)$", "examples": ["auto", "cpu", "cuda", "mps"]})
    return schema


def _how_layers_are_given() -> dict[str, Any]:
    keys = ("layers", "zoo", "backbone", "init_from")
    together = {"backbone": ["head"], "head": ["backbone"]}
    return {"oneOf": [{"required": [key]} for key in keys], "dependencies": together}


def _init_from() -> dict[str, Any]:
    tables = {
        "net": _TEXT | {"description": "another net of the study, which is trained before"},
        "run": _TEXT | {"description": "path of a finished run, of a study for its best net, or STUDY/NET"},
        "bundled": {"enum": list(bundled_runs()), "description": "a model that comes with mien"},
    }
    one_key = {"type": "object", "properties": tables, "additionalProperties": False}
    return {
        "anyOf": [_TEXT, one_key | {"minProperties": 1, "maxProperties": 1}],
        "examples": [f"bundled:{name}" for name in bundled_runs()],
    }


def _space() -> dict[str, Any]:
    entries = "|".join(name for name in Recipe.model_fields if name not in ("device", "init_from"))
    choice = {"type": "array", "items": _VALUE, "minItems": 1, "uniqueItems": True}
    drawn = _word(DISTRIBUTIONS, names=False) | {"examples": ["uniform(0.1, 0.35)", "log_uniform(1e-4, 1e-2)"]}
    described = {"description": "a list to choose from; or uniform(0.1, 0.35), log_uniform(1e-4, 1e-2), integers(1, 8)"}
    entry = described | {"anyOf": [choice, drawn]}
    names = (rf"^recipe\.({entries})$", r"^[^\W\d]\w*$")
    return {"patternProperties": dict.fromkeys(names, entry), "additionalProperties": False}


def _word(words: Iterable[str], description: str = "", names: bool = True) -> dict[str, Any]:
    """A text that is one of the words, with arguments or without; or a name of the file's own, if `names`."""
    known = "|".join(words)
    alone = r"[^\W\d]\w*" if names else known
    described = {"description": description} if description else {}
    # The list of words is for completion; what counts is the pattern.
    either = {"anyOf": [{"enum": known.split("|")}, {"pattern": rf"^\s*(({known})\s*\([\s\S]*\)|({alone}))\s*$"}]}
    return _TEXT | described | either


def _one_or_more(item: dict[str, Any], one: dict[str, Any] | None = None) -> dict[str, Any]:
    """An entry, `one` where it has another form alone than in a list; or a list of them, which may be empty."""
    return {"anyOf": [one or item, {"type": "array", "items": item}]}


def _list_or_table(table: dict[str, Any], description: str) -> dict[str, Any]:
    """A list of nets, or the table; {}: the one that is there."""
    return {"description": description, "anyOf": [_NAMES, table]}


def _put(schema: dict[str, Any], place: str, entry: dict[str, Any]) -> None:
    """Make the schema at a place more precise; `*` stands for the names that a table's keys are.

    Where the entry is one of several forms, these take the place of the form that is there; {} is that one.
    """
    for key in place.split("."):
        if key == "*" and schema["additionalProperties"] is True:  # anything
            schema["additionalProperties"] = {}
        schema = schema["additionalProperties"] if key == "*" else schema["properties"][key]
    if "anyOf" in entry:
        described = {key: schema.pop(key) for key in ("description", "default") if key in schema}
        entry = described | entry | {"anyOf": [form or dict(schema) for form in entry["anyOf"]]}
        schema.clear()
    schema.update(entry)


def _simple(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """A schema of pydantic's with its references put in, and without null, which TOML does not know, and titles."""
    simple = dict(schema)
    if "$ref" in simple:
        simple = {**definitions[simple.pop("$ref").rpartition("/")[2]], **simple}
    if "anyOf" in simple:
        one, *others = [one for one in simple.pop("anyOf") if one != {"type": "null"}]
        if not others:
            return _simple({**one, **simple}, definitions)
        simple["anyOf"] = [_simple(form, definitions) for form in (one, *others)]
    for key in ("$defs", "title"):
        simple.pop(key, None)
    if simple.get("default", 0) in (None, "", []) or isinstance(simple.get("default"), dict):
        del simple["default"]
    for key in _INSIDE:
        if isinstance(simple.get(key), dict):
            simple[key] = _simple(simple[key], definitions)
    if "properties" in simple:
        simple["properties"] = {key: _simple(value, definitions) for key, value in simple["properties"].items()}
    if "description" in simple:
        simple["description"] = simple["description"].partition("\n")[0].removesuffix(".")
    return simple
