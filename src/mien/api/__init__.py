"""From Python: studies, their results and models' evaluations as objects that show themselves in a notebook."""
