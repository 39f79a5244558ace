"""What is checked, by kind: one function a promise, its name the promise. A broken promise is an AssertionError."""
