"""Data frames: the same columns, of pandas and of polars."""

import sys
from typing import Any

import pytest

from mien.errors import UserError
from mien.extras import MissingExtraError
from mien.frames import data_frame

COLUMNS: dict[str, list[object]] = {"net": ["cnn_1", "tiny"], "epoch": [3, 1], "accuracy": [0.5, 1], "seed": [0, None]}


def test_pandas_has_the_columns_in_their_order() -> None:
    pandas = pytest.importorskip("pandas")
    frame = data_frame(COLUMNS)
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.columns) == ["net", "epoch", "accuracy", "seed"]
    assert frame["net"].tolist() == ["cnn_1", "tiny"]
    assert frame["epoch"].dtype == "int64"
    assert frame["accuracy"].mean() == 0.75
    assert frame["seed"].isna().tolist() == [False, True]


def test_a_column_without_a_value_is_one_of_missing_numbers() -> None:
    pytest.importorskip("pandas")
    frame = data_frame({"net": ["a", "b"], "test": [None, None]})
    assert frame["test"].dtype == "float64"
    assert frame["test"].isna().all()


def test_polars_has_the_same() -> None:
    polars = pytest.importorskip("polars")
    frame = data_frame(COLUMNS, "polars")
    assert isinstance(frame, polars.DataFrame)
    assert frame.columns == ["net", "epoch", "accuracy", "seed"]
    assert frame.schema == {
        "net": polars.String,
        "epoch": polars.Int64,
        "accuracy": polars.Float64,
        "seed": polars.Int64,
    }
    assert frame["seed"].to_list() == [0, None]


def test_a_frame_without_rows_has_its_columns() -> None:
    pytest.importorskip("pandas")
    assert list(data_frame({"time": [], "face": []}).columns) == ["time", "face"]


def test_without_pandas_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"^a data frame needs the extra mien\[frame\]; missing here: pandas;"):
        data_frame(COLUMNS)


def test_without_polars_the_message_names_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UserError, match='needs polars, which is not installed; leave out library="polars"'):
        data_frame(COLUMNS, "polars")


def test_another_library_is_refused() -> None:
    other: Any = "panda"
    with pytest.raises(UserError, match=r"library 'panda': .*known: pandas, polars; did you mean 'pandas'\?"):
        data_frame(COLUMNS, other)
