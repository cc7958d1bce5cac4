"""Text files, compressed or not."""

import gzip
import sys
from mmap import mmap
from pathlib import Path

import pytest
import zstandard

from mien.errors import UserError
from mien.faces.text_files import read_text


def test_a_plain_file_is_mapped_and_others_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b"a\nb\n")
    assert isinstance(read_text(file), mmap)
    for content in (b"a\r\nb\r\n", b"a\rb\n", gzip.compress(b"a\nb\r")):
        file.write_bytes(content)
        assert read_text(file) == b"a\nb\n"
    file.write_bytes(b"")
    assert read_text(file) == b""


def test_zstd_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv.zst").write_bytes(zstandard.compress(b"a"))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(UserError, match=r"a\.csv\.zst: to read zstd, .* -m pip install 'mien\[zstd\]'"):
        read_text(tmp_path / "a.csv.zst")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_text(tmp_path)
