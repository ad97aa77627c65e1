"""The DexterityGen foundation controller: a guided diffusion prior over keypoint motion."""
