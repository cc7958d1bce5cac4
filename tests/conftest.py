"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def fer2013() -> Path:
    """The folder that holds the real FER2013; the test is skipped where there is none."""
    place = Path(os.environ.get("MIEN_FER2013", Path(__file__).parents[2] / "shared" / "fer2013"))
    place = place.resolve()  # tests change their folder
    if not (place / "Q1_Train_Data.csv.bz2").exists():
        pytest.skip(f"the real FER2013 is not in {place}; set MIEN_FER2013 to the folder with its csv files")
    return place
