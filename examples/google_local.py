"""From raw Google Local files to an explained recommender and its gallery.

    python examples/google_local.py \
        --reviews 'review-Vermont*.json.gz' --meta meta-Vermont.json.gz --photos photos/ \
        --out runs/vermont

The photos are files named by their id (``AF1Qip….jpg``), in folders of any depth. The encoder is
the small CLIP that ships with the package and was trained on painted dishes: it shows that all
runs, not what CLIP can do. With ``--encoder ViT-B-32 --weights laion2b_s34b_b79k`` photos and
words mean what they mean to CLIP. The steps are those of the commands convert, embed and gallery,
with RecBole's own quick start between them; each can be run by itself.
"""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from rich.console import Console

from recbole_showcase import load_explainer
from recbole_showcase.atomic import GoogleLocalOptions, convert_google_local
from recbole_showcase.encoders import embed_dataset
from recbole_showcase.gallery import render_gallery


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reviews", nargs="+", required=True)
    parser.add_argument("--meta", nargs="+", required=True)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="google-local")
    parser.add_argument("--model", default="ShowcaseBPR")
    parser.add_argument("--k-core", type=int, default=3)
    parser.add_argument("--encoder", default="showcase-tiny")
    parser.add_argument("--weights")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    out = given.out.resolve()
    dataset = out / "data" / given.name
    if not dataset.exists():
        (out / "data").mkdir(parents=True, exist_ok=True)
        options = GoogleLocalOptions(photos=given.photos.resolve(), k_core=given.k_core)
        account = convert_google_local(given.reviews, given.meta, dataset, options)
        Console().print(account.table())
    report = embed_dataset(dataset, given.encoder, given.weights)
    print(f"encoded {report.encoded}, skipped {report.skipped}, in {report.folder}")

    settings = {
        "data_path": str(out / "data"),
        "checkpoint_dir": str(out / "saved"),
        "showcase_encoder": report.folder.name,
    }
    config = Path(__file__).resolve().with_suffix(".yaml")
    # After recbole_showcase, which makes RecBole importable on today's packages.
    from recbole.quick_start import run_recbole

    with contextlib.chdir(out):  # RecBole writes its logs where it is started
        result = run_recbole(given.model, given.name, [str(config)], settings)
    print(result["test_result"])

    checkpoint = max((out / "saved").glob("*.pth"), key=lambda path: path.stat().st_mtime)
    recommender = load_explainer(checkpoint)
    page = render_gallery(
        recommender.user_showcases(top_k=5, n_users=8),
        out / "gallery.html",
        title="Personalized showcases",
        subtitle=f"{recommender.model_name} on {recommender.dataset_name}",
        figures=recommender.test_result,
    )
    print(f"gallery: {page}")


if __name__ == "__main__":
    main()
