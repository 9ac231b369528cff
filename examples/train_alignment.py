"""Train the alignment classifier that ships for the small CLIP, and measure it.

    python examples/train_alignment.py \
        --out recbole_showcase/encoders/weights/showcase-tiny/alignment

It learns from labelled sentence-photo pairs of four drawings of the demo world that the small
CLIP has not seen, and that are neither the shipped drawing nor the held-out one. Takes about
four minutes of one core, painting included. The figures are written beside the weights.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from demo_world.alignment_training import (
    THRESHOLD,
    TRAIN_SEEDS,
    measure,
    measuring_drawings,
    threshold_figures,
    train_all_forms,
    training_drawings,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the classifier")
    parser.add_argument("--seeds", type=int, nargs="+", default=TRAIN_SEEDS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        drawings = training_drawings(arguments.seeds, Path(work))
        trained = train_all_forms(drawings)
        figures = {
            "cross-validation": {
                form: classifier.record["cross_validation"] for form, classifier in trained.items()
            }
            | {THRESHOLD: threshold_figures(drawings)},
            **{
                name: measure(drawing, trained)
                for name, drawing in measuring_drawings(Path(work)).items()
            },
        }
    chosen = trained["interaction"]
    chosen.record["seeds"] = list(arguments.seeds)
    chosen.save(arguments.out)
    text = json.dumps(figures, indent=2)
    (arguments.out / "figures.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
