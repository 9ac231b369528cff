"""Showcases of many users or pairs, written to a folder in parts that a killed run goes on from."""

from recbole_showcase.offline.job import Account, OfflineOptions, write_showcases
from recbole_showcase.offline.rows import SCHEMA

__all__ = ["SCHEMA", "Account", "OfflineOptions", "write_showcases"]
