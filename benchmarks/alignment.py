"""What is lost between a photo and a ready crop: FER2013's faces set into larger pictures, found and classified again.

Each face is enlarged or shrunk, tilted and put somewhere into a picture of 640 x 480; around it, what is at its edge
goes on, mirrored and blurred, so that it is a face in front of something. Printed for each size and roll: the share
that is detected again, and the accuracy on them, beside the accuracy on the same faces as they are in the data set.

    python benchmarks/alignment.py path/to/fer2013 [--model best] [--split test] [--count 500] [--quick] [--json]

How many faces are taken follows from how long a few of them take, so that a slow machine ends within ten minutes too.

With --bare they are set into nothing: each is a photo of its own, as it is in the data set and enlarged.

With --measure it measures, on train and validation, how FER2013's faces are framed: what the detector finds on them, in
shares of a crop's side. The medians are the constants of mien.predict.alignment.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator

import cv2
import numpy as np
from budget import SECONDS, repeats
from numpy.typing import NDArray
from processor import processor_facts, processor_line

from mien.faces import Faces, open_faces
from mien.faces.duplicates import is_constant
from mien.predict.detector import Detector
from mien.predict.predictor import Predictor

WIDTH, HEIGHT = 640, 480
SIDES = (32, 48, 72, 120, 240, 440)
ROLLS = (10, 20, 30, 45, 90, 180)
USUAL = 120
BARE = (48, 120, 240)
WARM_UP = 3  # faces
BLUR = 8  # the mirrored faces around a face must be none


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", help="FER2013, in any form that mien reads")
    parser.add_argument("--measure", action="store_true", help="measure the frame instead")
    parser.add_argument("--bare", action="store_true", help="the faces as photos, with nothing around them")
    parser.add_argument("--model", default="best", help="a bundled model, or a model file")
    parser.add_argument("--split", default="test", choices=("validation", "test"))
    parser.add_argument("--count", type=int, default=500, help="how many faces, random with a fixed seed")
    parser.add_argument("--quick", action="store_true", help="a few faces, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print a JSON object a row, for programs")
    given = parser.parse_args()
    faces = open_faces(given.faces)
    if given.measure:
        frame = measured(picked(faces.first(faces.rows("validation").stop), WARM_UP if given.quick else given.count))
        print(json.dumps({"machine": processor_facts(), **frame}, indent=2))
        return
    rows, split, predictor = (bare if given.bare else through), faces.split(given.split), Predictor(given.model)
    started = time.perf_counter()
    few = picked(split, WARM_UP)
    warm = list(rows(few, predictor))
    count = repeats((time.perf_counter() - started) / len(few), SECONDS, given.count)
    if count < given.count and not given.quick:
        print(f"{count} of {given.count} faces, as more would not end in time", file=sys.stderr)
    if given.json:
        print(json.dumps({"machine": processor_facts()}))
    else:
        print(processor_line())
        print("side  roll  found %  direct %  through %     n   (direct and through: of the faces found)")
    for row in warm if given.quick else rows(picked(split, count), predictor):
        print(json.dumps(row) if given.json else shown(row), flush=True)


def picked(faces: Faces, count: int) -> Faces:
    """Random faces, without those of one gray, in their order."""
    rows = np.flatnonzero(~is_constant(faces))
    rows = np.sort(np.random.default_rng(0).permutation(rows)[:count])
    return Faces(faces.images[rows], faces.labels[rows], faces.splits[rows], faces.classes)


def through(faces: Faces, predictor: Predictor) -> Iterator[dict[str, float]]:
    """For each size and roll: the share found, and of those found the accuracy through a picture and direct."""
    direct = predictor.probabilities(faces.images).argmax(axis=1) == faces.labels
    for side, roll in [*((side, 0) for side in SIDES), *((USUAL, roll) for roll in ROLLS)]:
        rng = np.random.default_rng([side, roll])
        answers = [again(image, side, roll * (-1) ** row, rng, predictor) for row, image in enumerate(faces.images)]
        yield {"side": side, "roll": roll} | summary(faces, direct, answers)


def bare(faces: Faces, predictor: Predictor) -> Iterator[dict[str, float]]:
    """The same of the faces as photos of some sizes, with nothing around them."""
    direct = predictor.probabilities(faces.images).argmax(axis=1) == faces.labels
    for side in BARE:
        photos = (cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC) for image in faces.images)
        predictions = [predictor.predict(photo.astype(np.uint8)).faces for photo in photos]
        yield {"side": side, "roll": 0} | summary(
            faces, direct, [one[0].emotion if one else None for one in predictions]
        )


def summary(faces: Faces, direct: NDArray[np.bool_], answers: list[str | None]) -> dict[str, float]:
    """Shares and accuracies of the faces, of their predicted emotions; None where no face was detected."""
    detected = np.array([answer is not None for answer in answers])
    correct = np.array([answer == faces.classes[label] for answer, label in zip(answers, faces.labels, strict=True)])
    return {
        "faces": len(faces),
        "found": float(detected.mean()),
        "direct": float(direct[detected].mean()) if detected.any() else float("nan"),
        "through": float(correct[detected].mean()) if detected.any() else float("nan"),
    }


def again(
    image: NDArray[np.uint8], side: int, roll: float, rng: np.random.Generator, predictor: Predictor
) -> str | None:
    """The emotion of a face that was set into a picture; None where it is not found."""
    reach = side / 2 * (abs(math.cos(math.radians(roll))) + abs(math.sin(math.radians(roll))))
    x = rng.uniform(min(reach, WIDTH / 2), max(WIDTH - reach, WIDTH / 2))
    y = rng.uniform(min(reach, HEIGHT / 2), max(HEIGHT - reach, HEIGHT / 2))
    for face in predictor.predict(set_into(image, side, roll, x, y)):
        left, top, width, height = face.box
        if left < x < left + width and top < y < top + height:
            return face.emotion
    return None


def set_into(image: NDArray[np.uint8], side: int, roll: float, x: float, y: float) -> NDArray[np.uint8]:
    """A picture uint8 [480, 640] with a face of `side` pixels, its middle at x, y, tilted clockwise by degrees."""
    size = image.shape[0]
    if side < size:
        image = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        size = side
    turn = np.exp(1j * math.radians(roll)) * side / size
    start = complex(x, y) - complex(0.5, 0.5) - turn * complex(size - 1, size - 1) / 2
    way = np.array([[turn.real, -turn.imag, start.real], [turn.imag, turn.real, start.imag]])
    placed = cv2.warpAffine(image, way, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    inside = cv2.warpAffine(np.ones_like(image, np.float32), way, (WIDTH, HEIGHT))
    around = cv2.GaussianBlur(placed, (0, 0), max(side / BLUR, 1))
    return (inside * placed + (1 - inside) * around).round().astype(np.uint8)


def measured(faces: Faces) -> dict[str, dict[str, float]]:
    """How FER2013's faces are framed: medians and spreads, in shares of a crop's side."""
    detector = Detector()
    pictures = [set_into(image, USUAL, 0, WIDTH / 2, HEIGHT / 2) for image in faces.images]
    detections = [detector.find(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)) for picture in pictures]
    middle_of = np.array([WIDTH / 2, HEIGHT / 2])
    central = [min(many, key=lambda face: abs(face.centre - middle_of).max()) for many in detections if many]
    corner = middle_of - USUAL / 2
    points = (np.array([face.landmarks for face in central]) + 0.5 - corner) / USUAL
    boxes = np.array([(*(face.box[:2] - corner), *face.box[2:]) for face in central]) / USUAL
    eyes, mouth = points[:, :2].mean(axis=1), points[:, 3:].mean(axis=1)
    across, down, middle = points[:, 1] - points[:, 0], mouth - eyes, (eyes + mouth) / 2
    columns = {
        "EYES": np.hypot(*across.T),
        "FACE": np.hypot(*down.T),
        "CENTRE x": middle[:, 0],
        "CENTRE y": middle[:, 1],
        "BOX": np.sqrt(boxes[:, 2] * boxes[:, 3]),
        "BOX_CENTRE x": boxes[:, 0] + boxes[:, 2] / 2,
        "BOX_CENTRE y": boxes[:, 1] + boxes[:, 3] / 2,
        "roll, degrees": np.degrees(np.arctan2(across[:, 1], across[:, 0])),
    }
    shares = {"found": {"share": len(central) / len(faces), "faces": len(faces)}}
    for name, column in columns.items():
        low, middle_one, high = np.percentile(column, [16, 50, 84])
        shares[name] = {"median": float(middle_one), "16 %": float(low), "84 %": float(high)}
    return shares


def shown(row: dict[str, float]) -> str:
    """A row as a line of a table, percentages for shares."""
    shares = (f"{100 * row[name]:.1f}" for name in ("found", "direct", "through"))
    return "{:>4}  {:>4}  {:>7}  {:>8}  {:>9}  {:>4}".format(row["side"], row["roll"], *shares, row["faces"])


if __name__ == "__main__":
    main()
