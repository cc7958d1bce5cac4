"""The benchmarks' own parts: how much they do in the time there is, and which processor they say they ran on."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = ("alignment", "augment", "classifier", "gpu", "import", "live", "predict", "serve", "step", "train")

ZEN_3 = "model name\t: AMD EPYC 7R13 Processor\nflags\t\t: fpu sse4_2 avx avx2 fma\n"
SAPPHIRE_RAPIDS = "model name\t: Xeon\nflags\t\t: avx2 avx512f avx512_vnni avx_vnni avx512_bf16 amx_bf16 amx_int8\n"
ICE_LAKE = "model name\t: Xeon\nflags\t\t: avx2 avx512f avx512_vnni\n"
GRAVITON = "BogoMIPS\t: 2100.00\nFeatures\t: fp asimd asimddp i8mm bf16 sve\n"


def part(name: str) -> ModuleType:
    """A module of the benchmarks' folder, which is no package."""
    spec = spec_from_file_location(name, HERE / f"{name}.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_benchmark_says_which_processor_it_ran_on(script: str) -> None:
    assert (
        "print(processor_line())" in (text := (HERE / f"{script}.py").read_text(encoding="utf-8"))
        or "processor_line()," in text
    )


@pytest.mark.parametrize(
    ("cpuinfo", "products"),
    [
        (ZEN_3, ("AVX2", "none", "AVX2, no VNNI")),
        (ICE_LAKE, ("AVX-512", "none", "AVX-512 VNNI")),
        (SAPPHIRE_RAPIDS, ("AVX-512", "AMX", "AMX")),
        (GRAVITON, ("SVE", "ARM BF16", "ARM I8MM")),
        ("", ("not known", "none", "not known, no VNNI")),
    ],
)
def test_the_instructions_of_a_processor_are_named(
    cpuinfo: str, products: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    processor = part("processor")
    monkeypatch.setattr(processor.sys, "platform", "linux")
    monkeypatch.setattr(processor, "installed_torch", lambda: None)
    monkeypatch.setattr(processor.Path, "read_text", lambda *_, **__: cpuinfo)
    facts = processor.processor_facts()
    assert tuple(facts[kind] for kind in ("float32", "bfloat16", "int8")) == products
    assert "model name" not in cpuinfo or facts["processor"] in cpuinfo


def test_this_machines_processor_is_named() -> None:
    line = part("processor").processor_line()
    assert " cores, " in line
    assert "products: float32 " in line


def test_rounds_end_before_the_time_does(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    budget, now = part("budget"), [0.0]
    monkeypatch.setattr(budget.time, "perf_counter", lambda: now[0])

    def made(most: int, each: float) -> list[int]:
        numbers = []
        for number in budget.rounds(most, 100.0):
            numbers.append(number)
            now[0] += each
        return numbers

    assert made(5, 10.0) == [1, 2, 3, 4, 5]
    assert capsys.readouterr().err == ""
    assert made(5, 30.0) == [1, 2, 3]
    assert capsys.readouterr().err == "3 of 5 rounds, as the next would not end in time\n"
    assert made(5, 1000.0) == [1], "one is made in any case"


def test_repeats_fill_the_time_and_keep_to_their_bounds() -> None:
    repeats = part("budget").repeats
    assert repeats(0.5, 4.0, 100) == 8
    assert repeats(0.001, 4.0, 100) == 100
    assert repeats(60.0, 4.0, 100) == 1
    assert repeats(60.0, 4.0, 100, least=3) == 3
