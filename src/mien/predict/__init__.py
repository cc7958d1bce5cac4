"""Predict: from photos to faces to emotions. Needs no torch; what it needs is imported when it is needed."""
