"""The notebook's own stack as a contender of train.py: Keras 3 on tensorflow-cpu, in its own environment.

    .venv-bench/bin/python benchmarks/keras_step.py float32|mixed_bfloat16

Reads lines of a net, a batch and a number of steps; trains so many by `Model.fit`, as the notebook did; answers each
line with the seconds they took and the net's parameters.
"""

import os
import sys
import time

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from keras.regularizers import L2

CLASSES = 7

NETS = {
    "model1": lambda: [Flatten(), *(Dense(units, activation="relu") for units in (1568, 784, 392, 196))],
    "cnn_1": lambda: [
        *(Conv2D(32, 3, activation="relu"), Conv2D(32, 3, activation="relu"), MaxPooling2D()),
        *(Conv2D(64, 3, activation="relu"), Conv2D(64, 3, activation="relu"), MaxPooling2D()),
        *(Flatten(), Dense(512, activation="relu")),
    ],
    "cnn_2": lambda: [
        *(Conv2D(64, 3, activation="relu"), Conv2D(64, 3, activation="relu"), MaxPooling2D()),
        *(Conv2D(128, 3, activation="relu", kernel_regularizer=L2(1e-3)) for _ in range(2)),
        *(MaxPooling2D(), Flatten(), Dense(512, activation="relu", kernel_regularizer=L2(1e-2))),
    ],
}


def built(name: str) -> keras.Model:
    """The net, compiled as the notebook compiled it; the softmax in float32, as mixed precision asks for."""
    out = Dense(CLASSES, activation="softmax", dtype="float32")
    model = keras.Sequential([keras.Input((48, 48, 1)), *NETS[name](), out])
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    return model


def main(policy: str) -> None:
    """Answer the lines of standard input until it ends."""
    keras.mixed_precision.set_global_policy(policy)
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    models: dict[str, keras.Model] = {}
    for line in sys.stdin:
        name, batch, steps = line.split()
        faces = int(batch) * int(steps)
        x = rng.random((faces, 48, 48, 1), dtype=np.float32) - 0.5
        y = np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, faces)]
        if name not in models:
            models[name] = built(name)
            models[name].fit(x, y, batch_size=int(batch), epochs=1, verbose=0)
        start = time.perf_counter()
        models[name].fit(x, y, batch_size=int(batch), epochs=1, verbose=0)
        print(time.perf_counter() - start, models[name].count_params(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
