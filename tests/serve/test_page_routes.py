"""The page's own files."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from mien.faces.colours import HUE_OF, HUES


def test_the_page_and_its_files_are_there(client: TestClient) -> None:
    for page in ("/", "/docs"):
        answer = client.get(page)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        paths = re.findall(r'(?:href|src)="(/[^"#]+)"', answer.text)
        assert len(paths) > 3
        for path in paths:
            assert client.get(path).status_code == 200, path


def test_nothing_of_the_page_comes_from_elsewhere_or_stands_in_line(client: TestClient) -> None:
    for page in ("/", "/docs"):
        text = client.get(page).text
        assert "//" not in re.sub(r"<!--.*?-->", "", text)
        assert not re.search(r"<style|<script>|style=|\son\w+=", text)


def test_emotions_have_their_colours_on_light_and_on_dark(client: TestClient) -> None:
    css = client.get("/colours.css").text
    for emotion, hue in HUE_OF.items():
        light, dark = HUES[hue]
        assert f"--{emotion}: light-dark({light}, {dark});" in css


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/nothing"]
)
def test_no_file_but_the_pages_is_had(client: TestClient, path: str) -> None:
    answer: Any = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["title"] == "Not Found"
