"""Augmentation: how each face is changed, at random, whenever it is trained on."""

from mien.training.augmentation.words import WORDS, check

__all__ = ["WORDS", "check"]
