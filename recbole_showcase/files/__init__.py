"""How files are written and photos are read: the ways that all rooms share."""
