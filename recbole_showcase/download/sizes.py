"""The size of a photo, where its host lets the URL choose one."""

from __future__ import annotations

import re

import httpx2

from recbole_showcase.download.hosts import AMAZON, GOOGLE

# Sizes and ways to crop, among the options of Google's image URLs.
_SIZE_OR_CROP = re.compile(rb"[swh]\d+|c|cc|n|nu|p|pp")
_AMAZON_SIZE = re.compile(rb"\._[A-Za-z0-9,_-]+(?=\.[A-Za-z]+$)")


def sized(url: httpx2.URL, pixels: int) -> httpx2.URL:
    """The URL of a photo of so many pixels on the longer side.

    Google's (``=s<pixels>`` is what App Engine's image service documents) and Amazon's; others, and
    those of another form, stay as they are.

    >>> google = httpx2.URL("https://lh5.googleusercontent.com/p/AF1Qip-x_=w150-h150-k-no-p")
    >>> str(sized(google, 448))
    'https://lh5.googleusercontent.com/p/AF1Qip-x_=s448-k-no'
    >>> amazon = httpx2.URL("https://m.media-amazon.com/images/I/71a._SL1600_.jpg")
    >>> str(sized(amazon, 448))
    'https://m.media-amazon.com/images/I/71a._SL448_.jpg'

    Args:
        url: Of the photo.
        pixels: Of the longer side; 0 for the URL as it stands.
    """
    if not pixels:
        return url
    path, question, query = url.raw_path.partition(b"?")
    if url.host in GOOGLE:
        path = _google(path, b"s%d" % pixels)
    elif url.host in AMAZON:
        path = _AMAZON_SIZE.sub(b"._SL%d_" % pixels, path)
    return url.copy_with(raw_path=path + question + query)


def _google(path: bytes, size: bytes) -> bytes:
    photo, equals, options = path.rpartition(b"=")
    if equals and b"/" not in options:
        others = [part for part in options.split(b"-") if not _SIZE_OR_CROP.fullmatch(part)]
        return photo + b"=" + b"-".join([size, *filter(None, others)])
    return path + b"=" + size if path.startswith(b"/p/") else path
