"""How long does a photo take from a process's start to its answer, and how much memory, beside fer's own way?

Each turn starts each contender's process anew, one after the other; the first turn, which fills the disk's cache, does
not count. Time is that of the whole process; memory is the most that it held at once (its peak resident set).

    .venv/bin/python benchmarks/predict.py [PHOTO] [--rounds N] [--model NAME]... [--quick] [--json]

PHOTO is matplotlib's portrait of Grace Hopper unless another is named. fer runs as its README says, with its default
detector and net, in an environment of its own, .venv-fer unless `--fer PYTHON` names another; without it mien is
measured alone:

    python3 -m venv .venv-fer
    .venv-fer/bin/pip install --no-deps fer==25.10.3
    .venv-fer/bin/pip install ai-edge-litert 'opencv-contrib-python<5' tensorflow-cpu 'setuptools<81'
    .venv-fer/bin/pip install matplotlib pandas pillow requests tqdm
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from budget import rounds, spread
from processor import processor_facts, processor_line

HERE = Path(__file__).parent
FER = """
import sys, cv2
from fer.fer import FER
print(FER().detect_emotions(cv2.imread(sys.argv[1])))
"""


def once(command: list[str]) -> tuple[float, float, str]:
    """Run a process to its end -> seconds, MiB, and what it printed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)  # the memory of this one; `resource` would give the largest of all
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"this failed, run it alone and see why: {' '.join(command)}")
    return seconds, peak(used), output


def peak(used: resource.struct_rusage) -> float:
    """The most memory a process held, in MiB; macOS counts bytes, Linux KiB."""
    return used.ru_maxrss / 2 ** (20 if sys.platform == "darwin" else 10)


def measure(photo: Path, models: list[str], fer: str, most: int) -> dict[str, dict[str, list[float] | str]]:
    """Let the contenders take turns, round after round."""
    mien = str(Path(sys.executable).with_name("mien"))
    commands = {"fer": [fer, "-c", FER, str(photo)]} if Path(fer).exists() else {}
    commands |= {f"mien, {model}": [mien, "predict", str(photo), "--model", model] for model in models}
    results: dict[str, dict] = {name: {"seconds": [], "mebibytes": [], "answer": ""} for name in commands}
    for turn in rounds(most + 1):
        for name, command in commands.items():
            print(f"round {turn - 1} of {most}: {name}      ", end="\r", file=sys.stderr)
            seconds, memory, answer = once(command)
            if turn > 1:
                results[name]["seconds"].append(seconds)
                results[name]["mebibytes"].append(memory)
                results[name]["answer"] = answer
    return results


def show(results: dict) -> None:
    """Print the figures as a table."""
    print(processor_line())
    print("from start to answer: median (range), n; lead is taken round by round")
    for name, entry in results.items():
        lead = ""
        if "fer" in results:
            leads = [rival / own for rival, own in zip(results["fer"]["seconds"], entry["seconds"], strict=True)]
            lead = f"; {shown(leads)} times as fast as fer"
        seconds, memory = shown(entry["seconds"]), shown(entry["mebibytes"])
        print(f"{name:<12} {seconds} s, {memory} MiB, n = {len(entry['seconds'])}{lead}")
    if "fer" not in results:
        print("fer: not timed, its Python is not here; `--help` says how to make it, --fer names another")


def shown(values: list[float]) -> str:
    """Median and range."""
    sample, digits = spread(values), 0 if min(values) >= 20 else 2
    return f"{sample['median']:.{digits}f} ({sample['low']:.{digits}f} to {sample['high']:.{digits}f})"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path, nargs="?", help="with a face")
    parser.add_argument("--model", action="append", help="a bundled model, or a model file; by default best and fast")
    parser.add_argument("--rounds", type=int, default=11, help="how often the contenders take turns")
    parser.add_argument("--quick", action="store_true", help="one round, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--fer", default=str(HERE.parent / ".venv-fer/bin/python"), help="a Python with fer")
    options = parser.parse_args()
    photo = options.photo
    if photo is None:
        import matplotlib.cbook

        photo = Path(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    results = measure(photo, options.model or ["best", "fast"], options.fer, 1 if options.quick else options.rounds)
    print(json.dumps({"machine": processor_facts(), **results}, indent=2)) if options.json else show(results)


if __name__ == "__main__":
    main()
