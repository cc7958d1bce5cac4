"""`mien serve` as a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Running:
    """A server and where it listens."""

    process: subprocess.Popen[str]
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def say(self, words: bytes) -> bytes:
        """Send bytes; gives all that comes back until the server closes."""
        with self.connect() as line:
            line.sendall(words)
            return b"".join(iter(lambda: line.recv(65536), b""))

    def stop(self) -> tuple[int, str]:
        """Stop it; gives its exit code and what it output on stderr."""
        self.process.send_signal(signal.SIGTERM)
        _, output = self.process.communicate(timeout=60)
        return self.process.returncode, output


@contextmanager
def serving(*words: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "mien", "serve", "--port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        match = re.search(r"http://127\.0\.0\.1:(\d+) \(Ctrl-C stops it\)", line)
        assert match, line or process.communicate()[1]
        yield Running(process, int(match[1]))
    finally:
        process.kill()
        process.communicate()
