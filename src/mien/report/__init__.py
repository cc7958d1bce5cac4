"""Report: a study as one page to read, with its tables and figures as files."""

from pathlib import Path

from mien.runs.results import Results


def write_report(folder: Path, results: Results) -> Path:
    """Write `report.html`, `figures/` and `tables/` into a study's folder; see `mien.report.page.write_report`."""
    from mien.report import page

    return page.write_report(folder, results)


__all__ = ["write_report"]
