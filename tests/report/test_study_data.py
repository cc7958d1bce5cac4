from dataclasses import replace
from pathlib import Path
from shutil import copytree, rmtree

from report.examples import comparison, failed_net, net, reported

from mien.report.study_data import read_reported_study
from mien.runs.metrics import McNemar
from mien.runs.recipe import Recipe
from mien.runs.results import read_results


def test_a_test_is_seen_from_either_net() -> None:
    study = reported([net("a", "g", 0.5), net("b", "g", 0.6)], [comparison("a", "b", "validation", 3, 7, 0.34)])
    assert study.mcnemar("a", "b", "validation") == McNemar(only_a=3, only_b=7, p=0.34)
    assert study.mcnemar("b", "a", "validation") == McNemar(only_a=7, only_b=3, p=0.34)
    assert study.mcnemar("a", "b", "test") is None


def test_the_studys_best_comes_first_of_the_selected() -> None:
    nets = [net("a", "x", 0.5, selected=True), net("b", "y", 0.6, selected=True), net("c", "y", 0.4)]
    assert [one.name for one in reported(nets).selected] == ["b", "a"]


def test_nets_without_an_accuracy_are_not_evaluated() -> None:
    study = reported([failed_net("a", "g"), net("b", "g", 0.5, test=0.4)])
    assert [one.name for one in study.evaluated] == ["b"]
    first, second = study.nets
    assert (first.evaluated_on, first.evaluated) == (None, None)
    assert (second.evaluated_on, second.evaluated) == ("test", second.test)


def test_the_same_layers_without_augmentation() -> None:
    augmented = net("augmented", "y", 0.6, recipe=Recipe(augment=("flip",)))
    plain, other = net("plain", "x", 0.5), net("other", "x", 0.5, layers=("flatten", "dense(8)", "classes"))
    study = reported([other, plain, augmented])
    twin = study.without_augmentation(study.nets[2])
    assert twin is study.nets[1]
    assert study.without_augmentation(study.nets[1]) is None
    bound = replace(augmented, values={"n": 8})
    assert reported([plain, bound]).without_augmentation(reported([plain, bound]).nets[1]) is None


def test_runs_whose_folders_are_gone_are_left_out(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    copytree(study, folder)
    results = read_results(folder)
    whole = read_reported_study(folder, results)
    assert [len(one.runs) for one in whole.nets] == [2, 2, 2, 2]
    assert whole.study_file.startswith("\nname = ")
    rmtree(folder / "runs" / results.nets[0].runs[0])
    (folder / "study.toml").unlink()
    less = read_reported_study(folder, results)
    assert ([len(one.runs) for one in less.nets], less.study_file) == ([1, 2, 2, 2], "")
