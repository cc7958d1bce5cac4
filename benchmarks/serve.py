"""How many photos a second does `mien serve` answer, how soon, and what does it do under too much load?

A server in a process of its own, on loopback; clients that each send the next photo once the last was answered, or
refused and the time of its Retry-After is over. Beside it: a loop of `mien.Predictor` over the same photos in one
process, before and after. Every answer is checked: a 200 has a result, a refusal is a problem (RFC 9457) that says when
to come again.

    .venv/bin/python benchmarks/serve.py                          # 64 clients, 60 s
    .venv/bin/python benchmarks/serve.py --limit queue=16         # too much load: many are refused
    .venv/bin/python benchmarks/serve.py --photos photos/*.jpg --model best --clients 8 --seconds 10
"""

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from processor import processor_facts, processor_line

ALONE = 5.0
"""Seconds of the loop in one process, before and after."""


@dataclass
class Tally:
    """What came back.

    Attributes:
        seconds: from sending a photo to the end of its answer, of those that were answered.
        statuses: how often each.
        malformed: answers that are not as documented.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    malformed: list[str] = field(default_factory=list)


def request_of(photo: bytes) -> bytes:
    """A whole HTTP request that sends a photo."""
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + photo + b"\r\n--b--\r\n"
    head = f"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode() + body


async def client(port: int, requests: list[bytes], first: int, until: float, tally: Tally) -> None:
    """Send one photo after the other, on one connection, until the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = first
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(requests[number % len(requests)])
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        body = await reader.readexactly(int(re.search(r"content-length: (\d+)", head)[1]))
        status = int(head[9:12])
        tally.statuses[status] += 1
        if status == 200:
            tally.seconds.append(time.perf_counter() - started)
            number += 1
        if fault := malformed(status, head, json.loads(body)):
            tally.malformed.append(fault)
        if pause := re.search(r"retry-after: (\d+)", head):
            await asyncio.sleep(min(int(pause[1]), max(0, until - time.perf_counter())))
        if "connection: close" in head:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


def malformed(status: int, head: str, body: dict) -> str:
    """What is wrong with an answer, "" for nothing."""
    if status == 200:
        return "" if "faces" in body["results"][0] else f"200 without faces: {body}"
    whole = body.get("status") == status and body.get("detail") and "application/problem+json" in head
    later = status not in (429, 503) or "retry-after" in head
    return "" if whole and later else f"{status}: {head} {body}"


async def load(port: int, requests: list[bytes], clients: int, seconds: float) -> tuple[Tally, list[float]]:
    """Let clients send photos; gives what came back, and the server's memory in MB, ten times on the way."""
    tally, until = Tally(), time.perf_counter() + seconds
    tasks = [asyncio.create_task(client(port, requests, number, until, tally)) for number in range(clients)]
    memory = []
    for _ in range(10):
        await asyncio.sleep(seconds / 10)
        memory.append((await asyncio.to_thread(measured, port))["process_resident_memory_bytes"] / 1e6)
    await asyncio.gather(*tasks)
    return tally, memory


def measured(port: int) -> dict[str, float]:
    """The server's own figures."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@contextmanager
def serving(words: list[str]) -> Iterator[int]:
    """A server; gives its port."""
    command = [sys.executable, "-m", "mien", "serve", "--port", "0", "--no-open", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        match = re.search(r":(\d+) ", process.stdout.readline())
        if match is None:
            sys.exit("the server did not start")
        yield int(match[1])
    finally:
        process.terminate()
        process.wait()


def alone(model: str, photos: list[bytes]) -> float:
    """Photos a second of a plain loop in a process of its own."""
    code = (
        "import sys, time, mien\n"
        "photos = [open(path, 'rb').read() for path in sys.argv[2:]]\n"
        "predictor, count = mien.Predictor(sys.argv[1]), 0\n"
        "predictor.predict(photos[0]); started = time.perf_counter()\n"
        f"while time.perf_counter() - started < {ALONE}: predictor.predict(photos[count % len(photos)]); count += 1\n"
        "print(count / (time.perf_counter() - started))"
    )
    done = subprocess.run([sys.executable, "-c", code, model, *photos], capture_output=True, text=True, check=True)
    return float(done.stdout)


def portrait() -> list[str]:
    """Matplotlib's photo of Grace Hopper, 512 x 600 pixels."""
    import matplotlib

    return [str(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--model", default="best")
    parser.add_argument("--photos", nargs="+", default=portrait(), help="matplotlib's portrait of Grace Hopper if none")
    parser.add_argument("--limit", action="append", default=[], help="as of mien serve, such as queue=16")
    parser.add_argument("--quick", action="store_true", help="2 seconds, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    given = parser.parse_args()
    given.seconds = 2 if given.quick else given.seconds
    before = alone(given.model, given.photos)
    words = [word for limit in given.limit for word in ("--limit", limit)]
    with serving(["--model", given.model, *words]) as port:
        requests = [request_of(Path(photo).read_bytes()) for photo in given.photos]
        tally, memory = asyncio.run(load(port, requests, given.clients, given.seconds))
        figures = measured(port)
    after = alone(given.model, given.photos)
    batch = figures["mien_inference_faces_sum"] / max(figures["mien_inference_faces_count"], 1)
    rate, rival = tally.statuses[200] / given.seconds, statistics.mean([before, after])
    milliseconds = [1000 * taken for taken in sorted(tally.seconds)] or [float("nan")]
    results = {
        "machine": processor_facts(), "clients": given.clients, "seconds": given.seconds, "photos": len(given.photos),
        "rate": rate,
        "alone": [before, after], "ratio": rate / rival, "statuses": dict(tally.statuses), "malformed": tally.malformed,
        "p50": statistics.median(milliseconds), "p99": milliseconds[int(0.99 * (len(milliseconds) - 1))],
        "memory": memory, "faces_an_inference": batch,
    }  # fmt: skip
    print(json.dumps(results, indent=2) if given.json else sentences(results))
    if tally.malformed or any(status >= 500 for status in tally.statuses):
        sys.exit(1)


def sentences(run: dict) -> str:
    """The figures in words."""
    statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(run["statuses"].items()))
    low, high = sorted(run["alone"])
    return "\n".join(
        [
            processor_line(),
            f"{run['clients']} clients, {run['seconds']:.0f} s, {run['photos']} photos in turn",
            f"{run['rate']:.1f} photos/s, {run['ratio']:.2f} times a loop in one process ({low:.1f} to {high:.1f})",
            f"answered after {run['p50']:.0f} ms (median), {run['p99']:.0f} ms (99 %)",
            f"{run['faces_an_inference']:.2f} faces an inference",
            f"answers by status: {statuses}; malformed: {len(run['malformed'])}",
            "the server's memory, MB: " + ", ".join(f"{one:.0f}" for one in run["memory"]),
            *run["malformed"][:3],
        ]
    )


if __name__ == "__main__":
    main()
