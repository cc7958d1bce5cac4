"""Predict: from photos to faces to emotions. Needs no torch; other libraries are imported when they are used."""
