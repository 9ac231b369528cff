"""Train on reviews that are not English, from the atomic files to generated texts and a gallery.

    python examples/other_languages/train.py --language thai --out runs/thai

The languages are arabic, chinese, japanese, russian and thai. The reviews are put together from the
phrases beside this file and the photos are painted by ``demo_world``, so it is run in a checkout.
Nothing in the settings speaks of a language: the tokenizer of the generated texts is trained on the
reviews and can spell any script, and each metric finds the words of a text by its script, as
docs/metrics.md says under "Words, in any language". Only the features that FMR and FCR look for
come from a file: where words have neither spaces nor a script of their own, as in Thai, none can be
mined without a dictionary.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from phrases import DISHES, LANGUAGES, Language

# demo_world is not installed; it is beside the package in the checkout.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo_world.catalogue import AMBIENCE_NAMES
from demo_world.paint import paint_photo
from recbole_showcase import load_explainer
from recbole_showcase.atomic import IMAGE, INTER, ITEM, REVIEW, write_atomic
from recbole_showcase.encoders import embed_dataset
from recbole_showcase.gallery import render_gallery
from recbole_showcase.recommender import ShowcaseRecommender

LEXICON = "dishes.txt"
SETTINGS = {
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full"},
    "epochs": 30,
    "train_batch_size": 256,
    "embedding_size": 32,
    "learning_rate": 0.01,
    "topk": [5],
    "eval_step": 10,
    "valid_metric": "BLEU4",  # the recommender of so few users is soon at its best
    "metrics": [
        *("Recall", "ImageF1", "BLEU1", "BLEU4", "ROUGE1", "ROUGEL"),
        *("METEORStem", "CIDEr", "Distinct2", "FMR", "FCR"),
    ],
    "showcase_learning_rate": 0.003,
    "showcase_vocab_size": 500,
    "explainer_hidden_size": 64,
}


def draw_reviews(language: Language, n_users: int, n_items: int, seed: int) -> pd.DataFrame:
    """Draw who ate what where, and what they wrote about it.

    Every user has two favourite dishes and goes to seven places, and every review has a photo.

    Args:
        language: Whose phrases the reviews are made of.
        n_users: The number of users.
        n_items: The number of restaurants, seven or more.
        seed: Of all that is drawn.

    Returns:
        One row a review: all columns of the atomic files but those of the items, and the ``dish``.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        favourites = rng.choice(len(DISHES), 2, replace=False)
        for visit, item in enumerate(rng.choice(n_items, 7, replace=False)):
            dish = int(rng.choice(favourites))
            said = [
                str(rng.choice(said)).format(dish=language.dishes[dish])
                for said in (language.openings, language.praise, language.closings)
            ]
            name = f"r{user}-{item}"
            rows.append(
                {
                    "user_id": f"u{user}",
                    "item_id": f"i{item}",
                    "rating": 5.0,
                    "timestamp": 1e9 + 86_400.0 * visit + user,
                    "review_id": name,
                    "text": language.gap.join(said),
                    "explanation": said[1],
                    "image_id": f"p{name}",
                    "path": f"p{name}.jpg",
                    "dish": dish,
                }
            )
    return pd.DataFrame(rows)


def write_dataset(reviews: pd.DataFrame, language: Language, folder: Path, side: int = 64) -> None:
    """Write the atomic files and a lexicon, and paint the photos.

    Args:
        reviews: As :func:`draw_reviews` gives them.
        language: What the dishes are called, which is the lexicon.
        folder: ``DATA/NAME``.
        side: Of the square photos, in pixels.
    """
    (folder / "photos").mkdir(parents=True)
    names = sorted(reviews["item_id"].unique())
    items = pd.DataFrame({"item_id": names}).reindex(columns=[field.name for field in ITEM.fields])
    for schema, rows in ((INTER, reviews), (ITEM, items), (REVIEW, reviews), (IMAGE, reviews)):
        columns = [field.name for field in schema.fields]
        write_atomic(folder / f"{folder.name}.{schema.suffix}", schema, rows[columns])
    (folder / LEXICON).write_text("\n".join(language.dishes) + "\n", encoding="utf-8")
    for number, (path, dish) in enumerate(zip(reviews["path"], reviews["dish"], strict=True)):
        rng = np.random.default_rng(number)
        camera = rng.normal(size=4)
        room = AMBIENCE_NAMES[number % len(AMBIENCE_NAMES)]
        photo = paint_photo(DISHES[dish], room, camera, side, rng)
        (folder / "photos" / path).write_bytes(photo)


def train(folder: Path, out: Path, **changes: Any) -> tuple[dict[str, float], ShowcaseRecommender]:
    """Encode the photos and reviews, train, test, and load what was trained.

    Args:
        folder: The data set.
        out: Where the checkpoint and RecBole's logs go.
        **changes: Settings other than the above.

    Returns:
        RecBole's test result, and the recommender to ask.
    """
    embed_dataset(folder, "showcase-tiny", progress=False)
    # After recbole_showcase, which makes RecBole importable on today's packages.
    from recbole.quick_start import run_recbole

    paths = {
        "data_path": str(folder.parent),
        "checkpoint_dir": str(out / "saved"),
        "showcase_lexicon": str(folder / LEXICON),
    }
    with contextlib.chdir(out):  # RecBole writes its logs where it is started
        result = run_recbole(
            "ShowcaseBPR", folder.name, config_dict={**SETTINGS, **paths, **changes}
        )
    checkpoint = max((out / "saved").glob("*.pth"), key=lambda path: path.stat().st_mtime)
    return dict(result["test_result"]), load_explainer(checkpoint)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--language", choices=sorted(LANGUAGES), required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--users", type=int, default=80)
    parser.add_argument("--items", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    out = given.out.resolve()
    folder = out / "data" / given.language
    if not folder.exists():
        language = LANGUAGES[given.language]
        reviews = draw_reviews(language, given.users, given.items, given.seed)
        write_dataset(reviews, language, folder)
    result, recommender = train(folder, out)
    print(result)
    for showcase in recommender.recommend(["u0"], top_k=3)[0]:
        print(showcase.item, showcase.text)
    page = render_gallery(
        recommender.user_showcases(top_k=3, n_users=8),
        out / "gallery.html",
        title=f"Personalized showcases: {given.language}",
        subtitle=f"{recommender.model_name} on {recommender.dataset_name}",
        figures=recommender.test_result,
    )
    print(f"gallery: {page}")


if __name__ == "__main__":
    main()
