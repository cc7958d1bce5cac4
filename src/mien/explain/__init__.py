"""Explain: which pixels of a face a run's answers depend on."""
