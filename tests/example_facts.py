"""The facts of a model, for tests of what reads them."""

from mien.model_files.facts import Facts

FACTS = Facts(
    name="best",
    version="0.1.0",
    classes=("angry", "happy"),
    height=48,
    width=40,
    parameters=1234,
    precision="int8",
    temperature=1.25,
    temperatures=(1.5, 1.1),
    tta_flip=True,
    run="cnn-0123456789",
    study="best",
    net="cnn",
    seed=3,
    data={"name": "fer2013", "fingerprint": "ab" * 32},
    recipe={"epochs": 3, "augment": ["flip"]},
    layers=("flatten", "classes"),
    scores={"test_accuracy": 0.7},
    note="größer",
)
