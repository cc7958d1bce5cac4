"""Testing: how right models are about labelled faces and photos that they were not trained on."""
