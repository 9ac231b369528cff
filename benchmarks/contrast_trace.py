"""Can the contrastive losses of ``showcase`` be brought down without a word of the texts?

    python -m benchmarks.contrast_trace

Every row of every batch has the same text, so that its words tell nothing; photos and past reviews
are noise, drawn anew in each step. One of the losses alone is trained. Were it read off the words,
it would stay at the value of equal texts, which is printed as chance; what it falls to is read off
the trace that photos and reviews leave in the states of a decoder that attends to them. L_CCL is
without its hard negative, which is read beside the same photos.
"""

from __future__ import annotations

import argparse
import math

import torch

from recbole_showcase.data.batch import ExplanationBatch
from recbole_showcase.explainers.base import ExplainerInputs
from recbole_showcase.explainers.showcase import ShowcaseExplainer, ShowcaseExplainerSettings
from recbole_showcase.text.tokenizer import TextTokenizer

TEXT = "Great food and friendly service."
ROWS, PHOTOS, REVIEWS, WIDTH, TEMPERATURE, ALPHA = 32, 3, 4, 32, 0.1, 2.0
SMALL = {
    "explainer_hidden_size": 32,
    "explainer_heads": 2,
    "explainer_attention_layers": 1,
    "explainer_decoder_layers": 1,
    "explainer_contrast_size": 32,
    "explainer_contrast_temperature": TEMPERATURE,
    "explainer_contrast_alpha": ALPHA,
}
# Weights of L_CCL and L_PCL, which of the explainer's losses that is, and its value at equal texts:
# histories of noise are at right angles, so that each negative of L_PCL weighs alpha.
LOSSES = {
    "L_CCL": ((1.0, 0.0), 1, math.log(ROWS)),
    "L_PCL": ((0.0, 1.0), 2, math.log(1 + ALPHA * (ROWS - 1))),
}


def batch(tokenizer: TextTokenizer) -> ExplanationBatch:
    """Rows of noise with one text."""
    tokens = torch.from_numpy(tokenizer.encode([TEXT] * ROWS, 20))
    none, never = torch.zeros(ROWS, 0, dtype=torch.long), torch.zeros(ROWS, 0, dtype=torch.bool)
    return ExplanationBatch(
        users=torch.arange(ROWS),
        items=torch.arange(ROWS),
        ratings=torch.full((ROWS,), torch.nan),
        photo_features=torch.randn(ROWS, PHOTOS, WIDTH),
        photo_mask=torch.ones(ROWS, PHOTOS, dtype=torch.bool),
        review_features=torch.randn(ROWS, REVIEWS, WIDTH),
        review_mask=torch.ones(ROWS, REVIEWS, dtype=torch.bool),
        tokens=tokens,
        token_mask=tokens != tokenizer.pad_id,
        replaced_tokens=none,
        replaced_mask=never,
        user_review_tokens=none[..., None],
        user_review_mask=never[..., None],
        item_review_tokens=none[..., None],
        item_review_mask=never[..., None],
    )


def train(name: str, steps: int, seed: int = 0) -> tuple[float, float]:
    """The loss before the first step, and its mean over the last twenty, each of fresh noise."""
    torch.manual_seed(seed)
    (cross_modal, personal), place, _ = LOSSES[name]
    settings = ShowcaseExplainerSettings(
        **SMALL, explainer_cross_modal_weight=cross_modal, explainer_personal_weight=personal
    )
    statistics = torch.stack([torch.zeros(WIDTH), torch.ones(WIDTH)])
    everyone = torch.ones(ROWS, dtype=torch.bool)
    inputs = ExplainerInputs(statistics, statistics, 0, 0, everyone, everyone, max_tokens=20)
    tokenizer = TextTokenizer.train([TEXT], 280)
    explainer = ShowcaseExplainer(settings, inputs, tokenizer)
    optimizer = torch.optim.Adam(explainer.parameters(), lr=0.003)
    values = []
    for _ in range(steps):
        loss = explainer(batch(tokenizer), None, None)[place]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(loss.item())
    return values[0], sum(values[-20:]) / 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=400)
    given = parser.parse_args()
    for name, (_, _, chance) in LOSSES.items():
        first, last = train(name, given.steps)
        print(f"{name}: chance {chance:.2f}, first {first:.2f}, after {given.steps} steps "
              f"{last:.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
