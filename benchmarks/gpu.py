"""How fast does mien train on a GPU, beside plain torch and Keras? First the tests that need one, then this benchmark.

Faces a second of whole training steps, batch 256, on 28,709 faces that lie on the GPU, for three nets: cnn_1, `first`
of studies/best.toml, MobileNetV2 on faces made 96 pixels wide (with random weights, which take as long). The contenders
take turns: mien; torch as it is usually written, with autocast and channels-last, Adam and no augmentation; the same
compiled by torch.compile; for cnn_1 Keras on TensorFlow or JAX, where it is installed. mien is timed without
augmentation, as the others, and with the net's own recipe. The peak is a product of matrices of 8192 x 8192.

    python benchmarks/gpu.py [--device cuda] [--rounds N] [--quick] [--no-tests] [--json]
    PYTHONPATH=src python3 benchmarks/gpu.py      # without installing mien; needs torch, numpy and pydantic

Where there is no GPU, `--device cpu --quick` shows that it runs.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import torch
from budget import rounds, spread
from processor import processor_line
from torch import Tensor, nn

from mien.nets import ZOO, Model, Net, build
from mien.runs.recipe import Recipe
from mien.training.device import best_precision, choose_device, describe
from mien.training.losses import make_loss
from mien.training.trainer import Trainer

HERE = Path(__file__).parent
BATCH, FACES = 256, 28_709
TURN = 2.0
"""Seconds of one turn, about."""

SECONDS = 240.0
"""Of all rounds together, at most; the tests and compiling come on top, of eight minutes in all."""

Step = Callable[[Tensor], object]
"""A training step on the faces of these rows, int64 [N] on the device."""


def nets() -> dict[str, tuple[Net, dict[str, Any]]]:
    """The nets, and the entries of each one's own recipe."""
    study = tomllib.loads((HERE.parent / "studies/best.toml").read_text(encoding="utf-8"))
    first, shared = study["nets"]["first"], study.get("recipe", {})
    own = {key: value for key, value in (shared | first["recipe"]).items() if key not in ("teachers", "precision")}
    mobilenet = Net("mobilenet_v2", ("mobilenet_v2(thaw=19, size=96)", "dropout(0.3)", "classes"))
    augment = ["flip", "rotate(10)", "shift(0.05)", "zoom(0.1)"]
    return {
        "cnn_1": (ZOO["cnn_1"], {}),
        "first": (Net("first", tuple(first["layers"])), own),
        "mobilenet_v2": (mobilenet, {"augment": augment, "label_smoothing": 0.1}),
    }


def built(net: Net) -> Model:
    """A model with random weights, a backbone's too."""
    model = build(net, pretrained=False)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
            module.reset_parameters()
    return model


def mien_step(net: Net, entries: dict[str, Any], images: Tensor, labels: Tensor) -> Step:
    """Mien's own training step."""
    recipe = Recipe.model_validate(entries | {"batch": BATCH})
    shares = nn.functional.one_hot(labels, 7).float() if recipe.augment else labels
    loss = make_loss(recipe, labels.cpu().numpy().astype("uint8"), 7, images.device)
    trainer, numbers = Trainer(built(net), recipe, seed=0, loss=loss, device=images.device), count(1)
    return lambda rows: trainer.step(images[rows], shares[rows], next(numbers), 0.1)


def torch_step(net: Net, images: Tensor, labels: Tensor, compiled: bool) -> Step:
    """The step that a torch user writes first."""
    device, dtype = images.device, getattr(torch, best_precision(images.device))
    model = built(net).to(device=device, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    called = torch.compile(model) if compiled else model

    def step(rows: Tensor) -> float:
        x = (images[rows][:, None].float() / 255 - 0.5).to(memory_format=torch.channels_last)
        optimizer.zero_grad()
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            loss = nn.functional.cross_entropy(called(x), labels[rows])
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def wait(device: torch.device) -> None:
    """Wait until the device has computed all that it was given."""
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


def rate(step: Step, device: torch.device, steps: int) -> float:
    """Faces a second of so many steps, on batches drawn anew."""
    order = torch.randint(0, FACES, (steps, BATCH), device=device)
    wait(device)
    started = time.perf_counter()
    for rows in order:
        step(rows)
    wait(device)
    return steps * BATCH / (time.perf_counter() - started)


def peak_tflops(device: torch.device, size: int) -> float:
    """TFLOP/s of a matrix product in the precision that mien's step takes, the best of five."""
    a = torch.ones(size, size, device=device, dtype=getattr(torch, best_precision(device)))
    best = 0.0
    for _ in range(6):
        wait(device)
        started = time.perf_counter()
        a @ a
        wait(device)
        best = max(best, 2 * size**3 / (time.perf_counter() - started) / 1e12)
    return best


def gflop_per_face(net: Net) -> float:
    """Of one training step: 2 operations a multiply-add, the backward pass twice the forward pass."""
    multiplied: list[int] = []
    model = built(net).eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(lambda m, _, y: multiplied.append(m.weight.numel() * y[0, 0].numel()))
    with torch.no_grad():
        model(torch.zeros(1, 1, 48, 48))
    return 6.0 * sum(multiplied) / 1e9


def keras_rates(python: str, device: torch.device, steps: int, repeats: int) -> list[float]:
    """Faces a second of Keras's fit on cnn_1; [] where it is not installed, or ends."""
    if device.type != "cuda" or (python == sys.executable and importlib.util.find_spec("keras") is None):
        return []
    command = [python, str(HERE / "keras_step.py"), "mixed_bfloat16"]
    shown = os.environ | {"CUDA_VISIBLE_DEVICES": str(device.index or 0)}
    lines = f"cnn_1 {BATCH} {steps}\n" * repeats
    done = subprocess.run(command, input=lines, capture_output=True, text=True, env=shown, timeout=180, check=False)
    return [steps * BATCH / float(line.split()[0]) for line in done.stdout.splitlines()]


def measure(device: torch.device, most: int, quick: bool, keras: str) -> dict[str, Any]:
    """Let the contenders take turns on each net."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (FACES, 48, 48), dtype=torch.uint8, generator=generator).to(device)
    labels = torch.randint(0, 7, (FACES,), generator=generator).to(device)
    peak = peak_tflops(device, 1024 if device.type == "cpu" else 8192)
    results: dict[str, Any] = {"device": describe(device), "precision": best_precision(device), "peak_tflops": peak}
    for name, (net, entries) in nets().items():
        steps = {
            "mien": mien_step(net, {}, images, labels),
            "mien, its own recipe": mien_step(net, entries, images, labels),
            "torch, eager": torch_step(net, images, labels, compiled=False),
        }
        if device.type == "cuda":
            steps["torch, compiled"] = torch_step(net, images, labels, compiled=True)
        rates: dict[str, list[float]] = {contender: [] for contender in steps}
        warm = {
            who: rate(step, device, 1 if quick else 8) for who, step in steps.items()
        }  # recording and compiling too
        counts = {who: 1 if quick else max(8, int(TURN * one / BATCH)) for who, one in warm.items()}
        for _ in rounds(most, SECONDS / 3):
            for contender, step in steps.items():
                rates[contender].append(rate(step, device, counts[contender]))
        if name == "cnn_1" and (others := keras_rates(keras, device, 100, most)):
            rates["keras, mixed_bfloat16"] = others
        gflop = gflop_per_face(net)
        results[name] = {
            "faces_per_second": {contender: spread(values) for contender, values in rates.items()},
            "gflop_per_face": gflop,
            "share_of_peak": spread(rates["mien"])["median"] * gflop / 1000 / peak,
        }
    return results


def show(results: dict[str, Any]) -> None:
    """Print the figures as a table."""
    print(f"{results['device']}: {results['precision']} matrix product {results['peak_tflops']:,.2f} TFLOP/s")
    print(f"torch {torch.__version__}; batch {BATCH}; faces/s: median (range, n); an epoch of {FACES:,} faces in s")
    for name in nets():
        figures = results[name]["faces_per_second"]
        eager = figures["torch, eager"]["median"]
        for contender, one in figures.items():
            span = f"{one['median']:,.0f} ({one['low']:,.0f} to {one['high']:,.0f}, {one['n']})"
            lead = f"{FACES / one['median']:>8.2f} s{one['median'] / eager:>8.2f} x eager"
            print(f"{name:<14}{contender:<24}{span:<44}{lead}")
        print(f"{'':<14}mien reaches {100 * results[name]['share_of_peak']:.1f} % of the peak\n")


def run_tests() -> None:
    """Run the tests that need a GPU, where pytest is here."""
    if importlib.util.find_spec("pytest") is None:
        print("tests: skipped, pytest is not installed")
        return
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-m", "gpu", str(HERE.parent / "tests/training")], check=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--rounds", type=int, default=5, help="how often the contenders take turns")
    parser.add_argument("--quick", action="store_true", help="one round of single steps, to see that it runs")
    parser.add_argument("--no-tests", action="store_true", help="only the benchmark")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--keras", default=sys.executable, help="a Python that has Keras")
    options = parser.parse_args()
    device = choose_device(options.device)
    if not options.no_tests:
        run_tests()
    print(processor_line(), file=sys.stderr if options.json else sys.stdout)
    results = measure(device, 1 if options.quick else options.rounds, options.quick, options.keras)
    print(json.dumps(results, indent=2)) if options.json else show(results)


if __name__ == "__main__":
    main()
