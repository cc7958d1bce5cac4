"""Export: a finished run as one ONNX file that needs no torch, reloaded and compared before it is kept."""
