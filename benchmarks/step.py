"""What makes a training step fast: the step of a net, batch 256, with and without each of the things that mien does.

The net is cnn_1, or --net names another: cnn_3 for elu; for nets that are not plain, without the rows in chunks, first
of studies/best.toml, or residual, a larger one.

Each way runs in a process of its own; they take turns. Seconds an epoch of FER2013's 28,709 training faces, which a
step's time gives: the median of the rounds, and their range. All but the last in the precision that mien takes on this
processor; Winograd's algorithm is for float32.

    python benchmarks/step.py [--rounds N] [--net NAME] [--quick]
"""

import argparse
import statistics
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from budget import repeats, rounds, spread
from processor import processor_facts, processor_line

TURN = 6.0
"""Seconds that a way's steps take in a turn, about."""

BATCH, FACES = 256, 28_709
RESIDUAL = (
    *("conv(64, kernel=5, stride=2, padding='same')", "batch_norm", "relu", "residual(64)", "residual(64)"),
    *(
        "residual(128, stride=2)",
        "residual(128)",
        "residual(256, stride=2)",
        "residual(256)",
        "global_average",
        "classes",
    ),
)
BEST = Path(__file__).parent.parent / "studies/best.toml"

WAYS = {
    "autograd, channels last; autocast where in bfloat16": ("autograd", "plain"),
    "  and the memory kept": ("autograd", "plain", "memory"),
    "  and convolutions, batch norms and pools of mien's own": ("autograd", "memory", "direct"),
    "  and Winograd's algorithm": ("autograd", "memory"),
    "chunks on all cores, with torch's pooling and relu": ("memory", "torch", "direct"),
    "  and the kernels": ("memory", "direct"),
    "  and Winograd's algorithm: mien's step": ("memory",),
    "mien's step without the memory kept": (),
}


def work(ways: list[str], net: str, turn: float) -> None:
    """Time at most ten steps on random images, for about `turn` seconds, and print the median in seconds."""
    import torch

    from mien.nets import ZOO, Net, build
    from mien.runs.recipe import Recipe
    from mien.training import trainer
    from mien.training.fast import functions, gradients, kernels, winograd

    if "memory" not in ways:
        gradients.keep_memory = lambda: None
    if "autograd" in ways:
        gradients.plain_layers = lambda model: None
    if "plain" in ways:
        gradients.FusedWhole = gradients.Whole
    if "direct" in ways:
        winograd.suits = lambda *_: False
    if "torch" in ways:
        aten = torch.ops.aten
        functions.pools_2x2 = lambda layer: False
        kernels.apply = lambda function, x: function(x)
        kernels.relu = lambda x: x.relu_()
        kernels.relu_backward = lambda g, y: aten.threshold_backward.grad_input(g, y, 0, grad_input=g)
    precision = "bfloat16" if "bfloat16" in ways else "float32" if "float32" in ways else "auto"
    layers = tomllib.loads(BEST.read_text(encoding="utf-8"))["nets"]["first"]["layers"] if net == "first" else RESIDUAL
    training = trainer.Trainer(build(ZOO.get(net) or Net(net, tuple(layers))), Recipe(precision=precision), 0)
    images = torch.randint(0, 256, (BATCH, 48, 48), dtype=torch.uint8)
    labels = torch.randint(0, 7, (BATCH,))

    def once(number: int) -> float:
        started = time.perf_counter()
        training.step(images, labels, number)
        return time.perf_counter() - started

    warm = min(once(number) for number in range(2))
    print(statistics.median(once(number + 2) for number in range(repeats(warm, turn, 10))))
    training.close()


def main() -> None:
    """Measure in turns, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--net", default="cnn_1", help="cnn_1, another of the zoo, first or residual")
    parser.add_argument("--quick", action="store_true", help="one round of single steps, to see that it runs")
    parser.add_argument("--turn", type=float, default=TURN, help=argparse.SUPPRESS)
    parser.add_argument("--work", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work is not None:
        return work(given.work, given.net, given.turn)
    from mien.nets import ZOO
    from mien.training.device import best_precision

    precision = best_precision()
    ways = {way: words for way, words in WAYS.items() if given.net in ZOO or "autograd" in words}
    if precision == "bfloat16":
        ways = {way: words for way, words in ways.items() if "Winograd" not in way}
    if processor_facts()["bfloat16"] != "none":  # without hardware a step takes minutes
        other = "bfloat16" if precision == "float32" else "float32"
        ways[f"mien's step in {other}"] = ("memory", other)
    times: dict[str, list[float]] = {way: [] for way in ways}
    turn = 0.0 if given.quick else given.turn
    for _ in rounds(1 if given.quick else given.rounds):
        for way, words in ways.items():
            command = [sys.executable, __file__, "--net", given.net, "--turn", str(turn), "--work", *words]
            step = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            times[way].append(step * FACES / BATCH)
    print(processor_line())
    print(f"{given.net} in {precision}, seconds an epoch of {FACES:,} faces: median (range, n)")
    for way, seconds in times.items():
        sample = spread(seconds)
        print(f"{sample['median']:7.1f} ({sample['low']:.1f} to {sample['high']:.1f}, {sample['n']})  {way}")
    return None


if __name__ == "__main__":
    main()
