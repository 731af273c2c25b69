"""`idiolect demo`: the main job on real input, in front of whoever watches."""
