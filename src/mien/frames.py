"""Data frames: columns as a table of pandas or polars, whichever the user has."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args, overload

from mien.errors import UserError, did_you_mean
from mien.extras import is_installed, require

if TYPE_CHECKING:
    import pandas
    import polars

Library: TypeAlias = Literal["pandas", "polars"]
"""The libraries whose data frames mien makes."""


@overload
def data_frame(
    columns: Mapping[str, Sequence[object]], library: Literal["pandas"] = "pandas"
) -> "pandas.DataFrame": ...


@overload
def data_frame(columns: Mapping[str, Sequence[object]], library: Literal["polars"]) -> "polars.DataFrame": ...


@overload
def data_frame(
    columns: Mapping[str, Sequence[object]], library: Library = ...
) -> "pandas.DataFrame | polars.DataFrame": ...


def data_frame(
    columns: Mapping[str, Sequence[object]], library: Library = "pandas"
) -> "pandas.DataFrame | polars.DataFrame":
    """Make a data frame.

    >>> from mien.frames import data_frame
    >>> data_frame({"net": ["dense", "cnn"], "accuracy": [0.41, None]})
         net  accuracy
    0  dense      0.41
    1    cnn       NaN

    Args:
        columns: the values of each column, by its name; all of one length. None stands for a missing value.
        library: whose data frame it is, "pandas" or "polars".

    Raises:
        UserError: the library is not installed, or it is another one.
    """
    if library not in get_args(Library):
        raise UserError(
            f"library {library!r}: no data frames of it are made; {did_you_mean(library, get_args(Library))}"
        )
    if library == "polars":
        if not is_installed("polars"):
            raise UserError('a data frame of polars needs polars, which is not installed; leave out library="polars"')
        import polars

        # Not strict: whole numbers and fractions may stand in one column.
        return polars.DataFrame({name: list(values) for name, values in columns.items()}, strict=False)
    require("frame", "a data frame")
    import pandas

    # A column without a value holds numbers that are missing, as where others have some.
    known = {name: any(value is not None for value in values) for name, values in columns.items()}
    return pandas.DataFrame(
        {name: list(values) if known[name] else [float("nan")] * len(values) for name, values in columns.items()}
    )
