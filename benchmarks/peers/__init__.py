"""One file per way of serving or training: each runs as a process of its own, in its own virtual environment."""
