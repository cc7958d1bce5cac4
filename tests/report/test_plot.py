import pytest
from matplotlib.figure import Figure

from mien.errors import UserError
from mien.report.plot import Plot
from mien.report.svg import on_dark, role_colour


def test_a_lower_part_is_drawn_only_in_a_figure_of_its_own() -> None:
    plot = Plot(
        lambda axes: axes.plot([1, 2], label="above"),
        "Two parts.",
        200,
        legend_columns=1,
        below=lambda axes: axes.bar([1], [3]),
    )
    own = plot.show(title="this")
    assert [axes.get_title("left") for axes in own.axes] == ["this", ""]
    assert own.axes[1].patches
    assert own.legends[0].get_texts()[0].get_text() == "above"
    axes = Figure().subplots()
    theirs = plot.show(axes)
    assert theirs.axes == [axes]
    assert not axes.patches
    assert axes.get_legend().get_texts()[0].get_text() == "above"


def test_ticks_are_in_the_style_of_the_report_when_the_figure_is_drawn_later() -> None:
    figure = Plot(lambda axes: axes.plot([1, 2]), "A line.", 200).show()
    figure.axes[0].set_xticks([0.1 * k for k in range(20)])
    figure.draw_without_rendering()
    assert {tick.label1.get_size() for tick in figure.axes[0].xaxis.get_major_ticks()} == {10.5}


@pytest.mark.parametrize(
    ("axes", "figure", "dark"),
    [("none", "none", False), ("none", "#222222", True), ("white", "black", False), ("black", "white", True)],
)
def test_the_background_is_that_of_the_axes_or_else_of_the_figure(axes: str, figure: str, dark: bool) -> None:
    drawn_on = Figure(facecolor=figure).subplots()
    drawn_on.set_facecolor(axes)
    assert on_dark(drawn_on) is dark
    assert role_colour(drawn_on, "ink") == ("#e8e5de" if dark else "#1f2328")


@pytest.mark.parametrize("axes", ["x", Figure(), Figure().subplots(1, 2), 0])
def test_what_is_no_axes_is_refused_in_words(axes: object) -> None:
    with pytest.raises(UserError, match=rf"^axes: found {type(axes).__name__}; give one Axes"):
        Plot(lambda axes: axes.plot([1, 2]), "A line.", 200).show(axes)
