"""Runs: the folder that a training leaves behind, its recipe and metrics, and a study's results. No torch."""
