"""Model files: what a model file says of itself, opening it, and the models that come with mien. No torch."""
