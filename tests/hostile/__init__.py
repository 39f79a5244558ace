"""What a stranger may hand in: good files, spoilt at random from a seed."""
