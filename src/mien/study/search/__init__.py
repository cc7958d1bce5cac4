"""Hyper-parameter search: Optuna's trials, drawn one by one and stored in a journal."""
