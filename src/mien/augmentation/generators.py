"""The five data generators of the course's study (2021), as entries of a recipe."""

GENERATORS: dict[str, dict[str, object]] = {
    "generator_1": {
        "augment": ("rotate(90)", "shift(0.2)", "flip", "flip_vertical"),
        "scaling": "featurewise",
        "whitening": "zca",
    },
    "generator_2": {"scaling": "featurewise"},
    "generator_3": {"whitening": "zca"},
    "generator_4": {"augment": ("rotate(90)",)},
    "generator_5": {"augment": ("shift(0.2)",)},
}
"""Each generator by its name: what it sets apart from a recipe's defaults."""
