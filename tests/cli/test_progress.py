"""Progress on stderr while a command works."""

from types import SimpleNamespace

import pytest

from mien.cli import progress


@pytest.mark.parametrize(
    ("times", "lines"),
    [
        ([1, 3, 13], "things: 3 of 3, 4.3 s each\n"),
        ([11, 12, 22], "things: 1 of 3, 11.0 s each\nthings: 3 of 3, 7.3 s each\n"),
        ([11 + one / 100 for one in range(30)], "things: 1 of 30, 11.0 s each\n"),
        ([one / 2 for one in range(1, 23)], "things: 21 of 22, 2.0/s\n"),
    ],
)
def test_a_line_every_ten_seconds_has_the_rate(
    times: list[float], lines: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, *times])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with progress.counting("things", len(times)) as one_more:
        for _ in times:
            one_more()
    assert capsys.readouterr().err == lines
