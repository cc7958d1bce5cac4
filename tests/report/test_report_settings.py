import pytest

from mien.report.recipe_summary import backbone_lines, changes, differences, settings
from mien.report.study_data import NetResult
from mien.runs.recipe import Recipe

PLAIN = [("epochs", "20"), ("batch", "256 faces"), ("optimiser", "Adam"), ("learning rate", "0.001")]


def test_a_plain_recipe_tells_four_things_and_folds_the_rest() -> None:
    found = settings(Recipe(), "bfloat16")
    assert list(found.told) == PLAIN
    assert dict(found.usual)["augmentation"] == "none"
    assert dict(found.usual)["precision"] == "bfloat16"


def test_every_entry_that_differs_is_told() -> None:
    recipe = Recipe(
        epochs=30,
        patience=5,
        keep="best",
        optimizer="sgd",
        learning_rate=0.05,
        momentum=0.9,
        nesterov=True,
        weight_decay=5e-4,
        schedule="cosine",
        warm_up=1,
        layer_decay=0.8,
        label_smoothing=0.1,
        focal_gamma=2,
        class_weights="balanced",
        sampling="balanced",
        targets="votes",
        augment=("flip", "rotate(10)"),
        scaling="featurewise",
        whitening="zca",
        precision="float32",
        teachers=("large", "old"),
        init_from="/there/cnn-0123456789",
        ema_decay=0.996,
        tta_flip=True,
    )
    found = settings(recipe)
    assert found.usual == ()
    told = dict(found.told)
    assert told["epochs"] == "at most 30, until 5 bring no better validation accuracy"
    assert told["optimiser"] == "SGD with momentum 0.9, Nesterov's"
    assert told["learning rate"] == "0.05, falling to 0 along a cosine; warm-up over 1 epoch"
    assert told["augmentation"] == "flip, rotate(10)"
    assert told["targets"] == "the shares of votes in FER+, 0.1 of each spread over all emotions"
    assert told["loss"] == "focal, γ = 2, every emotion weighing the same"
    assert told["sampling"] == "every emotion equally often"
    assert told["weight decay"] == "0.0005"
    assert told["rates of blocks"] == "0.8 times the rate of the block above"
    assert told["first weights"] == "of the run cnn-0123456789"
    assert told["teachers"] == "large and old, 0.5 of each target"
    assert told["weights kept"] == "of the epoch best on validation, a running average with decay 0.996"
    assert told["judged"] == "with its mirror image"
    assert told["whitening"] == "ZCA, as fitted on train"


@pytest.mark.parametrize("name", sorted(set(Recipe.model_fields) - {"augment"}))
def test_no_entry_of_a_recipe_is_left_out(name: str) -> None:
    other = {
        "epochs": 3, "batch": 3, "optimizer": "sgd", "learning_rate": 0.5, "momentum": 0.5, "nesterov": True,
        "weight_decay": 0.5, "schedule": "one_cycle", "warm_up": 2.0, "layer_decay": 0.5, "label_smoothing": 0.5,
        "focal_gamma": 1.0, "class_weights": "balanced", "sampling": "balanced", "targets": "votes",
        "scaling": "standardised", "whitening": "zca", "precision": "float32", "patience": 2, "keep": "best",
        "ema_decay": 0.9, "tta_flip": True, "teachers": ("other",), "distillation_weight": 0.9,
        "tta_scales": (0.9,), "init_from": "/there/cnn-0123456789",
    }  # fmt: skip
    base = {"optimizer": "sgd", "momentum": 0.9} if name in ("momentum", "nesterov") else {}
    base |= {"teachers": ("other",)} if name == "distillation_weight" else {}
    plain, changed = Recipe(**base), Recipe(**(base | {name: other[name]}))
    assert settings(plain).told + settings(plain).usual != settings(changed).told + settings(changed).usual


def test_what_a_preview_changes_is_one_line() -> None:
    assert changes(Recipe(scaling="featurewise", augment=("shift(0.2)",))) == (
        "augmentation shift(0.2); scaling each pixel to mean 0 and deviation 1 over train"
    )
    assert changes(Recipe()) == ""


def test_recipes_differ_by_name_and_value() -> None:
    mine, its = Recipe(epochs=10, batch=32, augment=("flip",)), Recipe(learning_rate=1e-3)
    assert differences(mine, its, apart_from=("augment",)) == ["epochs (10 against 20)", "batch (32 against 256)"]


def test_a_backbones_weights_bring_their_facts() -> None:
    facts = {
        "name": "frozen",
        "layers": ["mobilenet_v2", "dense(512)", "relu", "classes"],
        "values": {},
        "parameters": 3967559,
        "trainable": 1709575,
    }
    told = dict(backbone_lines(NetResult(facts)))
    assert told["trained"] == "1,709,575 of 3,967,559 parameters"
    assert told["their SHA-256"].startswith("b03531047ffacf1e")
    assert "BSD-3-Clause" in told["their licence"]
    bound = facts | {"layers": ["body", "classes"], "values": {"body": "efficientnet_lite0(thaw=1)"}}
    assert dict(backbone_lines(NetResult(bound)))["backbone"].startswith("efficientnet_lite0 (Tan & Le 2019")
    assert backbone_lines(NetResult(facts | {"layers": ["conv(4)", "flatten", "classes"]})) == ()
