"""Hyper-parameter search: Optuna's trials, drawn one by one and kept in a journal."""
