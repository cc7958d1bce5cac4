"""The Ray cluster that a RayEngine works on: start one on this machine or join one, and see what fits on it."""

import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import ray

from mien.errors import UserError
from mien.study.config.resources import Resources

PATIENCE = 30
"""Seconds that a cluster may take to let us in; ray.init itself would wait for minutes."""

_ENVIRONMENT = {"env_vars": {"GOMP_SPINCOUNT": os.environ.get("GOMP_SPINCOUNT", "10000")}}
"""As mien's own command sets it for torch's threads; read when a worker first imports torch."""

_TRY = """
import sys, ray
try:
    ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
except Exception as error:
    print(error)
    sys.exit(1)
"""


def connect(address: str | None) -> None:
    """Join the cluster whose head is at `address` (host:port), or start a Ray of our own on this machine.

    A Ray that this process has joined before is taken as it is.

    Raises:
        UserError: the cluster cannot be reached within half a minute, or does not take us; or Ray finds no home folder.
    """
    if ray.is_initialized():
        return
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if address is not None:
        _try_to_join(address)
    try:
        with _asking_no_cloud():
            ray.init(
                address=address or "local",
                include_dashboard=None if address else False,
                runtime_env=_ENVIRONMENT,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except (RuntimeError, OSError) as error:
        if os.access(os.path.expanduser("~"), os.W_OK):  # noqa: PTH111 - pathlib's raises where there is no home
            raise
        raise UserError(
            f"--engine ray: Ray keeps a token in the home folder, and there is none that can be written to ({error}); "
            "name one: HOME=DIR"
        ) from None


@contextmanager
def _asking_no_cloud() -> Iterator[None]:
    """Start Ray so that it does not ask which cloud it is in.

    Its process for usage reports sends requests to the metadata addresses of clouds, even where these reports are off.
    A proxy at which nobody listens stops these requests; Ray's own processes reach each other without a proxy.
    """
    before = {name: os.environ.get(name) for name in ("http_proxy", "no_proxy")}
    os.environ |= {"http_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1,localhost"}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def slots(resources: Resources) -> int:
    """How many runs that take these resources fit on the cluster at once."""
    return sum(_room(node, resources) for node in nodes()) // resources.workers


def check_room(resources: Mapping[str, Resources]) -> None:
    """Check that each net's runs fit on the cluster as it stands now.

    Args:
        resources: of the nets, by name.

    Raises:
        UserError: names each net that would wait forever.
    """
    there = "; ".join(f"{node.get('CPU', 0):g} cores and {node.get('GPU', 0):g} GPU" for node in nodes())
    problems = [
        f"nets.{name}.resources: {_describe(needed)}" for name, needed in resources.items() if not slots(needed)
    ]
    if problems:
        these = "this run does" if len(problems) == 1 else "these runs do"
        raise UserError("\n  ".join([f"{these} not fit on the cluster, whose nodes have: {there}", *problems]))


def whole_gpu() -> float:
    """The share of a GPU that a run takes unless its study says another: one where a node has any, else none."""
    return float(any(node.get("GPU", 0) >= 1 for node in nodes()))


def nodes() -> list[dict[str, float]]:
    """What each living node has in all."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in nodes if node["Alive"]]


def _room(node: dict[str, float], needed: Resources) -> int:
    """How many workers fit on a node."""
    by_cores = node.get("CPU", 0) // needed.cores
    return int(min(by_cores, node.get("GPU", 0) // needed.gpu) if needed.gpu else by_cores)


def _describe(needed: Resources) -> str:
    text = f"cores = {needed.cores}" + (f", gpu = {needed.gpu:g}" if needed.gpu else "")
    return text + (f", workers = {needed.workers}" if needed.workers > 1 else "")


def _try_to_join(address: str) -> None:
    """Join in a process of its own, which can be ended when it takes too long."""
    match = re.fullmatch(r"([^\s/:]+|\[[0-9a-fA-F:]+\]):(\d{1,5})", address)
    if not match or int(match[2]) > 65535:
        raise UserError(f"--address {address}: not of the form HOST:PORT, as `ray start --head` prints it")
    try:
        socket.create_connection((match[1].strip("[]"), int(match[2])), timeout=5).close()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(
            f"--address {address}: no Ray there ({why}); start one with: ray start --head --port={match[2]}"
        ) from None
    try:
        tried = subprocess.run(  # noqa: S603  (our own text; the address is an argument)
            [sys.executable, "-c", _TRY, address], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"--address {address}: no answer from a Ray within {PATIENCE} s; is it the port of `ray start --head` "
            "(6379 unless given), and do both sides hold the same token (ray get-auth-token)?"
        ) from None
    if tried.returncode:
        output = " ".join((tried.stdout or tried.stderr).split())
        raise UserError(
            f"--address {address}: Ray does not let this machine in: {output}. Both sides need the same Ray, Python "
            "and token (ray get-auth-token), and this machine must be a node of the cluster (ray start --address)"
        )
