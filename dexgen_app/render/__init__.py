"""A small 3D renderer without Qt: a scene of rigid links in, an RGB image out."""
