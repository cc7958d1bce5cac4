"""An app with a model file that needs no training, and somebody who asks it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra serve is not installed")

from fastapi.testclient import TestClient

from mien.serve.app import make_app
from mien.serve.limits import Limits
from mien.serve.server_config import ServerConfig

Asking = Callable[..., TestClient]


@pytest.fixture
def settings(model_file: Path, tmp_path: Path) -> ServerConfig:
    """A server for an empty folder of studies."""
    return ServerConfig(runs=tmp_path / "out", model=str(model_file))


@pytest.fixture
def asking(settings: ServerConfig) -> Iterator[Asking]:
    """Start an app, with some limits and settings set otherwise; gives who asks it."""
    with ExitStack() as stack:

        def ask(token: str = "", **limits: Any) -> TestClient:
            changed = replace(settings, token=token, limits=replace(Limits(), **limits))
            client = TestClient(make_app(changed), base_url="http://localhost", raise_server_exceptions=False)
            return stack.enter_context(client)

        yield ask


@pytest.fixture
def client(asking: Asking) -> TestClient:
    """Who asks an app of usual settings."""
    return asking()


@pytest.fixture(scope="session")
def photo(grace: Path) -> bytes:
    """A portrait, small: 256 x 300 pixels, JPEG."""
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    with Image.open(grace) as image:
        image.resize((256, 300)).save(file, "jpeg")
    return file.getvalue()


@pytest.fixture(scope="session")
def built_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study called small, its faces packed beside it; not to be changed."""
    from studied import build

    return build(tmp_path_factory.mktemp("studied") / "small")


@pytest.fixture
def study(built_study: Path, settings: ServerConfig) -> Path:
    """The same among the studies of the server, to be changed at will."""
    from shutil import copytree

    copytree(built_study, settings.runs / "small")
    return settings.runs / "small"
