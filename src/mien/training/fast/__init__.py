"""The training step in faster kernels, behind one interface: `make_gradients` chooses what computes the gradients."""

from mien.training.fast.gradients import BatchResult, Gradients, make_gradients

__all__ = ["BatchResult", "Gradients", "make_gradients"]
