from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.errors import UserError
from mien.runs.predictions import Predictions, read_predictions, write_predictions

THREE = Predictions(
    np.array([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7], [0.4, 0.4, 0.2], [0, 0, 1]], np.float32),
    np.array([0, 2, 1, 0], np.uint8),
)


def npz(**arrays: object) -> bytes:
    file = BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def test_predictions_come_back_and_count_what_is_correct(tmp_path: Path) -> None:
    file = tmp_path / "test.npz"
    assert read_predictions(file) is None
    write_predictions(file, THREE)
    predictions = read_predictions(file)
    assert predictions is not None
    assert predictions.probabilities.dtype == np.float32
    assert np.array_equal(predictions.probabilities, THREE.probabilities)
    assert np.array_equal(predictions.labels, THREE.labels)
    assert predictions.predicted.tolist() == [0, 2, 0, 2]
    assert predictions.correct.tolist() == [True, True, False, False]
    assert predictions.accuracy == 0.5


def test_what_is_shared_cannot_be_changed(tmp_path: Path) -> None:
    write_predictions(tmp_path / "test.npz", THREE)
    predictions = read_predictions(tmp_path / "test.npz")
    assert predictions is not None
    with pytest.raises(ValueError, match="read-only"):
        predictions.labels[0] = 1


FITTING = {"probabilities": THREE.probabilities, "labels": THREE.labels}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a whole npz file"),
        (b"PK\x03\x04", "not a whole npz file"),
        (b"not a zip at all", "not a whole npz file"),
        (npz(**FITTING)[:300], "not a whole npz file"),
        (npz(labels=THREE.labels), "not a whole npz file"),
        (npz(**FITTING | {"labels": np.array([object()] * 4)}), "not a whole npz file"),
        (npz(**FITTING | {"probabilities": THREE.probabilities.astype(np.float64)}), "probabilities are float64"),
        (npz(**FITTING | {"probabilities": THREE.probabilities[0]}), r"float32 \[3\], not float32 \[N, K\]"),
        (npz(**FITTING | {"probabilities": np.zeros((4, 0), np.float32)}), r"float32 \[4, 0\]"),
        (npz(**FITTING | {"labels": THREE.labels[:3]}), r"labels are uint8 \[3\], not uint8 \[N\]"),
        (npz(**FITTING | {"labels": THREE.labels.astype(np.int64)}), "labels are int64"),
        (npz(**FITTING | {"labels": THREE.labels + 1}), "label 3 has no column"),
        (npz(**FITTING | {"probabilities": THREE.probabilities * np.float32(np.nan)}), "not a finite number"),
    ],
)
def test_a_damaged_file_is_one_message_that_names_it(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "run-1" / "validation.npz"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(
        UserError, match=rf"validation\.npz: damaged: .*{reason}.*; remove .*run-1 and run the"
    ) as caught:
        read_predictions(file)
    assert "pickle" not in str(caught.value)


def test_a_folder_in_its_place_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "test.npz").mkdir()
    with pytest.raises(UserError, match=r"test\.npz: cannot be read: "):
        read_predictions(tmp_path / "test.npz")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 700), st.integers(0, 255), st.integers(0, 900))
def test_any_byte_may_be_wrong_and_any_end_missing(tmp_path: Path, place: int, byte: int, end: int) -> None:
    content = bytearray(npz(**FITTING))
    content[place % len(content)] = byte
    file = tmp_path / "test.npz"
    file.write_bytes(content[:end] if end < len(content) else content)
    try:
        predictions = read_predictions(file)
    except UserError as error:
        assert "test.npz" in str(error)  # noqa: PT017
    else:
        assert predictions is not None
        assert predictions.probabilities.shape == (4, 3)


def test_the_most_confident_come_first_and_equal_ones_in_their_order() -> None:
    shares = np.array([[0.6, 0.4], [0.1, 0.9], [0.4, 0.6], [0.2, 0.8]], np.float32)
    made = Predictions(shares, np.array([0, 0, 1, 1], np.uint8))
    np.testing.assert_array_equal(made.confidence, np.array([0.6, 0.9, 0.6, 0.8], np.float32))
    assert made.most_confident(np.array([True, True, True, False])).tolist() == [1, 0, 2]
    assert made.most_confident(made.correct).tolist() == [3, 0, 2]
    assert made.most_confident(np.zeros(4, bool)).tolist() == []
