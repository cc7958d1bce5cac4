"""Serve: the web page and the REST service. Needs no torch: models are ONNX files, runs are read from their folders."""
