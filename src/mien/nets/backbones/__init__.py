"""Backbones: networks trained on ImageNet, with their facts and their weights."""

from mien.nets.backbones.facts import BACKBONES, Facts

__all__ = ["BACKBONES", "Facts"]
