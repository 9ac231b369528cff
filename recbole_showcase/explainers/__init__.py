"""Explainers: models that write the text of a showcase, one a file."""

from __future__ import annotations

from recbole_showcase.explainers.base import (
    Explainer,
    ExplainerInputs,
    greedy_texts,
    masked_mean,
    next_token_loss,
)
from recbole_showcase.parts import EXPLAINERS

_HERE = "recbole_showcase.explainers"

EXPLAINERS.declare(
    {
        "showcase": f"{_HERE}.showcase:ShowcaseExplainer",
        "retrieval": f"{_HERE}.retrieval:RetrievalExplainer",
        "att2seq": f"{_HERE}.att2seq:Att2SeqExplainer",
        "nrt": f"{_HERE}.nrt:NrtExplainer",
        "peter": f"{_HERE}.peter:PeterExplainer",
        "pepler": f"{_HERE}.pepler:PeplerExplainer",
        "ref2seq": f"{_HERE}.ref2seq:Ref2SeqExplainer",
        "show_and_tell": f"{_HERE}.show_and_tell:ShowAndTellExplainer",
        "r2gen": f"{_HERE}.r2gen:R2GenExplainer",
        "text_gpt2": f"{_HERE}.text_gpt2:TextGPT2Explainer",
        "img_gpt2": f"{_HERE}.img_gpt2:ImgGPT2Explainer",
        "prefix_lm": f"{_HERE}.prefix_lm:PrefixLMExplainer",
        "quote": f"{_HERE}.quote:QuoteExplainer",
        "quote_typical": f"{_HERE}.quote_typical:QuoteTypicalExplainer",
        "quote_popular": f"{_HERE}.quote_popular:QuotePopularExplainer",
        "quote_random": f"{_HERE}.quote_random:QuoteRandomExplainer",
    }
)

__all__ = [
    "EXPLAINERS",
    "Explainer",
    "ExplainerInputs",
    "greedy_texts",
    "masked_mean",
    "next_token_loss",
]
