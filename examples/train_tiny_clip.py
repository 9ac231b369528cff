"""Train the small CLIP that ships with the package, and measure it.

    python examples/train_tiny_clip.py --out recbole_showcase/encoders/weights/showcase-tiny

It learns from drawings of the demo world whose seeds are neither the shipped drawing's nor
the held-out one's: four towns of 240 users, in which nearly every review has text and
photos, 11,763 photos with the sentences that name what they show. Takes about fifteen
minutes of two cores, painting included. The figures are written beside the weights.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from demo_world import WorldSettings
from demo_world.clip_figures import clip_figures
from demo_world.clip_training import ClipTraining, train_from_worlds

HELD_OUT_SEED = 99


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--steps", type=int, default=ClipTraining().steps)
    parser.add_argument("--measure-only", action="store_true", help="keep the model that is there")
    arguments = parser.parse_args()
    if not arguments.measure_only:
        train_from_worlds(arguments.out, ClipTraining(steps=arguments.steps))
    figures = {
        "held-out drawing": clip_figures(
            arguments.out, replace(WorldSettings(), seed=HELD_OUT_SEED)
        ),
        "shipped drawing": clip_figures(arguments.out, WorldSettings()),
    }
    text = json.dumps(figures, indent=2)
    (arguments.out / "figures.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
