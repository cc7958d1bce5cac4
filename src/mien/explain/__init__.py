"""What a run's net looks at: the pixels that its answers hang on."""
