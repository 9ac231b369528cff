"""Encode batch after batch with every core at work.

On a processor each thread decodes a batch and encodes it with one core of its own. The
alternative, threads that decode while the encoder uses all cores for one batch, takes twice
as long and more for a small encoder: the cores wait for each other after every operation, and
the one that is decoding is late each time. On another device the encoder has the device, so
the threads only decode, ahead of it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch

from recbole_showcase.encoders.clip import ClipEncoder
from recbole_showcase.encoders.inputs import Batch, Prepare
from recbole_showcase.encoders.prefetch import prefetch
from recbole_showcase.encoders.store import Modality
from recbole_showcase.errors import FeatureStoreError


@dataclass(frozen=True)
class Encoded:
    """Rows of a batch.

    Attributes:
        rows: Vectors (B, D) float32.
        candidates: How many photos or texts they were made from, B plus the failed ones.
        failed: Tokens of the photos that cannot be used, and why.
    """

    rows: np.ndarray
    candidates: int
    failed: dict[str, str]


def encode_stream(
    encoder: ClipEncoder,
    modality: Modality,
    prepare: Prepare,
    blocks: Iterable[np.ndarray],
    workers: int,
) -> Generator[Encoded, None, None]:
    """Yield the rows of one block of positions after the other.

    Args:
        encoder: What encodes.
        modality: ``image`` or ``review``.
        prepare: Turns positions into input of the encoder.
        blocks: Positions of the photos or texts, one array a batch.
        workers: Number of threads.

    Raises:
        FeatureStoreError: The encoder gives values that are no numbers.
        DataError: A photo path leaves the photo folder.
    """
    if encoder.device.type != "cpu":
        with closing(prefetch(prepare, blocks, workers)) as batches:
            for batch in batches:
                yield _encode(encoder, modality, batch)
        return

    def both(positions: np.ndarray) -> Encoded:
        return _encode(encoder, modality, prepare(positions))

    threads = torch.get_num_threads()
    try:
        with closing(prefetch(both, blocks, workers, _use_one_core)) as results:
            yield from results
    finally:
        # Each thread has a number of its own, but a new thread starts with the last one set.
        torch.set_num_threads(threads)


def _use_one_core() -> None:
    torch.set_num_threads(1)


def _encode(encoder: ClipEncoder, modality: Modality, batch: Batch) -> Encoded:
    encode: Callable[[torch.Tensor], torch.Tensor] = encoder.encode_tokens
    inputs = batch.inputs
    if modality == "image":
        encode, inputs = encoder.encode_images, encoder.normalise(inputs)
    rows = encode(inputs).cpu().numpy()
    if not np.isfinite(rows).all():
        raise FeatureStoreError(f"encoder '{encoder.name}' gave values that are no numbers")
    return Encoded(rows, batch.candidates, batch.failed)
