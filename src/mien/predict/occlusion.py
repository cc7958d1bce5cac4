"""Occlusion: which pixels matter for an emotion, computed with the model file only.

Zeiler, M. D., Fergus, R. (2014). Visualizing and Understanding Convolutional Networks. ECCV 2014, arXiv 1311.2901.
"""

import numpy as np
from numpy.typing import NDArray

from mien.predict.classifier import Classifier

PATCH, STEP = 10, 3
"""The side of the patch that hides a part of a crop of 48 pixels, and its stride, in pixels."""


def occlusion(classifier: Classifier, crop: NDArray[np.uint8], emotion: int) -> NDArray[np.float32]:
    """How much of an emotion's probability is lost while a gray patch hides a part of the face.

    All positions of the patch are classified in one batch. A pixel's value is the mean over the patches that hide it.

    Args:
        classifier: the model.
        crop: uint8 [H, W].
        emotion: an index into the model's classes.

    Returns:
        float32 [H, W], -1 to 1: the probability that is lost while the pixel is hidden; negative where hiding it
        makes the emotion more probable.
    """
    height, width = crop.shape
    patch, step = patch_of(height)
    tops = np.arange(step - patch, height, step)
    lefts = np.arange(step - patch, width, step)
    rows, columns = np.arange(height), np.arange(width)
    down = (rows >= tops[:, None]) & (rows < tops[:, None] + patch)
    along = (columns >= lefts[:, None]) & (columns < lefts[:, None] + patch)
    hidden = (down[:, None, :, None] & along[None, :, None, :]).reshape(-1, height, width)
    covered = np.where(hidden, np.uint8(crop.mean().round()), crop)
    whole = classifier.probabilities(crop[None])[0, emotion]
    lost = whole - classifier.probabilities(covered)[:, emotion]
    weights = hidden.reshape(len(hidden), -1)
    # Not `lost @ weights`: its threads would compete with onnxruntime's for the cores.
    means: NDArray[np.float32] = (np.einsum("n,np->p", lost, weights) / weights.sum(axis=0)).astype(np.float32)
    return means.reshape(height, width)


def patch_of(height: int) -> tuple[int, int]:
    """The patch's side on a face of this height, and its stride, in pixels."""
    scale = height / 48
    return max(1, round(PATCH * scale)), max(1, round(STEP * scale))
