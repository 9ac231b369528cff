from __future__ import annotations

import subprocess
import sys


def test_metrics_and_judging_load_without_torch_or_recbole() -> None:
    code = """
import sys
from recbole_showcase.metrics import corpus_bleu, image_f1
image_f1([[1]], [[1]], 1)
corpus_bleu(["a"], ["a"])
import recbole_showcase.judging
heavy = {"httpx2", "torch", "recbole", "nltk", "transformers", "sklearn", "vaderSentiment"}
sys.exit(", ".join(heavy & set(sys.modules)) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
