"""Trained models: bundles, exported files, inference."""
