"""The processor's training step in faster kernels: `make_gradients` chooses what computes the gradients."""

from mien.training.fast.gradients import make_gradients

__all__ = ["make_gradients"]
