"""Backbones: networks trained on ImageNet or on faces, with their facts and their weights."""

from mien.nets.backbones.catalog import BACKBONES, AbsentError, BackboneFacts

__all__ = ["BACKBONES", "AbsentError", "BackboneFacts"]
