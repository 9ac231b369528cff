"""The seam: the only room that knows how RecBole works inside."""
