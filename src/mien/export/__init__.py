"""Export: write a finished run as one ONNX file that needs no torch; it is compared with torch before it is saved."""

from mien.extras import require

require("train", "exporting")
