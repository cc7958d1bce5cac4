"""A tune table: what may stand in it, and every mistake with its place."""

import tomllib
from pathlib import Path

import pytest

from mien.study.config.schema import check_table, read_study
from mien.study.config.study import StudyConfig
from mien.study.config.tune import PRUNERS

NET = """
name = "a"
[nets.a]
layers = ["conv(n, kernel)", "act", "pool", "flatten", "dropout(p)", "classes"]
recipe = { epochs = 2, augment = ["rotate(degrees)"] }
[nets.a.tune]
"""
SPACE = (
    'space = { n = "integers(2, 4)", kernel = [1, 3], act = ["relu", "elu"], p = "uniform(0.1, 0.3)", degrees = [5] }\n'
)


def study(text: str) -> StudyConfig:
    checked, problems = check_table(tomllib.loads(text), Path())
    assert checked is not None, problems
    return checked


def mistakes(text: str) -> list[str]:
    checked, problems = check_table(tomllib.loads(text), Path())
    assert checked is None
    return problems


def test_a_tuned_net_has_the_first_values_of_its_space() -> None:
    net = study(NET + SPACE).nets[0]
    assert dict(net.net.values) == {"n": 2, "kernel": 1, "act": "relu", "p": 0.1}
    assert net.recipe.augment == ("rotate(5)",)


def test_a_trials_values_are_bound_in_layers_augmentation_and_recipe() -> None:
    tune = study(NET + SPACE.replace("{ n", '{ "recipe.batch" = [8, 16], n')).nets[0].tune
    assert tune is not None
    values = {"n": 4, "kernel": 3, "act": "elu", "p": 0.2, "degrees": 5, "recipe.batch": 16}
    bound = tune.bind(values, [])
    assert bound is not None
    net, recipe = bound
    assert dict(net.values) == {"n": 4, "kernel": 3, "act": "elu", "p": 0.2}
    assert (recipe.batch, recipe.epochs, recipe.augment) == (16, 2, ("rotate(5)",))


def test_what_stands_first_under_start_comes_first() -> None:
    tune = study(NET + SPACE + 'enqueue = [{ kernel = 3, act = "elu" }]').nets[0].tune
    assert tune is not None
    assert tune.first == {"n": 2, "kernel": 3, "act": "elu", "p": 0.1, "degrees": 5}


def test_budgets_leave_a_search_what_it_is_and_all_else_makes_it_another() -> None:
    def search_id(text: str) -> str:
        tune = study(text).nets[0].tune
        assert tune is not None
        return tune.id("faces")

    first = search_id(NET + SPACE)
    assert search_id(NET + SPACE + "trials = 99\nminutes = 3.5") == first
    others = {search_id(NET + SPACE + "seed = 1"), search_id((NET + SPACE).replace("0.3", "0.4"))}
    others |= {
        search_id((NET + SPACE).replace("epochs = 2", "epochs = 3")),
        search_id(NET + SPACE + "enqueue = [{n = 3}]"),
    }
    assert len(others | {first}) == 5


@pytest.mark.parametrize("recipe", ["recipe = { epochs = 2 }", 'recipe = { epochs = 2, device = "mps" }', ""])
def test_a_search_goes_on_on_another_device(recipe: str, tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    text = 'name = "a"\n[nets.a]\nlayers = ["flatten", "dense(n)", "classes"]\n'
    file.write_text(f"{text}{recipe}\n[nets.a.tune]\nspace = {{ n = [2, 3] }}\n", encoding="utf-8")
    tunes = [read_study(file, device=device).nets[0].tune for device in ("", "cpu", "cuda:1")]
    assert len({tune.id("faces") for tune in tunes if tune}) == 1
    bound = tunes[1].bind({"n": 3}, []) if tunes[1] else None
    assert bound is not None
    assert bound[1].device == "cpu"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            'space = { kernel = "unform(1, 2)" }',
            "nets.a.tune.space.kernel: unknown distribution 'unform'; known: uniform",
        ),
        ("space = { kernel = [] }", "nets.a.tune.space.kernel: an empty choice; list the values"),
        ("space = { kernel = [3, 3] }", "nets.a.tune.space.kernel: 3 twice"),
        ('space = { p = "uniform(0.3, 0.1)" }', "nets.a.tune.space.p: low is 0.3 and high is 0.1"),
        ('space = { p = "log_uniform(0, 0.1)" }', "nets.a.tune.space.p: low is 0; a logarithm needs numbers above 0"),
        ('space = { p = "uniform(0.1)" }', "nets.a.tune.space.p: uniform needs high"),
        ("space = { p = 3 }", "nets.a.tune.space.p: found 3; a list of values, or a distribution"),
        ("space = { q = [1] }", "nets.a.tune.space.q: no word of the net uses this hyper-parameter"),
        ('space = { "recipe.epoch" = [1] }', "nets.a.tune.space.recipe.epoch: no entry of a recipe; known: epochs"),
        (SPACE + "sampler = 'tpo'", "nets.a.tune.sampler: found 'tpo'; known: tpe, random, grid, gp, cmaes"),
        (SPACE + "sampler = 'grid'", "nets.a.tune.space.p: has no end of values, and sampler = 'grid' takes them all"),
        (SPACE + "pruner = 'medium'", "nets.a.tune.pruner: unknown pruner 'medium'; known: none, median"),
        (SPACE + "pruner = 'median(start=3)'", "nets.a.tune.pruner: median has no argument 'start'"),
        (
            SPACE + "pruner = 'median'\nobjectives = ['validation_accuracy', 'parameters']",
            "nets.a.tune.pruner: found 'median'; with several objectives no trial can be pruned",
        ),
        (SPACE + "enqueue = [{ kernel = 7 }]", "nets.a.tune.enqueue[0].kernel: found 7, which the space does not hold"),
        (SPACE + "enqueue = [{ kernl = 3 }]", "nets.a.tune.enqueue[0].kernl: not in the space"),
        (SPACE + "trials = 0", "nets.a.tune.trials: found 0"),
        (SPACE + "trails = 3", "nets.a.tune.trails: unknown key"),
        ("trials = 3", "nets.a.tune.space: missing"),
    ],
)
def test_each_mistake_is_reported_with_its_place(table: str, expected: str) -> None:
    assert any(text.startswith(expected) for text in mistakes(NET + table)), mistakes(NET + table)


def test_a_hyper_parameter_that_nothing_binds_is_reported() -> None:
    problems = mistakes(NET + SPACE.replace('p = "uniform(0.1, 0.3)", ', ""))
    assert any("hyper-parameter 'p' is not bound to a value" in problem for problem in problems)


def test_a_value_that_never_fits_the_net_is_reported_before_anything_is_spent() -> None:
    problems = mistakes(NET + SPACE.replace("[1, 3]", "[1, 3, 99]"))
    assert len(problems) == 1
    assert problems[0].startswith("nets.a.tune.space.kernel: 99 does not fit: ")
    assert "larger than its input" in problems[0]


def test_a_value_that_its_recipe_refuses_is_reported() -> None:
    problems = mistakes(NET + SPACE.replace("{ n", '{ "recipe.optimizer" = ["adam", "adamw"], n'))
    assert len(problems) == 1
    assert problems[0].startswith("nets.a.tune.space.recipe.optimizer: 'adamw' does not fit: ")


def test_values_that_need_each_other_are_left_to_the_trials() -> None:
    space = SPACE.replace("{ n", '{ "recipe.optimizer" = ["adam", "sgd"], "recipe.momentum" = [0.0, 0.9], n')
    tune = study(NET + space).nets[0].tune
    assert tune is not None
    problems: list[str] = []
    assert tune.bind(tune.first | {"recipe.momentum": 0.9}, problems) is None
    assert "momentum and nesterov belong to optimizer = 'sgd'" in problems[0]
    assert tune.bind(tune.first | {"recipe.momentum": 0.9, "recipe.optimizer": "sgd"}, problems) is not None


@pytest.mark.parametrize("pruner", PRUNERS)
def test_every_pruner_can_be_named(pruner: str) -> None:
    assert study(NET + SPACE + f"pruner = '{pruner}'").nets[0].tune is not None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('sampler = "cmaes"\nobjectives = ["validation_accuracy", "parameters"]', "'cmaes' knows one objective"),
        ('pruner = "median(startup=-1)"', "median: startup = -1 should be greater than or equal to 0"),
        ('pruner = "hyperband(factor=1)"', "hyperband: factor = 1 should be greater than or equal to 2"),
    ],
)
def test_what_optuna_would_refuse_is_a_mistake(more: str, message: str) -> None:
    assert any(message in text for text in mistakes(NET + SPACE + more))


def test_cmaes_needs_two_numbers() -> None:
    text = NET + SPACE.replace('"integers(2, 4)"', "[2, 4]") + 'sampler = "cmaes"'
    assert any("'cmaes' needs two numbers or more in the space" in text for text in mistakes(text))
