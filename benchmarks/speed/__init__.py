"""How fast attrxfer is here: ratios measured in one run."""
