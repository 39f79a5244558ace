"""The use cases, called by the command line and by Python alike."""
