"""How fast does mien train, beside the notebook's own stack and beside plain torch?

Faces a second of whole training steps, batch 256, for cnn_1, cnn_2 and model1. The contenders take turns, each in a
process of its own that waits while the others run: mien; Keras 3 on tensorflow-cpu in float32, as the notebook ran it;
the same in mixed_bfloat16; torch in float32; torch in bfloat16 autocast with channels-last, as it is usually written.
It also measures the processor's peak in the precision that mien's step takes here, and which share of it the step
reaches. On a processor that does not multiply bfloat16 in hardware a bfloat16 step takes minutes: there the contenders
in bfloat16 are left out, and the peak is float32's. How many steps a turn has follows from how long one takes.

    python benchmarks/train.py [--quick] [--rounds N] [--json]
    python benchmarks/train.py --profile [NET]

Keras is taken from .venv-bench, which `make bench` prepares; `--keras PYTHON` names another Python that has it.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from budget import SECONDS, repeats, rounds, spread
from processor import processor_facts, processor_line
from torch import Tensor, nn

from mien.nets import ZOO, Model, build
from mien.runs.recipe import Recipe
from mien.training.device import best_precision
from mien.training.fast import functions
from mien.training.fast.gradients import Chunked
from mien.training.trainer import Trainer

HERE = Path(__file__).parent
BATCH, TRAIN_FACES = 256, 28_709
STEPS = {"cnn_1": 8, "cnn_2": 4, "model1": 16}
"""Optimiser steps of one turn, at most."""

TURN = 4.0
"""Seconds of one turn, about, if a step takes no longer than that."""

PEAK = 3.0
"""Seconds for measuring the peak, once a round."""

Step = Callable[[Tensor, Tensor], object]


def batch_of_noise() -> tuple[Tensor, Tensor]:
    """Images uint8 [256, 48, 48] and labels int64 [256]; what they show does not change how long a step takes."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (BATCH, 48, 48), dtype=torch.uint8, generator=generator)
    return images, torch.randint(0, 7, (BATCH,), generator=generator)


def mien_step(model: Model) -> Step:
    """The training step under test."""
    trainer, numbers = Trainer(model, Recipe(batch=BATCH), seed=0), iter(range(1 << 20))
    return lambda images, labels: trainer.step(images, labels, next(numbers))


def torch_step(model: Model, bfloat16: bool) -> Step:
    """The step that a torch user writes first."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
    if bfloat16:
        model.to(memory_format=torch.channels_last)

    def step(images: Tensor, labels: Tensor) -> float:
        x = images[:, None].float() / 255 - 0.5
        if bfloat16:
            x = x.to(memory_format=torch.channels_last)
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss = nn.functional.cross_entropy(model(x), labels)
        for module, l1, l2 in model.penalties:
            loss = loss + l1 * module.weight.abs().sum() + l2 * module.weight.square().sum()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


OURS: dict[str, Callable[[Model], Step]] = {
    "mien": mien_step,
    "torch float32": lambda model: torch_step(model, bfloat16=False),
    "torch bfloat16": lambda model: torch_step(model, bfloat16=True),
}
ENVIRONMENT = {"mien": {"GOMP_SPINCOUNT": "10000"}}
"""As the command `mien` sets it; the others run as their users run them."""

KERAS = {"keras float32": "float32", "keras bfloat16": "mixed_bfloat16"}


def work(contender: str) -> None:
    """Answer lines of standard input, as keras_step.py does: a net, a batch, a number of steps."""
    images, labels = batch_of_noise()
    ready: dict[str, tuple[Step, int]] = {}
    for line in sys.stdin:
        name, _, steps = line.split()
        if name not in ready:
            model = build(ZOO[name])
            ready[name] = OURS[contender](model), sum(weight.numel() for weight in model.parameters())
            for _ in range(2):
                ready[name][0](images, labels)
        step, parameters = ready[name]
        start = time.perf_counter()
        for _ in range(int(steps)):
            step(images, labels)
        print(time.perf_counter() - start, parameters, flush=True)


class Contender:
    """A process that trains on request."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **pipes, text=True, env=os.environ | environment)

    def __enter__(self) -> "Contender":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def seconds(self, net: str, steps: int, parameters: int) -> float:
        """Let it train `steps` steps; gives the seconds. `parameters` checks that all train the same net."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{net} {BATCH} {steps}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            sys.exit(f"{self.process.args} has ended; run it alone to see why")
        assert int(answer[1]) == parameters
        return float(answer[0])


def peak_gflops(dtype: torch.dtype) -> float:
    """The processor's matrix product of 4096 x 4096, on a slow one of less, the best of a few: what no step exceeds."""

    def once(size: int) -> float:
        a, b = (torch.ones(size, size, dtype=dtype) for _ in range(2))
        start = time.perf_counter()
        a @ b
        return 2 * size**3 / (time.perf_counter() - start) / 1e9

    once(1024)
    first = once(1024)
    size = next((size for size in (4096, 2048) if 2 * size**3 / first / 1e9 < PEAK / 2), 1024)
    return max(once(size) for _ in range(1 + repeats(2 * size**3 / first / 1e9, PEAK, 5)))


def flops_per_face(model: nn.Module) -> float:
    """Of one training step, 2 for each multiply-add.

    The backward pass does twice the forward pass's, but for the first layer, whose input needs no gradient.
    """
    multiplied: list[int] = []

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        multiplied.append(module.weight.numel() * output[0, 0].numel())

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    model(torch.zeros(1, 1, 48, 48))
    return 2.0 * (3 * sum(multiplied) - multiplied[0])


def commands_of(keras: str) -> tuple[dict[str, list[str]], list[str]]:
    """What starts each contender that can be timed here, by its name; and in words, those that cannot."""
    own = [sys.executable, str(Path(__file__))]
    commands = {name: [*own, "--work", name] for name in OURS}
    commands |= {name: [keras, str(HERE / "keras_step.py"), policy] for name, policy in KERAS.items()}
    missing = []
    if not Path(keras).exists():
        missing.append(f"keras: not timed, there is no {keras}; `make bench` prepares it")
        commands = {name: command for name, command in commands.items() if name not in KERAS}
    if best_precision() != "bfloat16" and (slow := [name for name in commands if name.endswith("bfloat16")]):
        missing.append(f"{', '.join(slow)}: not timed, as bfloat16 is slower than float32 on a processor without AMX")
        commands = {name: command for name, command in commands.items() if name not in slow}
    return commands, missing


def measure(most_rounds: int, turn: float, keras: str) -> dict[str, object]:
    """Let the contenders take turns of about so many seconds, round after round."""
    commands, missing = commands_of(keras)
    rates: dict[str, dict[str, list[float]]] = {net: {name: [] for name in commands} for net in STEPS}
    steps: dict[str, dict[str, int]] = {net: {} for net in STEPS}
    parameters = {net: sum(weight.numel() for weight in build(ZOO[net]).parameters()) for net in STEPS}
    peaks, precision, started = [], best_precision(), time.perf_counter()
    with ExitStack() as stack:
        contenders = {
            name: stack.enter_context(Contender(command, ENVIRONMENT.get(name, {})))
            for name, command in commands.items()
        }
        for net, most in STEPS.items():
            for name, contender in contenders.items():
                print(f"warming up: {net}, {name}    ", end="\r", file=sys.stderr)
                steps[net][name] = repeats(contender.seconds(net, 1, parameters[net]), turn, most)
        for number in rounds(most_rounds, SECONDS - (time.perf_counter() - started)):
            peaks.append(peak_gflops(getattr(torch, precision)))
            for net, counts in steps.items():
                for name, count in counts.items():
                    print(f"round {number} of {most_rounds}: {net}, {name}    ", end="\r", file=sys.stderr)
                    rates[net][name].append(BATCH * count / contenders[name].seconds(net, count, parameters[net]))
    peak = spread(peaks)
    return {
        "machine": processor_facts() | {"threads": torch.get_num_threads(), "system": platform.platform()},
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "batch": BATCH,
        "precision": precision,
        "peak_gflops": peak,
        "steps": steps,
        "missing": missing,
        "nets": {
            net: summary(by_name, flops_per_face(build(ZOO[net])) / 1e9, peak["median"])
            for net, by_name in rates.items()
        },
    }


def summary(rates: dict[str, list[float]], gflops: float, peak: float) -> dict[str, object]:
    """One net's figures: rates, mien's lead over each contender taken round by round, and its share of the peak."""
    own = rates["mien"]
    reached = spread(own)["median"] * gflops
    return {
        "faces_per_second": {name: spread(theirs) for name, theirs in rates.items()},
        "times_faster": {
            name: spread([mine / other for mine, other in zip(own, theirs, strict=True)])
            for name, theirs in rates.items()
            if name != "mien"
        },
        "gflop_per_face": gflops,
        "gflops": reached,
        "share_of_peak": reached / peak,
    }


def show(results: dict) -> None:
    """Print the figures as a table."""
    machine, peak = results["machine"], results["peak_gflops"]
    print(processor_line())
    print(f"{machine['threads']} threads; torch {results['versions']['torch']}; batch {BATCH}")
    print(
        f"{results['precision']} matrix product: {peak['median']:,.0f} GFLOP/s ({peak['low']:,.0f} to "
        f"{peak['high']:,.0f}, n = {peak['n']}); mien's step is in {results['precision']}"
    )
    print("\n".join([*results["missing"], ""]))
    print(f"{'net':<8}{'':<16}{'faces/s: median, range, n':<38}{'epoch, s':>10}   mien is faster by")
    for net, figures in results["nets"].items():
        for name, rate in figures["faces_per_second"].items():
            line = f"{rate['median']:,.0f}, {rate['low']:,.0f} to {rate['high']:,.0f}, {rate['n']}"
            lead = figures["times_faster"].get(name)
            tail = f"   {lead['median']:.2f} ({lead['low']:.2f} to {lead['high']:.2f})" if lead else ""
            print(f"{net:<8}{name:<16}{line:<38}{TRAIN_FACES / rate['median']:>10.2f}{tail}")
        reached = f"{figures['gflops']:,.0f} GFLOP/s, {100 * figures['share_of_peak']:.0f} % of the peak"
        print(f"{'':<8}mien computes {reached} ({1000 * figures['gflop_per_face']:,.0f} MFLOP a face)\n")


def time_layers(names: dict[nn.Module, str], spent: dict[str, list[float]]) -> None:
    """Record how long each layer works, forward and backward, under its name."""
    apply_layer = functions.apply_layer

    def timed(layer: nn.Module, *arguments: Any, **options: Any) -> Tensor:
        start = time.perf_counter()
        y = apply_layer(layer, *arguments, **options)
        spent[f"{names[layer]} forward"].append(time.perf_counter() - start)
        if y.grad_fn is not None:
            starts: list[float] = []
            times = spent[f"{names[layer]} backward"]
            y.grad_fn.register_prehook(lambda gradients: starts.append(time.perf_counter()))
            y.grad_fn.register_hook(lambda after, before: times.append(time.perf_counter() - starts.pop()))
        return y

    functions.apply_layer = timed


def profile(net: str, steps: int = 20) -> None:
    """Print where the time of mien's step goes, layer by layer."""
    trainer, (images, labels) = Trainer(build(ZOO[net]), Recipe(batch=BATCH), seed=0), batch_of_noise()
    spent: dict[str, list[float]] = defaultdict(list)
    gradients = trainer.gradients
    assert isinstance(gradients, Chunked), f"{net} is not of plain layers"
    names = {
        layer: f"{part} {at:2} {type(layer).__name__}"
        for part, layers in (("trunk", gradients.trunk), ("head", gradients.head))
        for at, layer in enumerate(layers, start=1)
    }
    time_layers(names, spent)
    for number in range(3):
        trainer.step(images, labels, number)
    for times in spent.values():
        times.clear()
    start = time.perf_counter()
    for number in range(steps):
        trainer.step(images, labels, number + 3)
    step = (time.perf_counter() - start) / steps
    cores = torch.get_num_threads()
    print(processor_line())
    print(
        f"{net}: {1000 * step:.1f} ms a step, mean of {steps}; layers in ms a step and % of it. The trunk's layers work"
    )
    print(f"on {cores} cores at once, each on its own faces: their times are sums over the cores, divided by {cores}.")
    layers = 0.0
    for name, times in spent.items():
        share = sum(times) / steps / (cores if name.startswith("trunk") else 1)
        layers += share
        print(f"{name:28} {1000 * share:6.2f} {100 * share / step:5.1f} %")
    rest = step - layers
    print(f"{'all else: optimiser, copies':28} {1000 * rest:6.2f} {100 * rest / step:5.1f} %")
    trainer.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often the contenders take turns")
    parser.add_argument("--quick", action="store_true", help="one round of single steps")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--keras", default=str(HERE.parent / ".venv-bench/bin/python"), help="a Python with Keras")
    parser.add_argument("--profile", nargs="?", const="cnn_1", choices=STEPS, help="where mien's step spends its time")
    parser.add_argument("--work", choices=OURS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work)
    elif options.profile:
        profile(options.profile)
    else:
        results = measure(*((1, 0.0) if options.quick else (options.rounds, TURN)), options.keras)
        print(json.dumps(results, indent=2)) if options.json else show(results)


if __name__ == "__main__":
    main()
