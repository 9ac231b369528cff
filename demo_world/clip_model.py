"""The small CLIP that ships with the package: its configuration, tokenizer and files.

It is an ordinary open_clip model (Radford et al., ICML 2021; a modified ResNet of two
blocks a stage beside a text transformer), small enough for a checkout. The folder loads as
``local-dir:FOLDER``; its tokenizer knows the words of the world's reviews and spells others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

IMAGE_SIZE = 96  # the side of painted photos: nothing is lost by resampling
CONTEXT_LENGTH = 48
PAD, BOS, EOS = "<pad>", "<s>", "</s>"


def model_config(vocab_size: int) -> dict[str, Any]:
    """Return open_clip's configuration of the model and of its preprocessing."""
    return {
        "model_cfg": {
            "embed_dim": 128,
            "custom_text": True,
            "vision_cfg": {
                "image_size": IMAGE_SIZE,
                "layers": [2, 2, 2, 2],
                "width": 28,
                "patch_size": None,
            },
            "text_cfg": {
                "context_length": CONTEXT_LENGTH,
                "vocab_size": vocab_size,
                "hf_tokenizer_name": "showcase-tiny",
                "width": 128,
                "heads": 4,
                "layers": 2,
                "pad_id": 0,
                "eos_id": 2,
                "pool_type": "eos",
            },
        },
        "preprocess_cfg": {
            "size": IMAGE_SIZE,
            "mean": [0.5, 0.45, 0.4],
            "std": [0.27, 0.26, 0.25],
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
    }


def train_tokenizer(texts: Iterable[str], vocab_size: int = 2000) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer in lower case; no text is out of its reach."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from tokenizers.trainers import BpeTrainer
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=sorted(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A {EOS}", special_tokens=[(BOS, 1), (EOS, 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        model_max_length=CONTEXT_LENGTH,
    )


def write_skeleton(folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write configuration and tokenizer, so that open_clip can build the model from there."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    # The class that every release of transformers reads, whatever this one calls it.
    path = folder / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    config = json.dumps(model_config(len(tokenizer)), indent=2)
    (folder / "open_clip_config.json").write_text(config + "\n", encoding="utf-8")


def write_weights(folder: Path, model: torch.nn.Module) -> None:
    """Write the weights in half precision; open_clip reads them into full precision."""
    from safetensors.torch import save_file

    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in model.state_dict().items()
    }
    save_file(state, folder / "open_clip_model.safetensors", metadata={"format": "pt"})
