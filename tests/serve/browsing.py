"""The page in a browser: a server beside the test, Chromium, and axe-core to look for faults of accessibility."""

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import pytest
import uvicorn

from mien.disk import whole_file
from mien.serve.app import make_app
from mien.serve.server import Server
from mien.serve.server_config import ServerConfig

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
playwright.expect.set_options(timeout=30_000)  # machines that test are busy

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=device-count=2",
]

TRACKS = """() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.tracks = [];
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const stream = await open(wish);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
}"""
"""A script that notes what cameras a page opens, in `window.tracks`."""

AXE = "4.14.1"

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def served(settings: ServerConfig) -> Iterator[str]:
    """Serve in a thread; gives the address."""
    app = make_app(settings)
    config = uvicorn.Config(app, port=0, ws="none", lifespan="on", log_level="error", timeout_graceful_shutdown=5)
    server = Server(config, app)
    thread = Thread(target=server.run, name="server")
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            Event().wait(0.02)
        host, port = server.servers[0].sockets[0].getsockname()
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def chromium(*flags: str) -> Iterator[Any]:
    """A browser with two cameras, which show test pictures unless `flags` say otherwise; skips the test without one."""
    with playwright.sync_playwright() as started:
        own = started.chromium.executable_path
        executable = next(filter(None, map(shutil.which, (own, *BROWSERS))), None)
        if executable is None:
            pytest.skip("no Chromium; `playwright install chromium` gets one")
        with closing(started.chromium.launch(executable_path=executable, args=[*FLAGS, *flags])) as browser:
            yield browser


@contextmanager
def opened(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """A page, with what it complained of in `troubles`, and the addresses that it requested in `requested`."""
    chosen = {
        "viewport": {"width": 1280, "height": 900},
        "color_scheme": "light",
        "reduced_motion": "reduce",
        **options,
    }
    with closing(browser.new_page(**chosen)) as page:
        page.troubles, page.requested = [], []
        page.on("console", lambda message: page.troubles.append(message.text))
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        page.on("request", lambda request: page.requested.append(request.url))
        page.goto(address)
        yield page


def axe_source(config: pytest.Config) -> str:
    """The script of axe-core, from the npm registry once, then from pytest's cache; the test is skipped without."""
    assert config.cache is not None
    folder = config.cache.mkdir(f"axe-core-{AXE}")
    script = folder / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("axe-core is fetched by npm, which is not installed")
        with TemporaryDirectory() as own, whole_file(script) as part:  # another worker may fetch it at this moment
            words = [npm, "pack", "--silent", f"axe-core@{AXE}"]
            done = subprocess.run(words, cwd=own, capture_output=True, text=True, timeout=120, check=False)
            if done.returncode:
                pytest.skip(f"npm did not get axe-core: {done.stderr.strip()[-200:]}")
            with tarfile.open(Path(own) / Path(done.stdout.strip()).name) as package:
                content = package.extractfile("package/axe.min.js")
                assert content
                part.write_bytes(content.read())
    return script.read_text(encoding="utf-8")


def faults(page: Any, axe: str) -> list[str]:
    """What axe-core finds serious or critical on a page as it is: the rule, and the first element that breaks it."""
    page.evaluate(axe)
    violations = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    grave = [one for one in violations if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]} {one['nodes'][0]['failureSummary']}" for one in grave]
