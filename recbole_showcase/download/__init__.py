"""Photos that a data set knows by URL, fetched into its photo folder.

Needs the extra ``photos``.
"""

from recbole_showcase.download.account import Account, Kind
from recbole_showcase.download.job import download_photos
from recbole_showcase.download.options import DownloadOptions

__all__ = ["Account", "DownloadOptions", "Kind", "download_photos"]
