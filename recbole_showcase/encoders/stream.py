"""Photos and texts as batches, encoded one after the other with every core at work.

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
from pathlib import Path

import numpy as np
import torch

from recbole_showcase.atomic import PhotoFolder
from recbole_showcase.encoders.clip import ClipEncoder
from recbole_showcase.encoders.plan import Source
from recbole_showcase.encoders.prefetch import on_every_core, prefetch
from recbole_showcase.encoders.store import Modality
from recbole_showcase.errors import DataError, FeatureStoreError
from recbole_showcase.files.photos import PhotoError, read_photo


@dataclass(frozen=True)
class Batch:
    """Input of the encoder.

    Attributes:
        inputs: Pixels (B, H, W, 3) uint8 or token numbers (B, L); in order.
        candidates: How many photos or texts it was made from, B plus the failed ones.
        failed: Tokens of the photos that cannot be used, and why.
    """

    inputs: torch.Tensor
    candidates: int
    failed: dict[str, str]


Prepare = Callable[[np.ndarray], Batch]


def preparing(
    encoder: ClipEncoder, folder: PhotoFolder | None, source: Source, pixel_limit: int
) -> Prepare:
    """Make a function that reads the photos or texts at some positions for an encoder."""
    if source.modality == "image":
        return photo_batches(encoder, folder, source, pixel_limit)
    return text_batches(encoder, source)


def photo_batches(
    encoder: ClipEncoder, folder: PhotoFolder | None, source: Source, pixel_limit: int
) -> Prepare:
    """Make a function that decodes the photos at some positions of ``source``."""
    pinned = encoder.device.type == "cuda"

    def prepare(positions: np.ndarray) -> Batch:
        assert folder is not None  # there are photos, so their folder was looked up
        # Bytes cross to the device, floats are made there: a quarter of the traffic.
        pixels = torch.empty(
            len(positions), *encoder.image_size, 3, dtype=torch.uint8, pin_memory=pinned
        )
        failed: dict[str, str] = {}
        count = 0
        for position in positions:
            try:
                path = folder.resolve(source.values[position])
                pixels.numpy()[count] = _pixels(encoder, path, pixel_limit)
            except PhotoError as error:
                failed[source.tokens[position]] = str(error)
            except DataError as error:
                failed[source.tokens[position]] = f"bad path: row {source.rows[position]}: {error}"
            else:
                count += 1
        return Batch(pixels[:count], len(positions), failed)

    return prepare


def _pixels(encoder: ClipEncoder, path: Path, pixel_limit: int) -> np.ndarray:
    """A photo as the encoder looks at it (H, W, 3).

    Raises:
        PhotoError: It cannot be read, or not be brought to the size.
    """
    photo = read_photo(path, encoder.image_size, pixel_limit)
    try:
        return encoder.pixels(photo)
    except (RuntimeError, ValueError) as error:  # PyTorch and Pillow refuse some extreme shapes
        raise PhotoError(f"cannot be resized: {error}"[:200]) from error


def text_batches(encoder: ClipEncoder, source: Source) -> Prepare:
    """Make a function that tokenizes the texts at some positions of ``source``."""
    pinned = encoder.device.type == "cuda"

    def prepare(positions: np.ndarray) -> Batch:
        tokens = encoder.tokenize(source.values[positions].tolist())
        return Batch(tokens.pin_memory() if pinned else tokens, len(positions), {})

    return prepare


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
        modality: Of what: photos, reviews or sentences.
        prepare: Turns positions into input of the encoder.
        blocks: Positions of the photos or texts, one array a batch.
        workers: Number of threads.

    Raises:
        FeatureStoreError: The encoder gives values that are no numbers.
    """
    if encoder.device.type != "cpu":
        with closing(prefetch(prepare, blocks, workers)) as batches:
            for batch in batches:
                yield encode_batch(encoder, modality, batch)
        return

    def both(positions: np.ndarray) -> Encoded:
        return encode_batch(encoder, modality, prepare(positions))

    with closing(on_every_core(both, blocks, workers)) as results:
        yield from results


def encode_batch(encoder: ClipEncoder, modality: Modality, batch: Batch) -> Encoded:
    """The rows of a batch.

    Raises:
        FeatureStoreError: The encoder gives values that are no numbers.
    """
    encode: Callable[[torch.Tensor], torch.Tensor] = encoder.encode_tokens
    inputs = batch.inputs
    if modality == "image":
        encode, inputs = encoder.encode_images, encoder.normalise(inputs)
    rows = encode(inputs).cpu().numpy()
    if not np.isfinite(rows).all():
        raise FeatureStoreError(f"encoder '{encoder.name}' gave values that are no numbers")
    return Encoded(rows, batch.candidates, batch.failed)
