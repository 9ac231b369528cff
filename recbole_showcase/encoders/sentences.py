"""Sentences of reviews as a modality of their own: which have a row, and what they are called.

A sentence is called after its review and its place in it: the id of the review, a tab, and the
number of the sentence, from 0 among all of the text. Ids hold no tab, so both are found again. Its
words are not kept: who wants them splits the review, and compares the hash that its row was made
from.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from recbole_showcase.encoders.plan import Source, hashes_of
from recbole_showcase.text.sentences import split_sentences

# A greeting says nothing, and of a run-on text an encoder reads the beginning only. Bytes of UTF-8
# weigh scripts fairly: a Chinese character counts as three letters, which it says as much as.
SHORTEST, LONGEST = 12, 300  # bytes of UTF-8
MOST = 16  # sentences of a review, the first ones of these lengths
RULE = {"shortest_bytes": SHORTEST, "longest_bytes": LONGEST, "most_of_a_review": MOST}


def sentence_source(reviews: Source) -> tuple[Source, str]:
    """The sentences of reviews that get a row, and in words what was left out.

    Args:
        reviews: The reviews with a text.

    Returns:
        The sentences, in the order of the reviews, and a line that says how many sentences were
        left out and why; ``""`` for none.
    """
    sentences, owners = split_sentences(reviews.values.tolist())
    values = np.array(sentences, dtype=object)
    owners = owners.astype(np.int64)
    numbers = _places(owners)
    size = pc.binary_length(pa.array(sentences, pa.large_string())).to_numpy()
    short, long = size < SHORTEST, size > LONGEST
    fitting = np.flatnonzero(~(short | long))
    kept = fitting[_places(owners[fitting]) < MOST]
    tokens = [
        f"{review}\t{number}"
        for review, number in zip(reviews.tokens[owners[kept]], numbers[kept], strict=True)
    ]
    source = Source(
        "sentence",
        np.array(tokens, dtype=object),
        values[kept],
        hashes_of(values[kept]),
        reviews.empty[:0],
        reviews.rows[owners[kept]],
    )
    counts = {
        f"shorter than {SHORTEST} bytes": int(short.sum()),
        f"longer than {LONGEST} bytes": int(long.sum()),
        f"behind the first {MOST} of a review": len(fitting) - len(kept),
    }
    said = ", ".join(f"{n:,} {why}" for why, n in counts.items() if n)
    return source, said and f"of {len(values):,} sentences without features: {said}"


def reviews_and_numbers(tokens: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """The review ids (M,) and the numbers (M,) that sentences are called after.

    Raises:
        ValueError: A token is not that of a sentence.
    """
    parts = pc.extract_regex(tokens, r"^(?P<review>.*)\t(?P<number>[0-9]{1,9})$")
    if parts.null_count:
        first = int(np.flatnonzero(parts.is_null().to_numpy(zero_copy_only=False))[0])
        raise ValueError(f"token {tokens[first].as_py()!r} is not that of a sentence")
    review, number = parts.flatten()
    return review, number.cast(pa.int32()).to_numpy()


def _places(owners: np.ndarray) -> np.ndarray:
    """The place of each entry (S,), from 0, among those of its owner; owners are in order."""
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    return np.arange(len(owners)) - np.repeat(starts, np.diff(starts, append=len(owners)))
