"""Track: follow a study in TensorBoard or MLflow, where a user asks for it. `tracking.Tracking` does both."""
