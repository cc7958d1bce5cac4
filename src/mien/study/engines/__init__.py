"""Engines: where runs happen, on this machine or on a Ray cluster."""
