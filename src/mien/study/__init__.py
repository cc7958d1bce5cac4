"""Study: the file that plans many runs, what runs them, and what compares them."""
