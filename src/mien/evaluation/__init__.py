"""Evaluation: the accuracy of models on labelled faces and photos that they were not trained on."""
