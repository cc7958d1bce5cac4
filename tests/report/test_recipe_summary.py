from dataclasses import replace

import pytest
from report.examples import net

from mien.report.recipe_summary import backbone_lines, changes, differences, settings
from mien.report.study_data import ReportedNet
from mien.runs.config import BackboneRecord
from mien.runs.recipe import Recipe

PLAIN = [("epochs", "20"), ("batch", "256 faces"), ("optimiser", "Adam"), ("learning rate", "0.001")]


def test_a_plain_recipe_shows_four_things_and_folds_the_rest() -> None:
    shown = settings(Recipe(), "bfloat16")
    assert list(shown.main) == PLAIN
    assert dict(shown.usual)["augmentation"] == "none"
    assert dict(shown.usual)["precision"] == "bfloat16"
    assert dict(settings(Recipe(), None, ["cuda:0 Card", "cpu"]).usual)["device"] == "cuda:0 Card and cpu"


def test_every_entry_that_differs_is_shown() -> None:
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
        device="cpu",
        teachers=("large", "old"),
        init_from="/there/cnn-0123456789",
        ema_decay=0.996,
        tta_flip=True,
    )
    shown = settings(recipe)
    assert shown.usual == ()
    main = dict(shown.main)
    assert main["epochs"] == "at most 30, until 5 bring no better validation accuracy"
    assert main["optimiser"] == "SGD with momentum 0.9, Nesterov's"
    assert main["learning rate"] == "0.05, falling to 0 along a cosine; warm-up over 1 epoch"
    assert main["augmentation"] == "flip, rotate(10)"
    assert main["targets"] == "the shares of votes in FER+, 0.1 of each spread over all emotions"
    assert main["loss"] == "focal, γ = 2, every emotion weighing the same"
    assert main["sampling"] == "every emotion equally often"
    assert main["weight decay"] == "0.0005"
    assert main["rates of blocks"] == "0.8 times the rate of the block above"
    assert main["first weights"] == "of the run cnn-0123456789"
    assert main["teachers"] == "large and old, 0.5 of each target"
    assert main["final weights"] == "of the epoch best on validation, a running average with decay 0.996"
    assert main["evaluated"] == "with its mirror image"
    assert main["whitening"] == "ZCA, as fitted on train"


@pytest.mark.parametrize("name", sorted(set(Recipe.model_fields) - {"augment"}))
def test_no_entry_of_a_recipe_is_left_out(name: str) -> None:
    other = {
        "epochs": 3, "batch": 3, "optimizer": "sgd", "learning_rate": 0.5, "momentum": 0.5, "nesterov": True,
        "weight_decay": 0.5, "schedule": "one_cycle", "warm_up": 2.0, "layer_decay": 0.5, "label_smoothing": 0.5,
        "focal_gamma": 1.0, "class_weights": "balanced", "sampling": "balanced", "targets": "votes",
        "scaling": "standardised", "whitening": "zca", "precision": "float32", "patience": 2, "keep": "best",
        "ema_decay": 0.9, "tta_flip": True, "teachers": ("other",), "distillation_weight": 0.9,
        "tta_scales": (0.9,), "device": "cpu", "init_from": "/there/cnn-0123456789",
    }  # fmt: skip
    base = {"optimizer": "sgd", "momentum": 0.9} if name in ("momentum", "nesterov") else {}
    base |= {"teachers": ("other",)} if name == "distillation_weight" else {}
    plain, changed = Recipe(**base), Recipe(**(base | {name: other[name]}))
    assert settings(plain).main + settings(plain).usual != settings(changed).main + settings(changed).usual


def test_what_a_preview_changes_is_one_line() -> None:
    assert changes(Recipe(scaling="featurewise", augment=("shift(0.2)",))) == (
        "augmentation shift(0.2); scaling each pixel to mean 0 and deviation 1 over train"
    )
    assert changes(Recipe()) == ""


def test_recipes_differ_by_name_and_value() -> None:
    mine, its = Recipe(epochs=10, batch=32, augment=("flip",)), Recipe(learning_rate=1e-3)
    assert differences(mine, its, apart_from=("augment",)) == ["epochs (10 against 20)", "batch (32 against 256)"]


def test_a_backbones_weights_bring_their_facts() -> None:
    frozen = net("frozen", "g", 0.5, parameters=3967559, trainable=1709575)

    def lines(*layers: str, **values: str) -> dict[str, str]:
        return dict(backbone_lines(ReportedNet(replace(frozen, layers=layers, values=values))))

    mobile = lines("mobilenet_v2", "dense(512)", "relu", "classes")
    assert mobile["trained"] == "1,709,575 of 3,967,559 parameters"
    assert mobile["their SHA-256"].startswith("b03531047ffacf1e")
    assert "BSD-3-Clause" in mobile["their licence"]
    bound = lines("body", "classes", body="efficientnet_lite0(thaw=1)")
    assert bound["backbone"].startswith("efficientnet_lite0 (Tan & Le 2019")
    assert lines("conv(4)", "flatten", "classes") == {}


def test_a_backbone_is_what_the_runs_recorded() -> None:
    recorded = BackboneRecord(name="timm/x", paper="P", licence="L", source="S", sha256="ab" * 32)
    lines = dict(backbone_lines(ReportedNet(net("a", "g", 0.5, backbone=recorded))))
    assert (lines["backbone"], lines["weights"], lines["their SHA-256"]) == ("timm/x (P)", "S", "abababababababab…")
