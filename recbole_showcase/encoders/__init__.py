"""Photos and review texts as vectors: the encoder, the embedding job and the feature store.

Nothing heavy is imported until a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recbole_showcase.encoders.clip import ClipEncoder
    from recbole_showcase.encoders.embed import EmbedReport, embed_dataset
    from recbole_showcase.encoders.foreign import FeatureFile
    from recbole_showcase.encoders.given import write_given_store
    from recbole_showcase.encoders.importing import ImportReport, import_features
    from recbole_showcase.encoders.store import FeatureStore, features_folder

_HOMES = {
    "ClipEncoder": "clip",
    "EmbedReport": "embed",
    "FeatureFile": "foreign",
    "FeatureStore": "store",
    "ImportReport": "importing",
    "embed_dataset": "embed",
    "features_folder": "store",
    "import_features": "importing",
    "write_given_store": "given",
}

__all__ = [
    "ClipEncoder",
    "EmbedReport",
    "FeatureFile",
    "FeatureStore",
    "ImportReport",
    "embed_dataset",
    "features_folder",
    "import_features",
    "write_given_store",
]


def __getattr__(name: str) -> Any:
    """Import the module that holds ``name`` when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
