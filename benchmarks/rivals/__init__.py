"""DIAT and its rivals trained for equal time and scored under one scorecard, over strength."""
