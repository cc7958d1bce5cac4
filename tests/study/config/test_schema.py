from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import UserError
from mien.nets import ZOO
from mien.study.config.schema import read_study
from mien.study.config.study import StudyConfig

STUDIES = Path(__file__).parents[3] / "studies"
NET = '[nets.a]\nlayers = ["flatten", "classes"]\n'


def _read(folder: Path, text: str, *settings: str) -> StudyConfig:
    file = folder / "s.toml"
    file.write_text(text, encoding="utf-8")
    return read_study(file, settings)


def _mistakes(folder: Path, text: str, *settings: str) -> list[str]:
    with pytest.raises(UserError) as caught:
        _read(folder, text, *settings)
    head, *mistakes = str(caught.value).split("\n  ")
    count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
    assert head == f"{folder / 's.toml'}: {count}"
    return mistakes


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        (NET, ["name: missing"]),
        ('name = "a"', ["nets: missing"]),
        ('name = "aux"\n' + NET, ["name: 'aux' cannot be a file's name on Windows; take another"]),
        (
            'name = "a"\n' + NET + NET.replace("nets.a", "nets.A"),
            ["nets: 'a' and 'A' would be one file on Windows and on macOS; rename one"],
        ),
        (
            'name = "a"\ndata.source = "C:\\faces"\n' + NET,
            [r"data.source: found 'C:\x0caces'; a path with backslashes stands in single quotes: 'C:\faces'"],
        ),
        ('name = "a"\n[nets]', ["nets: found {}, should have at least 1 item"]),
        (
            'name = "a b"\n' + NET,
            ["name: found 'a b'; letters, digits, '.', '_' and '-' only, the first a letter or a digit"],
        ),
        (
            'name = "../a"\n' + NET,
            ["name: found '../a'; " + "letters, digits, '.', '_' and '-' only, the first a letter or a digit"],
        ),
        (
            'name = "a"\nsedes = [1]\n' + NET,
            [
                "sedes: unknown key; known: name, seeds, data, recipe, nets, groups, ensembles, previews, resources,"
                " track; did you mean 'seeds'?"
            ],
        ),
        (
            'name = "a"\n[recipe]\nepochs = 2\n' + NET + 'recipe = { teachers = ["a", "c", "d"] }\n'
            '[nets.c]\nlayers = ["flatten", "classes"]\nrecipe.teachers = "dd"\n'
            '[nets.dd]\nlayers = ["flatten", "dense(n)", "classes"]\ntune.space.n = [1, 2]\n',
            [
                "nets.a.recipe.teachers: 'a' cannot teach itself; give its double another name",
                "nets.a.recipe.teachers: no net 'd'; known: a, c, dd; did you mean 'dd'?",
                "nets.c.recipe.teachers: 'dd' is tuned, so it ends last; take a net with settled values",
            ],
        ),
        (
            'name = "a"\nensembles = { c = 2, d = [], e = { a = 0 }, f = { a = true }, g = { a = 1, b = nan } }\n'
            + NET,
            [
                f"ensembles.{name}: found {entry}; list nets, or give a table of each one's weight, above 0"
                for name, entry in {
                    "c": "2",
                    "d": "[]",
                    "e": "{'a': 0}",
                    "f": "{'a': True}",
                    "g": "{'a': 1, 'b': nan}",
                }.items()
            ],
        ),
        (
            'name = "a"\nensembles = { a = { a = 2, c = 1 }, b = ["aa", "a", "a"], c = ["a"] }\n' + NET,
            [
                "ensembles.a: is the name of a net; call it otherwise",
                "ensembles.a: no net 'c'; known: a",
                "ensembles.b: no net 'aa'; known: a; did you mean 'a'?",
                "ensembles.b: net 'a' stands 2 times",
                "ensembles.c: one net of one seed is no ensemble; name another net, or give more seeds",
            ],
        ),
        (
            'name = "a"\n' + NET + 'recipe = { tta_scales = [0.4, "x"] }\n[recipe]\ntta_scales = true\n',
            [
                "recipe.tta_scales: found True, should be a list",
                "nets.a.recipe.tta_scales[0]: found 0.4, should be greater than or equal to 0.5",
                "nets.a.recipe.tta_scales[1]: found 'x', should be a number",
            ],
        ),
        ('name = "a"\nseeds = []\n' + NET, ["seeds: found [], should have at least 1 item"]),
        (
            'name = "a"\nseeds = [0, -1, true]\n' + NET,
            [
                "seeds[1]: found -1, should be greater than or equal to 0",
                "seeds[2]: found True, should be a whole number",
            ],
        ),
        ('name = "a"\nseeds = [3, 1, 3]\n' + NET, ["seeds: 3 stands 2 times"]),
        (
            'name = "a"\n[recipe]\nepochs = "2"\nbatch = 0\nlearning_rate = nan\n' + NET,
            [
                "recipe.epochs: found '2', should be a whole number",
                "recipe.batch: found 0, should be greater than or equal to 1",
                "recipe.learning_rate: found nan, should be a finite number",
            ],
        ),
        (
            'name = "a"\n' + NET + 'recipe = { epoch = 2, optimizer = "adm" }',
            [
                "nets.a.recipe.optimizer: found 'adm'; known: adam, sgd; did you mean 'adam'?",
                "nets.a.recipe.epoch: unknown key; known: epochs, batch, optimizer, learning_rate, momentum, nesterov,"
                " weight_decay, schedule, warm_up, layer_decay, label_smoothing, focal_gamma, class_weights,"
                " sampling, targets, teachers, distillation_weight, init_from, augment, scaling, whitening,"
                " ema_decay, tta_flip, tta_scales, device, precision, patience, keep; did you mean 'epochs'?",
            ],
        ),
        (
            'name = "a"\n[recipe]\nmomentum = 0.9\n' + NET,
            ["nets.a.recipe: momentum and nesterov belong to optimizer = 'sgd'; adam has its own"],
        ),
        (
            'name = "a"\n' + NET + 'recipe.init_from = "out"\n',
            ["nets.a.recipe.init_from: belongs to the net itself: nets.a.init_from"],
        ),
        (
            'name = "a"\n[nets.a]',
            ["nets.a: give one of layers, zoo (a net of `mien nets`), backbone and init_from (a finished run)"],
        ),
        (
            'name = "a"\n' + NET + 'zoo = "cnn_1"',
            ["nets.a: give one of layers, zoo (a net of `mien nets`), backbone and init_from (a finished run)"],
        ),
        (
            'name = "a"\n[nets.a]\nzoo = "cnn1"',
            [f"nets.a.zoo: found 'cnn1'; known: {', '.join(ZOO)}; did you mean 'cnn_1'?"],
        ),
        (
            'name = "a"\n[nets.a]\nzoo = "cnn_1"\nvalues = { k = 3 }',
            ["nets.a.values: belong to a net's own layers; a net of the zoo has none to bind"],
        ),
        (
            'name = "a"\n[nets."b/c"]\nzoo = "cnn_1"',
            ["nets.b/c: a net's name is letters, digits, '.', '_' and '-' only, the first a letter or a digit"],
        ),
        ('name = "a"\nrecipe = 4\n' + NET, ["recipe: found 4, should be a table"]),
        (
            'name = "a"\n[data]\nsource = [1]\nsize = 0\nvotez = "x"\n' + NET,
            [
                "data.source: found [1]; a source is a text, or a list of texts",
                "data.size: found 0, should be greater than or equal to 1",
                "data.votez: unknown key; known: source, size, votes, labels, clean, classes, validation;"
                " did you mean 'votes'?",
            ],
        ),
        (
            'name = "a"\n' + NET + '[nets.b]\nzoo = "cnn_1"\n[groups]\nx = ["a", "a"]\ny = ["c"]',
            [
                "groups.y: no net 'c'; known: a, b",
                "groups: net 'a' stands 2 times; it can stand in one table",
                "groups: net 'b' stands in none of them",
            ],
        ),
        ('name = "a"\n' + NET + "[groups]\nx = []", ["groups.x.nets: found [], should have at least 1 item"]),
    ],
)
def test_each_mistake_is_reported_with_its_place(tmp_path: Path, text: str, mistakes: list[str]) -> None:
    assert _mistakes(tmp_path, text) == mistakes


def test_nets_that_cannot_be_started_from_are_reported(tmp_path: Path) -> None:
    text = """
        name = "a"
        [nets.first]
        layers = ["flatten", "classes"]
        [nets.second]
        init_from = "first"
        recipe.scaling = "standardised"
        [nets.third]
        init_from = "second"
        [nets.fourth]
        init_from = "fourth"
        layers = ["flatten", "classes"]
    """
    assert _mistakes(tmp_path, text) == [
        "nets.fourth: init_from = 'fourth' brings its layers; leave out layers",
        "nets.second.init_from: 'first' has another scaling; give both the same",
        "nets.third.init_from: 'second' has another scaling; give both the same",
    ]


def test_nets_that_wait_for_each_other_are_reported(tmp_path: Path) -> None:
    text = """
        name = "a"
        [nets.first]
        layers = ["flatten", "classes"]
        recipe.teachers = ["third"]
        [nets.second]
        init_from = "first"
        [nets.third]
        layers = ["flatten", "classes"]
        recipe.teachers = ["second"]
        [nets.fourth]
        init_from = "third"
        recipe.teachers = ["second", "first"]
    """
    assert _mistakes(tmp_path, text) == [
        "nets.first.recipe.teachers: 'third' waits for 'first' itself; one of them has to come first",
        "nets.second.init_from: 'first' waits for 'second' itself; one of them has to come first",
        "nets.third.recipe.teachers: 'second' waits for 'third' itself; one of them has to come first",
    ]


def test_nets_that_start_from_each_other_are_reported(tmp_path: Path) -> None:
    text = 'name = "a"\n[nets.first]\ninit_from = "second"\n[nets.second]\ninit_from = "first"\n'
    assert _mistakes(tmp_path, text) == [
        "nets.first.init_from: from 'second' on no net has layers of its own; one has to begin",
        "nets.second.init_from: from 'first' on no net has layers of its own; one has to begin",
    ]


def test_a_run_to_start_from_that_is_none_is_reported(tmp_path: Path) -> None:
    [mistake] = _mistakes(tmp_path, 'name = "a"\n[nets.a]\ninit_from = "nowhere"\n')
    assert mistake == (
        f"nets.a.init_from: {tmp_path / 'nowhere'}: neither a run's folder nor a study's, "
        "nor STUDY/NET for a net of a study"
    )


def test_every_mistake_is_reported_at_once_the_nets_words_too(tmp_path: Path) -> None:
    text = """
        seeds = [-1]
        [recipe]
        epochs = 0
        [nets.a]
        layers = ["flatten", "dens(3)", "classes"]
        lyers = 1
        [nets.b]
        layers = ["flatten", "dense(n)", "conv(4)", "classes"]
        recipe.batch = -1
        [groups]
        x = ["a", "q"]
    """
    mistakes = _mistakes(tmp_path, text)
    places = [mistake.split(": ")[0] for mistake in mistakes]
    assert set(places) >= {
        *("name", "seeds[0]", "recipe.epochs", "nets.a.lyers", "nets.a.layers[1]", "nets.b.layers[1]"),
        *("nets.b.recipe.batch", "groups.x", "groups"),
    }
    assert any("unknown layer 'dens'" in mistake and "did you mean 'dense'?" in mistake for mistake in mistakes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'name = "a\n', r"s\.toml: not TOML: .*at line 1, column"),
        (b'name = "a"\nname = "b"\n', r"s\.toml: not TOML: .*at line 2"),
        (b'name = "\xff"', r"s\.toml: not TOML: .*utf-8"),
    ],
)
def test_what_is_not_toml_is_reported_with_its_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "s.toml").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_study(tmp_path / "s.toml")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.toml: cannot be read: no such file or directory"):
        read_study(tmp_path / "none.toml")
    with pytest.raises(UserError, match="cannot be read: is a directory"):
        read_study(tmp_path)


def test_a_recipe_is_the_nets_own_over_the_studys_over_the_zoos(tmp_path: Path) -> None:
    text = """
        name = "a"
        recipe.batch = 32
        [nets]
        x.zoo = "cnn_1"
        y = { zoo = "cnn_1", recipe = { batch = 8, epochs = 1 } }
    """
    x, y = _read(tmp_path, text).nets
    assert (x.recipe.epochs, x.recipe.batch) == (15, 32)
    assert (y.recipe.epochs, y.recipe.batch) == (1, 8)
    x, y = _read(tmp_path, text, "recipe.epochs=3").nets
    assert (x.recipe.epochs, y.recipe.epochs) == (3, 1)
    assert x.net.name == "x"
    assert x.net.layers == ZOO["cnn_1"].layers


def test_settings_are_applied_before_checking(tmp_path: Path) -> None:
    study = _read(tmp_path, 'name = "a"\nseeds = [-3]\n' + NET, "seeds=[0,1]", "name=b", "nets.a.recipe.optimizer=sgd")
    assert study.seeds == (0, 1)
    assert study.name == "b"
    assert study.nets[0].recipe.rate == 0.01
    assert study.settings == ("seeds=[0,1]", "name=b", "nets.a.recipe.optimizer=sgd")
    assert _mistakes(tmp_path, 'name = "a"\n' + NET, "recipe.epochs=many") == [
        "recipe.epochs: found 'many', should be a whole number"
    ]


def test_paths_are_relative_to_the_file_and_those_of_the_command_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    text = 'name = "a"\n[data]\nsource = ["train=x.csv", "/y.csv"]\nvotes = "v.csv"\n' + NET
    study = _read(tmp_path, text)
    assert study.data.source == (f"train={tmp_path}/x.csv", "/y.csv")
    assert study.data.votes == f"{tmp_path}/v.csv"
    assert read_study(tmp_path / "s.toml", (), ["z.csv"]).data.source == (f"{here}/z.csv",)
    assert read_study(tmp_path / "s.toml", (), ["drawn:300"]).data.source == ("drawn:300",)


def test_groups_order_the_nets_and_are_one_by_default(tmp_path: Path) -> None:
    nets = 'name = "a"\n[nets]\nx.zoo = "model1"\ny.zoo = "cnn_1"\n'
    assert {name: [net.net.name for net in nets] for name, nets in _read(tmp_path, nets).groups.items()} == {
        "all": ["x", "y"]
    }
    study = _read(tmp_path, nets + '[groups]\n"Convolutional nets" = ["y"]\nfnn = ["x"]')
    assert [(net.net.name, net.group) for net in study.nets] == [("y", "Convolutional nets"), ("x", "fnn")]


@pytest.mark.parametrize("file", sorted(STUDIES.rglob("*.toml")), ids=lambda file: file.stem)
def test_every_study_that_comes_with_mien_has_no_mistake(file: Path) -> None:
    assert read_study(file).nets


def test_the_study_of_eight_nets_is_whole() -> None:
    study = read_study(STUDIES / "fnn_cnn.toml")
    assert {
        net.net.name: (net.group, net.recipe.epochs, net.recipe.batch, net.recipe.optimizer) for net in study.nets
    } == {
        **{f"model{n}": ("fnn", 20, 256, "adam") for n in range(1, 6)},
        "cnn_1": ("cnn", 15, 256, "adam"),
        "cnn_2": ("cnn", 20, 256, "adam"),
        "cnn_3": ("cnn", 20, 256, "adam"),
    }
    assert all(net.net.layers == ZOO[net.net.name].layers for net in study.nets)


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["name", "seeds", "data", "recipe", "nets", "groups", "x"]), JSON_LIKE)
def test_no_entry_whatever_it_holds_is_more_than_a_mistake(key: str, value: object) -> None:
    from mien.study.config.schema import check_table

    table = {"name": "a", "nets": {"a": {"layers": ["flatten", "classes"]}}, key: value}
    study, problems = check_table(table, Path("s.toml"))
    assert (study is None) == bool(problems)


def test_whose_labels_and_what_is_left_out(tmp_path: Path) -> None:
    study = _read(tmp_path, 'name = "a"\n[data]\nlabels = "majority"\nclean = ["copies", "leaks"]\n' + NET)
    assert (study.data.labels, study.data.clean) == ("majority", ("copies", "leaks"))
    plain = _read(tmp_path, 'name = "a"\n' + NET)
    assert (plain.data.labels, plain.data.clean) == ("own", ())
    assert _mistakes(tmp_path, 'name = "a"\n[data]\nlabels = "most"\nclean = ["copys"]\n' + NET) == [
        "data.labels: found 'most'; known: own, majority, agreed",
        "data.clean: found 'copys'; known: constant, no_face, conflicts, leaks, copies; did you mean 'copies'?",
    ]


def test_what_numbers_mean_and_a_share_for_validation(tmp_path: Path) -> None:
    study = _read(tmp_path, 'name = "a"\ndata.classes = "rafdb"\ndata.validation = 0.1\n' + NET)
    assert (study.data.classes, study.data.validation) == (("rafdb",), 0.1)
    listed = _read(tmp_path, 'name = "a"\n' + NET, 'data.classes=["happy", "smile"]', "data.validation=0.2")
    assert (listed.data.classes, listed.data.validation) == (("happy", "smile"), 0.2)
    assert _mistakes(tmp_path, 'name = "a"\ndata.classes = "rafd"\ndata.validation = 0.9\n' + NET) == [
        "data.classes: no layout is called 'rafd'; known: fer2013, ferplus, rafdb, affectnet7, affectnet8, ckplus; "
        "did you mean 'rafdb'?; or give a name for each number, with commas",
        "data.validation: found 0.9, should be less than or equal to 0.5",
    ]
    assert _mistakes(tmp_path, 'name = "a"\ndata.classes = [0]\n' + NET) == [
        "data.classes: found [0]; give a known layout, or a list of names, one for each number"
    ]


def test_a_path_with_backslashes_in_double_quotes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not TOML: .*; a path with backslashes stands in single quotes: 'C:\\faces'"):
        _read(tmp_path, 'name = "a"\ndata.source = "C:\\Users"\n' + NET)
