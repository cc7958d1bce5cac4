from pathlib import Path

import pytest

from mien.errors import UserError
from mien.study.config.resources import Resources
from mien.study.config.schema import read_study

NETS = '[nets]\na.layers = ["flatten", "classes"]\nb.layers = ["flatten", "classes"]\n'


def resources(folder: Path, text: str) -> dict[str, Resources]:
    file = folder / "study.toml"
    file.write_text(f'name = "s"\n{NETS}{text}', encoding="utf-8")
    return dict(read_study(file).resources)


def test_a_run_takes_one_core_unless_more_are_configured(tmp_path: Path) -> None:
    assert resources(tmp_path, "") == dict.fromkeys("ab", Resources(cores=1, gpu=None, workers=1))


def test_a_gpu_is_left_open_but_for_a_net_that_is_trained_on_the_processor(tmp_path: Path) -> None:
    merged = resources(tmp_path, 'b.recipe.device = "cpu"\n')
    assert (merged["a"].gpu, merged["b"].gpu) == (None, 0.0)
    assert [merged[name].with_gpu(1.0).gpu for name in "ab"] == [1.0, 0.0]


def test_a_nets_own_resources_go_over_the_studys(tmp_path: Path) -> None:
    merged = resources(tmp_path, "b.resources = { cores = 1, workers = 2 }\n[resources]\ncores = 4\ngpu = 0.5\n")
    assert merged == {"a": Resources(cores=4, gpu=0.5), "b": Resources(cores=1, gpu=0.5, workers=2)}


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("[resources]\ncores = 0", ["resources.cores: found 0, should be greater than or equal to 1"]),
        ("[resources]\ncore = 2", ["resources.core: unknown key; known: cores, gpu, workers; did you mean 'cores'?"]),
        ("[resources]\ngpu = 1.5", ["resources.gpu: found 1.5; a share of one GPU, or a whole number of them"]),
        ("a.resources.cores = 1.5", ["nets.a.resources.cores: found 1.5, should be a whole number"]),
        ("a.resources = 2", ["nets.a.resources: found 2, should be a table"]),
        (
            "a.resources.workers = -1\n[resources]\ngpu = -1",
            [
                "nets.a.resources.workers: found -1, should be greater than or equal to 1",
                "resources.gpu: found -1, should be greater than or equal to 0",
            ],
        ),
    ],
)
def test_each_mistake_is_reported_with_its_place(tmp_path: Path, text: str, mistakes: list[str]) -> None:
    with pytest.raises(UserError) as error:
        resources(tmp_path, text)
    assert [line.strip() for line in str(error.value).splitlines()[1:]] == mistakes
