"""How files are written, and photos and plain data are read: the ways that all rooms share."""
