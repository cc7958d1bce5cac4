"""What augmenting costs beside training: a batch of 256 faces, and a step of cnn_1 on it, in turns in one process.

Rotation up to 10 degrees, shifts and zoom up to a tenth, flips and erasing of half of the faces, each face on its own.
Beside mien: kornia for the whole batch, and torchvision's transforms face by face, as its data sets call them; what
cannot be imported is left out, with a line that says so. Also what scaling takes, whitening among it. Milliseconds, and
the share of the step of the same round: the median of the rounds, and their range.

    python benchmarks/augment.py [--rounds N] [--quick] [--json]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
from budget import rounds
from processor import processor_facts, processor_line

from mien.augmentation import Augmentation
from mien.nets import ZOO, build
from mien.runs.recipe import Recipe
from mien.training.scaling import Scaling
from mien.training.trainer import Trainer

BATCH, CALLS, STEP = 256, 5, "a step of cnn_1"
WORDS = ("rotate(10)", "shift(0.1)", "zoom(0.1)", "flip", "erase")
EVERY = (
    *WORDS,
    "shear(5)",
    "flip_vertical",
    "brightness(0.2)",
    "contrast(0.2)",
    "blur(1)",
    "sharpen(1)",
    "noise(5)",
    "jpeg(30)",
    "mixup",
    "cutmix",
)
Way = Callable[[int], object]


def of_mien(images: torch.Tensor, targets: torch.Tensor, words: tuple[str, ...]) -> Way:
    """Mien's augmentation of a batch."""
    augmentation = Augmentation(words, 0)
    return lambda number: augmentation(images, targets, number)


def of_kornia(images: torch.Tensor) -> Way:
    """Kornia's, whole batch."""
    from kornia.augmentation import AugmentationSequential, RandomAffine, RandomErasing, RandomHorizontalFlip

    moves = RandomAffine(10.0, translate=(0.1, 0.1), scale=(0.9, 1.1), padding_mode="border", p=1.0)
    erasing = RandomErasing(scale=(0.02, 0.4), ratio=(0.3, 3.3), p=0.5)
    every = AugmentationSequential(moves, RandomHorizontalFlip(p=0.5), erasing, data_keys=["input"])
    return lambda number: every(images[:, None].float())


def of_torchvision(images: torch.Tensor) -> Way:
    """Torchvision's, face by face."""
    from torchvision.transforms import v2

    moves = v2.RandomAffine(10, translate=(0.1, 0.1), scale=(0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR)
    every = v2.Compose([moves, v2.RandomHorizontalFlip(), v2.RandomErasing(scale=(0.02, 0.4), ratio=(0.3, 3.3))])
    return lambda number: torch.stack([every(image) for image in images[:, None].float()])


def contenders() -> tuple[dict[str, Way], list[str]]:
    """What is timed, by name, and what cannot be."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (BATCH, 48, 48), dtype=torch.uint8, generator=generator)
    targets = torch.nn.functional.one_hot(torch.randint(0, 7, (BATCH,), generator=generator), 7).float()
    trainer = Trainer(build(ZOO["cnn_1"]), Recipe(), 0)
    many = torch.randint(0, 256, (4000, 48, 48), dtype=torch.uint8, generator=generator)
    featurewise = Scaling.fit(Recipe(scaling="featurewise"), many)
    whitened = Scaling.fit(Recipe(whitening="zca"), many)
    ways: dict[str, Way] = {
        STEP: lambda number: trainer.step(images, targets, number),
        f"mien: {', '.join(WORDS)}": of_mien(images, targets, WORDS),
        "mien: blur(1)": of_mien(images, targets, ("blur(1)",)),
        "mien: all of its words": of_mien(images, targets, EVERY),
    }
    missing = []
    for name, rival in (("kornia", of_kornia), ("torchvision, face by face", of_torchvision)):
        try:
            ways[f"{name}: the same as mien's first"] = rival(images)
        except (ImportError, RuntimeError) as error:
            missing.append(f"{name}: not timed, it cannot be imported here ({str(error).splitlines()[0]})")
    ways["scaling featurewise"] = lambda number: featurewise(images)
    ways["scaling centred, whitening zca"] = lambda number: whitened(images)
    return ways, missing


def main() -> None:
    """Measure in turns, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="one round, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    given = parser.parse_args()
    ways, missing = contenders()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in rounds(1 + (1 if given.quick else given.rounds)):
        for name, way in ways.items():
            calls = []
            for call in range(CALLS):
                started = time.perf_counter()
                way(number * CALLS + call)
                calls.append(1000 * (time.perf_counter() - started))
            taken[name].append(statistics.median(calls))
    taken = {name: times[1:] or times for name, times in taken.items()}  # the first round warms up
    if given.json:
        print(json.dumps({"machine": processor_facts(), "milliseconds": taken, "missing": missing}, indent=2))
        return
    print(processor_line())
    print(f"a batch of {BATCH} faces, {torch.get_num_threads()} threads, n = {len(taken[STEP])}: median (range)")
    for name, times in taken.items():
        shares = [100 * ours / step for ours, step in zip(times, taken[STEP], strict=True)]
        print(f"{with_range(times, 2)} ms, {with_range(shares, 1)} % of the step  {name}")
    print("\n".join(missing))


def with_range(figures: list[float], digits: int) -> str:
    """`1.30 (1.25 to 1.41)`."""
    median, low, high = (f"{figure:.{digits}f}" for figure in (statistics.median(figures), min(figures), max(figures)))
    return f"{median:>6} ({low} to {high})"


if __name__ == "__main__":
    main()
