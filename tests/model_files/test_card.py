"""The card: every figure from the facts, nothing said that they do not bear."""

import re
from dataclasses import replace

from example_facts import FACTS

from mien.faces import EMOTIONS
from mien.model_files.card import card_of

COUNTS = {
    "train": dict(zip(EMOTIONS, (3995, 436, 4097, 7215, 4830, 3171, 4965), strict=True)),
    "validation": dict.fromkeys(EMOTIONS, 10),
    "test": dict.fromkeys(EMOTIONS, 20),
}
SPLIT = {"faces": 3589, "accuracy": 0.7123, "low": 0.6976, "high": 0.7271, "macro_f1": 0.695, "balanced_accuracy": 0.68}
SPLIT |= {"nll": 0.8, "ece": 0.0123, "ece_before": 0.0789}
SPLIT["per_class"] = {
    name: {"precision": 0.5, "recall": 0.9 - at / 10, "f1": 0.6, "support": 20} for at, name in enumerate(EMOTIONS)
}
SCORES = {f"{split}_{name}": value for split in ("validation", "test") for name, value in SPLIT.items()}
SCORES |= {"test_leaked": 288, "test_accuracy_without_leaks": 0.7011}
SCORES |= {"test_without_leaks_low": 0.685, "test_without_leaks_high": 0.7169}
FULL = replace(
    FACTS,
    classes=EMOTIONS,
    temperatures=(1.5, 1.1, 1, 1, 1, 1, 0.9),
    data=FACTS.data | {"counts": COUNTS},
    scores=SCORES,
)


def flat(text: str) -> str:
    """Without line breaks."""
    return re.sub(r"\s+", " ", text)


def test_every_figure_is_there() -> None:
    card = card_of(FULL, 2_500_000)
    assert card.startswith("# best\n")
    assert "| test | 3,589 | 71.2 (69.8 to 72.7) | 69.5 | 68.0 | 1.23 | 7.89 |" in card
    assert "288 of the test images" in card
    assert "70.1 % (68.5 to 71.7)" in card
    assert "| disgust | 50.0 | 80.0 | 60.0 | 20 |" in card
    expected = (
        "2,500,000 bytes",
        "1,234 parameters",
        "int8",
        "1.250",
        "cnn-0123456789",
        "28,709 train faces",
        "größer",
    )
    assert [fact for fact in expected if fact not in flat(card)] == []
    assert "weighted by the face's probabilities: angry 1.50, disgust 1.10, fear 1.00, happy 1.00, sad 1.00" in flat(
        card
    )
    assert "temperature" not in card_of(replace(FULL, temperatures=(1.0,) * 7, scores={}), 1)
    assert "It recognises neutral worst: 30.0 % of 20 test faces" in flat(card)


def test_teachers_are_named() -> None:
    assert "istilled" not in flat(card_of(FULL, 1))
    distilled = replace(FULL, recipe=FULL.recipe | {"teachers": ["teacher-0123456789"], "distillation_weight": 0.7})
    assert "Distilled from teacher-0123456789: 70 % of each target are the probabilities of this run" in flat(
        card_of(distilled, 1)
    )


def test_of_several_nets_each_is_described() -> None:
    one = {"run": "a-0123456789", "net": "a", "seed": 0, "layers": ["conv(4)", "classes"], "before": None}
    first = one | {"recipe": {"epochs": 7, "tta_scales": [0.9]}}
    second = one | {"run": "b-0123456789", "net": "b", "recipe": {"init_from": "a-0123456789"}}
    several = replace(FULL, net="both", recipe={}, layers=(), members=(first, second), logit_adjustment=0.3)
    card = card_of(several, 1)
    assert "from the runs `a-0123456789` and `b-0123456789` of study `best` (ensemble `both`)" in flat(card)
    assert "test-time augmentation with crops of 0.9 times the face's side" in flat(card)
    assert "the mean of the 2 nets' probabilities, logit adjustment, temperature scaling, softmax" in flat(card)
    unequal = replace(several, members=(first | {"weight": 0.8}, second | {"weight": 0.2}))
    assert "the weighted mean of the 2 nets' probabilities (weights 0.8 and 0.2), logit adjustment" in flat(
        card_of(unequal, 1)
    )
    assert "weighted mean" not in flat(card)
    third = second | {"run": "c-0123456789", "net": "c"}
    three = flat(card_of(replace(several, members=(first, second, third)), 1))
    assert "from the runs `a-0123456789`, `b-0123456789` and `c-0123456789` of study" in three
    assert "`a`, seed 0: trained on the train split only, with random initial weights." in flat(card)
    assert "`b`, seed 0: trained on the train split only, with the weights of the run a-0123456789" in flat(card)
    assert "30 % of the logarithm of each class's share of train" in flat(card)
    assert card.index("### a, seed 0\n") < card.index("| epochs | 7 |") < card.index("### b, seed 0\n")
    assert "###" not in card_of(FULL, 1)


def test_what_it_was_initialised_from_is_there() -> None:
    started = replace(FULL, recipe=FULL.recipe | {"init_from": "first-0123456789"})
    assert "of the run first-0123456789 as initial weights; that run may have been trained on other faces." in flat(
        card_of(started, 1)
    )
    same, other = FULL.data["fingerprint"], "ef" * 32
    for before, expected in ((same, "was trained on the same split."), (other, "was trained on other faces, of")):
        card = flat(card_of(replace(started, data=FULL.data | {"before": before}), 1))
        assert f"first-0123456789 as initial weights; that run {expected}" in card


def test_it_says_what_it_must_not_be_used_for_and_that_labels_are_noisy() -> None:
    card = flat(card_of(FULL, 1))
    assert "not in hiring, schools, policing, border control, medicine or insurance" in card
    assert "FER2013's labels are noisy" in card
    assert "436 train faces" in card


def test_of_other_faces_it_does_not_speak_as_of_fer2013() -> None:
    data = {"name": "mine", "fingerprint": "cd" * 32, "counts": {"train": {"calm": 5, "cross": 6}}}
    card = card_of(replace(FULL, data=data), 1)
    assert "FER2013" not in card
    assert "mine: 11 train faces" in card


def test_without_test_scores_it_says_that_test_was_not_looked_at() -> None:
    scores = {name: value for name, value in SCORES.items() if not name.startswith("test")}
    card = flat(card_of(replace(FULL, scores=scores), 1))
    assert "The test split was not used" in card
    assert "Scores by emotion on the validation faces" in card
    assert "| test |" not in card


def test_where_weights_and_targets_come_from() -> None:
    assert "random initial weights" in flat(card_of(FULL, 1))
    finetuned = replace(FULL, layers=("mobilenet_v2(thaw=2)", "classes"), recipe={"targets": "votes"})
    card = flat(card_of(finetuned, 1))
    assert "the ImageNet weights of mobilenet_v2 as initial weights" in card
    assert "labels from outside the data set" in card


def test_a_model_of_few_facts_has_a_card_too() -> None:
    assert "No scores were measured" in card_of(
        replace(FACTS, scores={}, note="", temperature=1.0, temperatures=(1.0,) * 7, tta_flip=False), 1
    )


def test_it_is_well_formed() -> None:
    card = card_of(FULL, 1)
    assert "{{" not in card
    assert "{%" not in card
    assert "\n\n\n" not in card
    assert not [line for line in card.splitlines() if line != line.rstrip()]
    assert len(tables(card)) == 3
    assert all(len({row.count("|") for row in rows}) == 1 for rows in tables(card))


def tables(card: str) -> list[list[str]]:
    """The rows of each table."""
    return [block.strip().splitlines() for block in re.findall(r"(?:^\|.*\n)+", card, re.MULTILINE)]
