"""What makes a training step fast: the step of a net, batch 256, with and without each of the things that mien does.

cnn_1 unless asked for another: cnn_3 for elu; residual for one that goes through autograd, without the rows by hand.

Each way runs in a process of its own; they take turns. Seconds an epoch of FER2013's 28,709 training faces, which a
step's time gives: the median of the rounds, and their range.

    python benchmarks/step.py [--rounds N] [--net NAME]
"""

import argparse
import statistics
import subprocess
import sys
import time

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
WAYS = {
    "autograd, bfloat16 autocast, channels last": ("autograd", "plain"),
    "  and the memory kept": ("autograd", "plain", "memory"),
    "  and convolutions, batch norms and pools of mien's own": ("autograd", "memory"),
    "by hand on all cores, with torch's pooling and relu": ("memory", "torch"),
    "  and the kernels: mien's step": ("memory",),
    "mien's step without the memory kept": (),
}


def work(ways: list[str], net: str, steps: int = 10) -> None:
    """Time `steps` steps on random images, and print the median in seconds."""
    import torch

    from mien.nets import ZOO, Net, build
    from mien.training import chain, gradients, kernels, trainer
    from mien.training.recipe import Recipe

    if "memory" not in ways:
        trainer.keep_memory = lambda: None
    if "autograd" in ways:
        gradients.chain = lambda model, dtype: None
    if "plain" in ways:
        gradients.Fused = lambda model: None
    if "torch" in ways:
        aten = torch.ops.aten
        chain._fused = lambda links: links
        kernels.apply = lambda function, x: function(x)
        kernels.relu = lambda x: x.relu_()
        kernels.relu_backward = lambda g, y: aten.threshold_backward.grad_input(g, y, 0, grad_input=g)
    training = trainer.Trainer(build(ZOO.get(net) or Net(net, RESIDUAL)), Recipe(precision="bfloat16"), 0)
    images = torch.randint(0, 256, (BATCH, 48, 48), dtype=torch.uint8)
    labels = torch.randint(0, 7, (BATCH,))
    seconds = []
    for number in range(steps + 3):
        started = time.perf_counter()
        training.step(images, labels, number)
        seconds.append(time.perf_counter() - started)
    print(statistics.median(seconds[3:]))
    training.close()


def main() -> None:
    """Take turns, then tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--net", default="cnn_1", help="cnn_1, another of the zoo, or residual")
    parser.add_argument("--work", nargs="*", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work is not None:
        return work(given.work, given.net)
    ways = {way: words for way, words in WAYS.items() if given.net != "residual" or "autograd" in words}
    found: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(given.rounds):
        for way, words in ways.items():
            command = [sys.executable, __file__, "--net", given.net, "--work", *words]
            step = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            found[way].append(step * FACES / BATCH)
    print(f"{given.net}, seconds an epoch of {FACES:,} faces, n = {given.rounds}: median (range)")
    for way, seconds in found.items():
        print(f"{statistics.median(seconds):7.1f} ({min(seconds):.1f} to {max(seconds):.1f})  {way}")
    return None


if __name__ == "__main__":
    main()
