"""The box: the models that come with mien.

NAME.onnx       the model, with its facts
NAME.md         its card
NAME-DIGITS/    the run behind it, for nets that start from it: its layers and, in float16, its weights
"""

from pathlib import Path

BOX = Path(__file__).parent
"""Where they lie."""

FAST = "fast"
"""The model that judges a camera's frames unless another is named: on many machines `best` does not keep up."""
