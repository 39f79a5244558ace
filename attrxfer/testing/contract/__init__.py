"""The checks by kind. The name of a function states what it checks; it raises AssertionError if that is not so."""
