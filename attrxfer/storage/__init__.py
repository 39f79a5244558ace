"""Files on disk: atomic writes, the run folder, the cache."""
