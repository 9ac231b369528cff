"""The whole way on real files: convert, embed, train, test, gallery."""

from __future__ import annotations

from pathlib import Path

from recbole_showcase.atomic import GoogleLocalOptions, convert_google_local
from recbole_showcase.encoders import embed_dataset
from recbole_showcase.gallery import render_gallery
from tests.integration.test_checkpoints import train
from tests.tiny import TinyWorld


def test_from_raw_google_local_to_a_gallery(shared_data: Path, tmp_path: Path) -> None:
    import recbole_showcase

    source = shared_data / "google-local-composite"
    dataset = tmp_path / "data" / "composite"
    dataset.parent.mkdir()
    convert_google_local(
        [source / "review-Composite.json.gz"],
        [source / "meta-Composite.json.gz"],
        dataset,
        GoogleLocalOptions(photos=source / "images", k_core=5),
    )
    report = embed_dataset(dataset, progress=False)
    assert report.encoded["image"] > 1000 and not report.skipped["image"]
    config = TinyWorld(dataset.parent, "composite", {}).config(
        tmp_path,
        showcase_encoder="showcase-tiny",
        showcase_vocab_size=1000,
        showcase_max_tokens=16,
        showcase_test_pairs=20,
        epochs=1,
    )
    checkpoint, result = train("ShowcaseBPR", "composite", config)
    assert {"recall@5", "imagef1@3", "bleu1"} <= set(result)
    recommender = recbole_showcase.load_explainer(checkpoint)
    pages = recommender.user_showcases(n_users=2, top_k=2)
    assert all(photo.path for page in pages for shown in page.recommended for photo in shown.photos)
    assert all(shown.item_name != shown.item for page in pages for shown in page.recommended)
    page = render_gallery(pages, tmp_path / "gallery.html", title="t", subtitle="s", figures=None)
    assert page.read_text(encoding="utf-8").count("data:image/jpeg") > 3
