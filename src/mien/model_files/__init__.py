"""Model files: their facts, how they are opened, and the bundled models with their cards. Needs no torch."""
