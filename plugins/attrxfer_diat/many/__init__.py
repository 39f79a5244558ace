"""One transform network for many attributes: what T is told, what D says, and how they are trained. Not in the paper, which
trains a network for each attribute (its section 5.6 names that as a limit)."""
