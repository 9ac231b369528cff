"""Any text: where its entities stand, and what stays when they are replaced."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recbole_showcase.text.entities import EntityLexicon

PHRASES = [
    *("soup", "beef noodle soup", "tacos", "crème brûlée"),
    *("牛肉面", "饺子", "डोसा", "ラーメン", "суп"),
]
LEXICONS = st.lists(
    st.tuples(st.sampled_from(PHRASES), st.booleans()), unique_by=lambda pair: pair[0], max_size=9
).map(lambda pairs: EntityLexicon([p for p, _ in pairs], [many for _, many in pairs]))
PARTS = st.one_of(
    st.sampled_from([*PHRASES, *map(str.upper, PHRASES)]),
    st.sampled_from(["SoUp", "beef", "noodle", " ", "-", "'", "."]),
    st.sampled_from(["İ", "ﬁ", "e\u0301", "\u094d", "\u200d", "👨‍👩‍👧", "_", "の", "\n", "\u3000"]),
    st.text(max_size=4),
)
TEXTS = st.lists(PARTS, max_size=8).map("".join)


@given(LEXICONS, TEXTS)
def test_mentions(lexicon: EntityLexicon, text: str) -> None:
    end = 0
    for mention in lexicon.find(text):
        assert end <= mention.start < mention.end <= len(text)
        end = mention.end
        told, named = text[mention.start : mention.end], lexicon.phrases[mention.phrase]
        (whole,) = lexicon.find(told)
        assert (whole.start, whole.end, whole.phrase) == (0, len(told), mention.phrase)
        assert told.lower().split() == named.split() or not told.isascii()


@given(LEXICONS, TEXTS, st.integers(0, 3))
def test_replacing(lexicon: EntityLexicon, text: str, seed: int) -> None:
    mentions = lexicon.find(text)
    other = lexicon.replace(text, mentions, np.random.default_rng(seed))
    own = {mention.phrase for mention in mentions}
    plural = lexicon.plural.tolist()
    alike = [{n for n, many in enumerate(plural) if many == plural[m.phrase]} for m in mentions]
    can = [bool(others - own) for others in alike]
    if other is None:
        assert not any(can)
        return
    rest, start = other, 0
    for mention, others, replaced in zip(mentions, alike, can, strict=True):
        gap, told = text[start : mention.start], text[mention.start : mention.end]
        assert rest.startswith(gap)
        rest, start = rest[len(gap) :], mention.end
        if not replaced:
            assert rest.startswith(told)
            rest = rest[len(told) :]
            continue
        fitting = [lexicon.phrases[n] for n in others - own]
        fitting = [phrase for phrase in fitting if rest.lower().startswith(phrase)]
        assert fitting, (other, rest)
        longest = max(fitting, key=len)
        assert rest[0].isupper() == told[0].isupper() or longest[0].upper() == longest[0]
        rest = rest[len(longest) :]
    assert rest == text[start:]
