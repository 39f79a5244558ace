"""Semantic inpainting, the paper's baseline for eyeglasses removal: a DCGAN fills what a mask hides."""
