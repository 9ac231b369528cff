"""Explainers: one model that writes the text of a showcase a file.

An explainer is one class in one file with one YAML file of defaults, and one row of
:data:`EXPLAINERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recbole_showcase.errors import SettingsError
from recbole_showcase.explainers.att2seq import Att2SeqExplainer
from recbole_showcase.explainers.base import Explainer, ExplainerInputs
from recbole_showcase.explainers.img_gpt2 import ImgGPT2Explainer
from recbole_showcase.explainers.nrt import NrtExplainer
from recbole_showcase.explainers.pepler import PeplerExplainer
from recbole_showcase.explainers.peter import PeterExplainer
from recbole_showcase.explainers.prefix_lm import PrefixLMExplainer
from recbole_showcase.explainers.r2gen import R2GenExplainer
from recbole_showcase.explainers.ref2seq import Ref2SeqExplainer
from recbole_showcase.explainers.show_and_tell import ShowAndTellExplainer
from recbole_showcase.explainers.showcase import ShowcaseExplainer
from recbole_showcase.explainers.text_gpt2 import TextGPT2Explainer
from recbole_showcase.settings import read_settings
from recbole_showcase.text.tokenizer import TextTokenizer

EXPLAINERS: dict[str, type[Explainer]] = {
    "showcase": ShowcaseExplainer,
    "att2seq": Att2SeqExplainer,
    "nrt": NrtExplainer,
    "peter": PeterExplainer,
    "pepler": PeplerExplainer,
    "ref2seq": Ref2SeqExplainer,
    "show_and_tell": ShowAndTellExplainer,
    "r2gen": R2GenExplainer,
    "text_gpt2": TextGPT2Explainer,
    "img_gpt2": ImgGPT2Explainer,
    "prefix_lm": PrefixLMExplainer,
}

__all__ = ["EXPLAINERS", "Explainer", "ExplainerInputs", "build_explainer"]


def build_explainer(
    name: str, values: Mapping[str, Any], inputs: ExplainerInputs, tokenizer: TextTokenizer
) -> Explainer:
    """Build a registered explainer.

    Args:
        name: A key of :data:`EXPLAINERS`.
        values: A value for each field of the explainer's ``Settings``.
        inputs: What to build it for.
        tokenizer: Of the texts to write.

    Raises:
        SettingsError: If the name is not registered, or a setting is unknown or ill-typed.
    """
    if name not in EXPLAINERS:
        raise SettingsError(f"explainer '{name}' is unknown; allowed: {', '.join(EXPLAINERS)}")
    explainer = EXPLAINERS[name]
    return explainer(read_settings(explainer.Settings, "", values), inputs, tokenizer)
