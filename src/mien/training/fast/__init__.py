"""The training step in faster kernels: written by hand where a net is a plain chain, fused for autograd elsewhere."""
