"""The study file, checked whole: its tables, the nets in it, and what is searched."""
