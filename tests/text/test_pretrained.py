"""Models that a setting names run no code of their folder."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel
from transformers import modeling_gguf_pytorch_utils as gguf
from transformers.utils import logging

from recbole_showcase.console import others_bars
from recbole_showcase.errors import SettingsError
from recbole_showcase.metrics import TextModel
from recbole_showcase.text.pretrained import load_pretrained
from tests.metrics.test_pretrained import write_bert


@pytest.mark.parametrize("terminal", [False, True])
def test_a_log_has_no_bars_of_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    """They are drawn on a terminal, and on it alone; what they were before, they are after."""
    GPT2LMHeadModel(
        GPT2Config(vocab_size=8, n_positions=8, n_embd=4, n_layer=1, n_head=1)
    ).save_pretrained(tmp_path)
    said = io.StringIO()
    monkeypatch.setattr(said, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", said)
    logging.enable_progress_bar()
    load_pretrained(AutoModelForCausalLM, "explainer_decoder", str(tmp_path))
    assert ("Loading weights" in said.getvalue()) is terminal
    assert logging.is_progress_bar_enabled() and list(gguf.tqdm([1])) == [1]
    begun = said.getvalue()
    with others_bars():  # what reads .gguf files draws by itself
        assert list(gguf.tqdm([1, 2])) == [1, 2]
    assert (said.getvalue() != begun) is terminal and not isinstance(gguf.tqdm, partial)
    with pytest.raises(SettingsError):
        load_pretrained(AutoModelForCausalLM, "explainer_decoder", str(tmp_path / "none"))
    assert logging.is_progress_bar_enabled()


@pytest.mark.parametrize(
    "load",
    [
        lambda path: load_pretrained(AutoTokenizer, "showcase_tokenizer", path),
        lambda path: load_pretrained(AutoModelForCausalLM, "explainer_decoder", path),
        TextModel,
    ],
    ids=["tokenizer", "decoder", "text model"],
)
def test_no_code_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Callable[[str], Any]
) -> None:
    """Somebody at the terminal who says yes to everything is not asked."""
    asked: list[object] = []
    monkeypatch.setattr("builtins.input", lambda *given: asked.append(given) or "y")
    marker = tmp_path / "ran"
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "theirs.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    names = dict.fromkeys(("AutoConfig", "AutoModel", "AutoModelForCausalLM"), "theirs.Theirs")
    config = {"model_type": "theirs", "auto_map": names}
    (folder / "config.json").write_text(json.dumps(config))
    tokenizer = {"auto_map": {"AutoTokenizer": ["theirs.Theirs", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    with pytest.raises(SettingsError, match=r"cannot (be )?load"):
        load(str(folder))
    assert not marker.exists() and not asked


def test_models_of_metrics_load_without_bars_in_a_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bert(tmp_path / "bert")
    capsys.readouterr()
    TextModel(str(tmp_path / "bert"))
    assert "Loading weights" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", b""),
        ("model.safetensors", None),
        ("pytorch_model.bin", b"PK\x03\x04"),
        ("pytorch_model.bin", b"hello"),
        ("pytorch_model.bin", b"\x80\x04]\x94."),
        ("config.json", b"[1]"),
        ("config.json", b'{"a":' * 5000),
        ("tokenizer.json", b"[1]"),
        ("tokenizer_config.json", None),
    ],
)
def test_a_damaged_folder_is_told_in_one_line(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    """As a download leaves it that was cut off; nobody is told to load it in a way that runs it."""
    folder = tmp_path / "bert"
    write_bert(folder)
    path = folder / name
    if name.startswith("pytorch"):
        (folder / "model.safetensors").unlink()
    path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    kind = AutoTokenizer if "tokenizer" in name else AutoModelForCausalLM
    for load in (partial(load_pretrained, kind, "explainer_decoder"), TextModel):
        with pytest.raises(SettingsError) as told:
            load(str(folder))
        assert str(folder) in str(told.value) and "\n" not in str(told.value)
        assert "weights_only" not in str(told.value)
