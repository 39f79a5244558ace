"""Jobs killed at random moments, and given again: the end is that of a job that was left alone."""
