"""What torch computes on processors other than this one, as far as its libraries can be set to do without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SWEEP = Path(__file__).with_name("kernel_sweep.py")

PROCESSORS = {
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
    "AVX-512": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE", "ATEN_CPU_CAPABILITY": "avx512"},
    "this one": {},
}

STRIDED = """
import torch
from mien.nets import Net, build
from mien.training.fast import make_gradients
from torch.nn import functional as F

torch.manual_seed(0)
x, labels = torch.randn(20, 1, 48, 48), torch.arange(20) % 7
for layers in (
    ("conv(4)", "residual(6, stride=2)"),
    ("conv(3)", "conv(5, 1, stride=2)"),
    ("conv(6)", "conv(5, 1, 3, 'same')"),
):
    model = build(Net("net", (*layers, "relu", "flatten", "classes")), 48, 7, 0)
    exact = build(Net("net", (*layers, "relu", "flatten", "classes")), 48, 7, 0).double().train()
    F.cross_entropy(exact(x.double()), labels).backward()
    way = make_gradients(model, torch.float32)
    for _ in range(5):
        way.batch(x.clone(), labels, key=0)
        for ours, theirs in zip(model.parameters(), exact.parameters(), strict=True):
            assert (ours.grad - theirs.grad).norm() <= 1e-3 * theirs.grad.norm() + 1e-5, layers
"""


def run(processor: str, *words: str, timeout: float) -> subprocess.CompletedProcess[str]:
    """A Python that computes as a processor does."""
    environment = os.environ | PROCESSORS[processor] | {"OMP_NUM_THREADS": "2"}
    return subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


def skip_unless_able(processor: str) -> None:
    able = torch.backends.cpu.get_cpu_capability()
    if processor != "this one" and (able not in ("AVX2", "AVX512") or (processor, able) == ("AVX-512", "AVX2")):
        pytest.skip(f"this processor, {able}, cannot compute as one with {processor} does")


@pytest.mark.parametrize("processor", PROCESSORS)
def test_strided_1x1_convolutions_of_few_channels_have_correct_gradients(processor: str) -> None:
    skip_unless_able(processor)
    done = run(processor, "-c", STRIDED, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["convolutions", "blocks", "others"])
@pytest.mark.parametrize("processor", PROCESSORS)
def test_small_and_odd_shapes_are_correct_on_every_processor(processor: str, kind: str) -> None:
    skip_unless_able(processor)
    done = run(processor, str(SWEEP), kind, timeout=600)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
