"""What lies on disk: atomic files, the run folder, the cache."""
