"""The results of a study: shown, looked up, as data frames, compared and exported."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

import mien
from mien.errors import UserError
from mien.predict.classifier import Classifier


def test_a_notebook_shows_the_tables_escaped_with_the_selected_in_bold(ended: mien.StudyResults) -> None:
    page, _ = DisplayFormatter().format(ended)
    html = page["text/html"]
    assert html.count("<table") == 4  # two groups, the selected, the ensembles
    assert "flat &lt;b&gt;" in html
    assert "<b>" not in html
    bold = re.findall(r'<tr><td style="[^"]*font-weight:bold">(\w+)</td>', html)
    assert sorted(bold) == sorted(net.name for net in ended.nets if net.name in _selected(ended))
    assert not re.search(r"[^-]color:", html), "the notebook's own colours are taken"
    assert "failed: failed: seed 0: the loss became" in html
    lines = page["text/plain"].splitlines()
    assert lines[0] == "flat <b>"
    assert any(line.startswith(f"{ended.best.name} *") for line in lines)


def _selected(results: mien.StudyResults) -> list[str]:
    return [net.name for net in results.data.nets if net.selected]


def test_tables_and_the_best_nets_are_looked_up_by_their_group(ended: mien.StudyResults) -> None:
    groups = {group.name: group.selected for group in ended.data.groups if group.selected}
    assert groups
    assert {group: net.name for group, net in ended.selected.items()} == groups
    tables = ended.groups
    assert {name: len(table.rows) for name, table in tables.items()} == {
        group.name: len(group.nets) for group in ended.data.groups
    }
    assert "<table" in DisplayFormatter().format(tables[ended.data.groups[0].name])[0]["text/html"]


def test_open_reads_the_same_results_again(ended: mien.StudyResults) -> None:
    again = mien.StudyResults.open(str(ended.folder))
    assert again.data == ended.data
    assert again.best == ended.best
    with pytest.raises(UserError, match=r"no results\.json; finish the study first"):
        mien.StudyResults.open(ended.folder / "runs")


def test_nets_and_ensembles_are_looked_up_by_name_or_by_themselves(ended: mien.StudyResults) -> None:
    assert [str(net) for net in ended.nets] == ["linear", "dense", "tuned", "conv", "failed"]
    assert ended.net("conv") == "conv"
    assert ended.net(ended.net("conv")) is ended.net("conv")
    assert ended.best == ended.data.best
    assert ended.ensemble("both") == "both"
    with pytest.raises(UserError, match=r"^cov: no such net; known: linear, .*; did you mean 'conv'"):
        ended.net("cov")
    with pytest.raises(UserError, match=r"^both: is an ensemble; results\.ensemble\('both'\) gives it"):
        ended.net("both")
    with pytest.raises(UserError, match=r"^bot: no such ensemble; known: both, broken; did you mean 'both'"):
        ended.ensemble("bot")


def test_the_data_frame_has_a_row_a_net_with_the_figures_of_the_results(ended: mien.StudyResults) -> None:
    frame = ended.frame()
    assert list(frame["net"]) == ["linear", "dense", "tuned", "conv", "failed"]
    rows = frame.set_index("net")
    for net in ended.data.nets:
        row = rows.loc[net.name]
        assert (row["group"], row["selected"], row["state"]) == (net.group, net.selected, net.state)
        if net.accuracy.validation:
            ends = (row["validation"], row["validation_low"], row["validation_high"])
            assert ends == (net.accuracy.validation.mean, *net.accuracy.validation.interval)
            assert row["macro_f1"] == net.scores.macro_f1
            assert row["roc_auc"] == net.scores.macro_areas.roc_auc.value
        assert np.isnan(row["test"]) == (net.accuracy.test is None)
    assert rows.loc["failed", "reason"].startswith("seed 0: the loss became")
    columns = ended.frame("polars").columns
    assert columns == list(frame.columns)
    assert columns[-7:-4] == ["evaluated_on", "balanced_accuracy", "macro_f1"]


def test_a_comparison_counts_the_faces_that_one_of_two_nets_alone_predicts(ended: mien.StudyResults) -> None:
    compared = ended.compare("linear", ended.net("dense"))
    a, b = (ended.net(name).predictions_of("validation")[0].correct for name in ("linear", "dense"))
    assert (compared.split, compared.only_a, compared.only_b) == (
        "validation",
        int((a & ~b).sum()),
        int((~a & b).sum()),
    )
    recorded = next(one for one in ended.data.comparisons if (one.a, one.b) == ("linear", "dense"))
    assert compared.p == recorded.mcnemar.p
    back = ended.compare("dense", "linear")
    assert (back.only_a, back.only_b, back.better) == (compared.only_b, compared.only_a, compared.better)
    selected = _selected(ended)
    assert ended.compare(*selected).split == "test"
    assert ended.compare(*selected, split="validation").split == "validation"
    assert ended.compare("both", "conv").split == ended.ensemble("both").evaluated_on


def test_a_comparison_says_what_it_means() -> None:
    from mien.api.net_comparison import NetComparison

    clear = NetComparison("a", "<b>", "test", 3, 34, 0.0000004)
    assert repr(clear) == (
        "<b> is better: of 37 faces of test that only one of a and <b> predicts correctly it has 34, p < 0.001; "
        "the difference is beyond chance"
    )
    assert "&lt;b&gt; is better" in clear._repr_html_()
    assert repr(NetComparison("a", "b", "test", 3, 4, 1.0)).endswith(
        "it has 4, p = 1.000; the difference may be chance"
    )
    equal = NetComparison("a", "b", "validation", 2, 2, 1.0)
    assert equal.better is None
    assert repr(equal) == "a and b: of 4 faces of validation that only one predicts correctly each has 2"


def test_what_cannot_be_compared_is_refused(ended: mien.StudyResults) -> None:
    closed = next(net.name for net in ended.data.nets if net.state == "finished" and not net.selected)
    with pytest.raises(UserError, match=f"^{closed}: was not evaluated on test; test is opened for the best of each"):
        ended.compare(closed, ended.best, split="test")
    with pytest.raises(UserError, match=r"^failed: was not evaluated on validation"):
        ended.compare("linear", "failed")
    with pytest.raises(UserError, match="did you mean 'test'"):
        ended.compare("linear", "dense", split="tests")


def test_the_report_is_written_of_these_results_and_its_path_given(
    ended: mien.StudyResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[object] = []
    monkeypatch.setattr("mien.report.write_report", lambda *given: written.append(given) or Path("report.html"))
    assert ended.report() == Path("report.html")
    assert written == [(ended.folder, ended.data)]


def test_an_exported_file_gives_what_the_net_predicts(ended: mien.StudyResults, tmp_path: Path) -> None:
    net, file = ended.net("dense"), tmp_path / "dense.onnx"
    exported = net.export(file, temperature=False, note="small", card=True)
    assert (exported.file, exported.facts.note) == (file, "small")
    assert repr(exported).startswith(f"{file}: dense, float32, ")
    assert "compared with torch in float32 on 30 validation faces: the same emotion on 100.00%" in repr(exported)
    assert "small" in (tmp_path / "dense.md").read_text(encoding="utf-8")
    best = max(net.predictions_of("validation"), key=lambda made: made.accuracy)
    made = Classifier(str(file)).probabilities(_validation(ended))
    assert np.abs(made - best.probabilities).max() < 0.03  # those were computed in the precision of training


def test_unless_another_is_named_the_best_is_exported(ended: mien.StudyResults, tmp_path: Path) -> None:
    assert ended.export(tmp_path / "best.onnx").facts.net == ended.best
    assert ended.export(tmp_path / "both.onnx", "both").facts.net == "both"


def test_what_cannot_be_exported_is_refused(ended: mien.StudyResults, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a file has one precision"):
        ended.export(tmp_path / "a.onnx", int8=True, fp16=True)
    with pytest.raises(UserError, match="give a number from 0 to 1"):
        ended.export(tmp_path / "a.onnx", logit_adjustment=2)
    with pytest.raises(UserError, match=r"must end in \.onnx"):
        ended.export(tmp_path / "a.pt")
    with pytest.raises(UserError, match="no finished net 'failed'"):
        ended.export(tmp_path / "a.onnx", "failed")
    assert not list(tmp_path.iterdir())


def _validation(results: mien.StudyResults) -> np.ndarray:
    return results.data.faces.spec.open().split("validation").images


def _small(folder: Path, units: int) -> mien.StudyResults:
    """Nets `a` and `b` on 200 faces; `a` has so many units."""
    nets = {
        "a": {"layers": ["flatten", f"dense({units})", "classes"]},
        "b": {"layers": ["flatten", "classes"]},
    }
    study = mien.Study(name="small", data={"source": "drawn:200"}, recipe={"epochs": 1}, nets=nets)
    return study.run(folder=folder, progress=False)


def test_a_net_of_other_results_is_refused_though_its_name_is_the_same(tmp_path: Path) -> None:
    before = _small(tmp_path / "one", 4)
    after = _small(tmp_path / "one", 8)  # another net of the same name in the same folder
    assert before.net("a") != after.net("a")
    for call in (after.net, after.ensemble, lambda net: after.compare(net, "b"), lambda net: after.compare("b", net)):
        with pytest.raises(UserError, match=r"^a: is of other results than those in .*one; give its name"):
            call(before.net("a"))
    with pytest.raises(UserError, match=r"^a: is of other results"):
        after.export(tmp_path / "a.onnx", before.net("a"))


def test_results_outlast_another_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = _small(Path("here"), 4)
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    assert len(results.net("a").predictions_of("validation")) == 1
    assert results.folder == tmp_path / "here"


def test_results_whose_files_are_gone_say_so(tmp_path: Path) -> None:
    _small(tmp_path / "gone", 4)
    shutil.rmtree(tmp_path / "gone" / "runs")
    read = mien.StudyResults.open(tmp_path / "gone")
    for draw in (read.net("a").confusion, read.net("a").mistakes, read.net("a").roc):
        with pytest.raises(UserError, match=r"^a: its predictions of \w+ are not in .*runs any more; run the study"):
            draw()
    with pytest.raises(UserError, match=r"^a: its predictions of validation are not in .*runs any more"):
        read.compare("a", "b")
    shutil.rmtree(tmp_path / "gone")
    with pytest.raises(UserError, match=r"gone: the study's folder is not there any more, so no report"):
        read.report()
    assert not (tmp_path / "gone").exists()
