"""The HTML page that shows what a trained showcase model recommends and why."""

from recbole_showcase.gallery.album import encode_photo
from recbole_showcase.gallery.page import render_gallery

__all__ = ["encode_photo", "render_gallery"]
