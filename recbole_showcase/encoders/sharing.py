"""Encoding shared out: blocks of photos and texts to those who each have the encoder."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recbole_showcase.atomic import PhotoFolder
from recbole_showcase.encoders.clip import ClipEncoder
from recbole_showcase.encoders.plan import Source
from recbole_showcase.encoders.stream import Encoded, encode_batch, encode_stream, preparing
from recbole_showcase.engines import Engine
from recbole_showcase.errors import FeatureStoreError

# From a source and blocks of positions in it to the rows of one block after the other.
Encode = Callable[[Source, Iterable[np.ndarray]], Generator[Encoded, None, None]]


@dataclass(frozen=True)
class Encoding:
    """How a process comes to encode, wherever it is.

    Attributes:
        encoder: See :meth:`ClipEncoder.load`, as for the following two.
        weights: A tag or a file.
        device: A torch device.
        provenance: What the encoder has to be.
        photos: The photo folder, None where there are no photos.
        pixel_limit: Width times height above which a photo is skipped.
    """

    encoder: str
    weights: str | None
    device: str
    provenance: dict[str, Any]
    photos: Path | None
    pixel_limit: int

    def __call__(self) -> Encoders:
        """Load the encoder.

        Raises:
            FeatureStoreError: It is another one here.
        """
        encoder = ClipEncoder.load(self.encoder, self.weights, self.device)
        if encoder.provenance() != self.provenance:
            raise FeatureStoreError(
                f"encoder '{encoder.name}' is another one to a process that shares the work: all "
                "machines need the same weights and packages"
            )
        if encoder.device.type == "cpu":
            torch.set_num_threads(1)  # as each thread of one machine has one core
        return Encoders(encoder, self)


class Encoders:
    """An encoder with what it needs to read photos and texts."""

    def __init__(self, encoder: ClipEncoder, start: Encoding) -> None:
        """Keep them."""
        self._encoder = encoder
        self._photos = None if start.photos is None else PhotoFolder(start.photos)
        self._pixel_limit = start.pixel_limit

    def encode(self, block: Source) -> Encoded:
        """The rows of all photos or texts of a block."""
        prepare = preparing(self._encoder, self._photos, block, self._pixel_limit)
        positions = np.arange(len(block.tokens))
        return encode_batch(self._encoder, block.modality, prepare(positions))


@contextmanager
def encoding(
    engine: Engine, start: Encoding, encoder: ClipEncoder, workers: int
) -> Iterator[Encode]:
    """What encodes: threads of this process, or those of another engine.

    Args:
        engine: Where the work is done.
        start: How others come to do it.
        encoder: What encodes here.
        workers: Threads here.
    """
    if engine.kind == "local":
        photos = None if start.photos is None else PhotoFolder(start.photos)

        def here(source: Source, blocks: Iterable[np.ndarray]) -> Generator[Encoded, None, None]:
            prepare = preparing(encoder, photos, source, start.pixel_limit)
            return encode_stream(encoder, source.modality, prepare, blocks, workers)

        yield here
        return
    with engine.crew(start, start.device) as crew:
        yield lambda source, blocks: crew.map(
            Encoders.encode, (_part_of(source, block) for block in blocks)
        )


def _part_of(source: Source, block: np.ndarray) -> Source:
    return replace(
        source,
        tokens=source.tokens[block],
        values=source.values[block],
        hashes=source.hashes[block],
        rows=source.rows[block],
        empty=source.empty[:0].copy(),
    )
