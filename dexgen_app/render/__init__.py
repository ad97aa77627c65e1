"""A 3D renderer that knows no Qt: scene in, image out."""
