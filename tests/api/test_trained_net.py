"""A net of a study that has ended, and an ensemble: their figures, curves, trials and plots."""

import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure

import mien
from mien.errors import UserError


def test_a_net_equals_its_name(ended: mien.StudyResults) -> None:
    conv = ended.net("conv")
    assert conv == "conv"
    assert conv != "dense"
    assert conv != ended.net("dense")
    assert str(conv) == "conv"
    assert {conv: 1}["conv"] == 1
    assert conv == mien.StudyResults.open(ended.folder).net("conv")


def test_a_net_has_the_figures_of_its_runs(ended: mien.StudyResults) -> None:
    net = ended.net("dense")
    assert net.accuracy.validation.mean == pytest.approx(
        sum(one.accuracy for one in net.predictions_of("validation")) / 2
    )
    assert net.scores is ended.data.by_name["dense"].scores
    assert (net.recipe.epochs, net.recipe.learning_rate) == (2, 0.01)
    assert [run.seed for run in net.runs] == [0, 1]
    assert len(net.predictions) == 2
    assert net.images.shape == (30, 24, 24)
    assert net.evaluated_on == ("test" if ended.data.by_name["dense"].selected else "validation")


def test_layers_show_themselves_and_give_a_data_frame(ended: mien.StudyResults) -> None:
    layers = ended.net("linear").layers
    assert list(layers.frame()["word"])[:2] == ["flatten", "classes"]
    assert list(layers.frame("polars")["parameters"])[-1] == 24 * 24 * 7 + 7
    page, _ = DisplayFormatter().format(layers)
    assert "4,039" in page["text/html"]
    assert "classes_1" in page["text/plain"]


def test_a_notebook_shows_a_net_as_a_row(ended: mien.StudyResults) -> None:
    page, _ = DisplayFormatter().format(ended.net("conv"))
    assert ">conv<" in page["text/html"]
    assert "dense" not in page["text/html"]
    page, _ = DisplayFormatter().format(ended.ensemble("both"))
    assert "dense 0.67, conv 0.33" in page["text/plain"]


def test_the_history_has_a_row_for_each_seed_and_epoch(ended: mien.StudyResults) -> None:
    net = ended.net("conv")
    frame = net.history()
    assert list(zip(frame["seed"], frame["epoch"], strict=True)) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert list(frame["loss"]) == [epoch.loss for run in net.runs for epoch in run.history()]
    assert net.history("polars").columns == list(frame.columns)


def test_curves_have_the_loss_and_the_accuracy(ended: mien.StudyResults) -> None:
    net = ended.net("conv")
    figure = net.curves()
    assert [axes.get_ylabel() for axes in figure.axes] == ["cross-entropy", "accuracy, %"]
    assert "image/png" in DisplayFormatter().format(figure)[0] or "_repr_png_" in dir(figure)
    own = Figure()
    axes = own.subplots()
    assert net.curves(axes) is own
    assert axes.get_ylabel() == "accuracy, %"
    drawn = axes.lines[0].get_ydata()
    assert list(drawn) == [100 * epoch.accuracy for epoch in net.runs[0].history()]
    pair = Figure().subplots(1, 2)
    net.curves(pair)
    assert [one.get_ylabel() for one in pair] == ["cross-entropy", "accuracy, %"]
    with pytest.raises(UserError, match=r"^axes: found 3; give two"):
        net.curves(Figure().subplots(1, 3))


def test_a_tuned_net_has_its_trials(ended: mien.StudyResults) -> None:
    net = ended.net("tuned")
    frame = net.trials.frame()
    assert sorted(frame["units"]) == [4, 8]
    assert list(frame["state"]) == ["finished", "finished"]
    assert net.tuning().axes[0].get_xlabel() == "trial"
    with pytest.raises(UserError, match=r"^conv: was not tuned"):
        ended.net("conv").tuning()


def test_a_net_that_failed_says_why_it_has_no_predictions(ended: mien.StudyResults) -> None:
    with pytest.raises(UserError, match=r"^failed: has no predictions; seed 0: the loss became"):
        ended.net("failed").confusion()
    with pytest.raises(UserError, match=r"^failed: none of its runs has done an epoch"):
        ended.net("failed").curves()
    with pytest.raises(UserError, match=r"^broken: has no predictions; not trained to the end: failed"):
        ended.ensemble("broken").per_class()


def test_plots_show_the_predictions_of_the_split_of_the_scores(ended: mien.StudyResults) -> None:
    for one in (ended.best, ended.ensemble("both")):
        figure = one.confusion()
        assert figure.axes[0].get_title(loc="left") == f"{one.name} on {one.evaluated_on}"
        assert one.mistakes().axes
    both = ended.ensemble("both")
    assert [made.accuracy for made in both.predictions_of("validation")] == [both.accuracy.validation.mean]
    assert both.weights == {"dense": pytest.approx(2 / 3), "conv": pytest.approx(1 / 3)}


def test_curves_take_axes_of_any_shape_if_they_are_two(ended: mien.StudyResults) -> None:
    axes = Figure().subplots(2, 1, squeeze=False)
    assert ended.net("conv").curves(axes).axes == list(axes[:, 0])
    assert axes[0, 0].get_ylabel() == "cross-entropy"
    assert axes[1, 0].get_ylabel() == "accuracy, %"
    for wrong in (Figure(), "ab", 3, [axes[0, 0], None]):
        with pytest.raises(UserError, match=r"^axes: found \w+; give "):
            ended.net("conv").curves(wrong)
    with pytest.raises(UserError, match=r"^axes: found 3; give two"):
        ended.net("conv").curves(Figure().subplots(3))
