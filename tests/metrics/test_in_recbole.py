"""The metrics under RecBole's names, on what a composed model gives."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nltk.corpus
import numpy as np
import pytest
import torch

from recbole_showcase import metrics
from recbole_showcase.composed.trainer import ShowcaseTrainerMixin
from recbole_showcase.data.corpus import TEST, TRAIN
from recbole_showcase.data.pairs import Pairs
from recbole_showcase.encoders.names import store_name
from recbole_showcase.errors import DataError, SettingsError, ShowcaseError
from recbole_showcase.evaluation.evaluation import Evaluation
from recbole_showcase.evaluation.resources import EvaluationResources
from recbole_showcase.evaluation.support import supported_features
from recbole_showcase.evaluation.swaps import donors
from recbole_showcase.evaluation.table import ROWS
from recbole_showcase.integration.metrics import EVALUATION
from recbole_showcase.metrics import corpus_bleu, rightly_explained, rouge
from recbole_showcase.parts import EXPLAINERS
from tests.integration.test_training import SASREC, prepare
from tests.metrics.models import KEY, write_nli, write_seq2seq
from tests.metrics.test_pretrained import write_bert
from tests.tiny import DIM, TOPICS, TinyWorld

OF_LEXICON = ("FMR", "FCR", "DIV", "HallucinationRate", "JointHit", "ExplainedHitPhotos")
READERS = ("BERTScore", "MAUVE")
JUDGES = ("StatementPrecision", "StatementRecall", "EvidencePrecision", "EvidenceRecall")
GONE = "local-dir:/no/such"  # an encoder that is not there
ENCODING = ("CLIPScore", "HallucinationRate")
JOINT = ["JointHit", "ExplainedHit", "ExplainedHitAny", "ExplainedHitText", "ExplainedHitPhotos"]


# Metrics that are no sums over pairs: what repeats, or is ordered, over all texts together.
NO_SUMS = {"mauve", "distinct1", "distinct2", "usr", "entropy1", "entropy2", "entropy4"}
NO_SUMS |= {"givenfcr", "givendiv", "itemfcr", "ratedpairs", "mrecallcases", "mauccases"}
NO_SUMS |= {"selfbleu", "fcr", "div", "scoresentiment", "userscoresentiment"}
NO_SUMS |= {side + name for side in ("user", "item") for name in ("distinct1", "distinct2", "usr")}


def known_metrics() -> list[str]:
    import recbole.evaluator  # registers

    from recbole_showcase.integration.metrics import METRICS

    assert set(map(str.lower, METRICS)) <= set(recbole.evaluator.metrics_dict)
    return list(METRICS)


class TopicEncoder:
    """Texts in the space of the tiny world: the axis of the topic that a text names, if any."""

    def encode_texts(self, texts: list[str]) -> torch.Tensor:
        rows = [[float(t in text) for t in TOPICS] + [0.0] * (DIM - len(TOPICS)) for text in texts]
        return torch.tensor(rows)


def evaluate(
    world: TinyWorld,
    work: Path,
    model: str = "ShowcaseBPR",
    generate: Any = None,
    rate: Any = None,
    change: Any = None,
    **changes: Any,
) -> tuple[dict[str, float], Evaluation, Any]:
    """Evaluate an untrained model; its result, what the metrics read, and the trainer."""
    changes = {"eval_step": 0, **changes}  # no validation, whatever the metrics are
    trainer, (train, _, test) = prepare(model, world, work, **changes)
    trainer.eval_collector.resources.encoder = TopicEncoder()
    if generate is not None:
        trainer.model.showcase.explainer.generate = generate
    if rate is not None:
        trainer.model.showcase.explainer.rate = rate
    if change is not None:
        change(trainer.model.showcase.data)
    kept = []
    compute = trainer.evaluator.evaluate
    trainer.evaluator.evaluate = lambda given: kept.append(given) or compute(given)
    trainer.eval_collector.data_collect(train)
    result = trainer.evaluate(test, load_best_model=False)
    return result, kept[0].get(EVALUATION).evaluation, trainer


def write_models(folder: Path) -> dict[str, Any]:
    """One model of each kind that metrics read with; the settings that name them."""
    write_bert(folder / "bert")
    write_nli(folder / "nli")
    write_seq2seq(folder / "bart")
    (folder / "base.tsv").write_text("LAYER,P,R,F\n2,.1,.2,.5\n")
    return {
        "showcase_text_model": str(folder / "bert"),
        "showcase_text_baseline": str(folder / "base.tsv"),
        "showcase_nli_model": str(folder / "nli"),
        "showcase_seq2seq_model": str(folder / "bart"),
    }


def liked(batch: Any, users: Any, items: Any) -> list[str]:
    """Text that follows the user alone."""
    return [f"The {TOPICS[(user - 1) % 4]} was great." for user in batch.users.tolist()]


def shown(batch: Any, users: Any, items: Any) -> list[str]:
    """Text that follows the first photo alone."""
    topics = batch.photo_features[:, 0, : len(TOPICS)].argmax(dim=1)
    return [f"The {TOPICS[topic]} was great." for topic in topics.tolist()]


@pytest.mark.parametrize("generate", [None, liked])
def test_every_metric_has_an_entry(tiny_world: TinyWorld, tmp_path: Path, generate: Any) -> None:
    # METEOR needs WordNet; CLIPAlign a classifier, see tests/distillation.
    names = [name for name in known_metrics() if name not in ("METEOR", "CLIPAlign")]
    result, found, trainer = evaluate(
        tiny_world,
        tmp_path,
        generate=generate,
        metrics=["Hit", *names],
        topk=[2, 5],
        **write_models(tmp_path),
    )
    at_k = [*JOINT, "MRecall", "MNDCG"]
    keys = {name.lower() for name in names if name not in at_k and not name.startswith("Image")}
    keys |= {f"{name.lower()}@3" for name in names if name.startswith("Image")}
    keys |= {f"{name.lower()}@{k}" for name in ("Hit", *at_k) for k in (2, 5)}
    assert set(result) == keys
    assert all(isinstance(value, float) for value in result.values())
    # One test row a user: nothing to say of a user's texts among themselves.
    alone = {"userusr", "userdistinct1", "userdistinct2", "userscoresentiment"}
    assert all(math.isnan(result[key]) for key in alone)
    bleu = corpus_bleu(found.texts, found.references, max_order=1)
    assert result["bleu1"] == round(bleu, 4)
    assert sorted(found.lexicon) == sorted(TOPICS)
    users, user_sums = trainer.evaluator.user_sums()
    assert set(result) - set(user_sums) == NO_SUMS
    assert users.tolist() == sorted(set(found.users)), "each has one row in the test split"
    for key, statistics in user_sums.items():
        assert len(statistics.rows) == len(users)
        assert statistics.value() == pytest.approx(result[key], abs=6e-5, nan_ok=True), key


def test_what_recboles_metrics_are_the_means_of(tiny_world: TinyWorld, tmp_path: Path) -> None:
    """All that are means over users, and none of the others."""
    means = ["Hit", "MRR", "MAP", "Recall", "NDCG", "Precision"]
    result, _, trainer = evaluate(
        tiny_world, tmp_path, metrics=[*means, "ItemCoverage", "GiniIndex", "BLEU1"], topk=[1, 5]
    )
    users, user_sums = trainer.evaluator.user_sums()
    assert set(user_sums) == {f"{name.lower()}@{k}" for name in means for k in (1, 5)} | {"bleu1"}
    for key, statistics in user_sums.items():
        assert statistics.value() == pytest.approx(result[key], abs=6e-5), key
    hits = statistics_of_hits(trainer, users)
    assert user_sums["hit@5"].rows.tolist() == hits


def statistics_of_hits(trainer: Any, users: np.ndarray) -> list[list[float]]:
    """Whether the test item is among the five best of the items that a user has not had."""
    corpus = trainer.model.showcase.data.corpus.interactions
    model = trainer.model
    scores = (model.user_embedding.weight @ model.item_embedding.weight.T).detach().numpy()
    found = []
    for user in users:
        own = corpus.users == user
        (held_out,) = corpus.items[own & (corpus.splits == TEST)]
        left = scores[user].copy()
        left[0] = -np.inf
        left[corpus.items[own & (corpus.splits != TEST)]] = -np.inf
        found.append([float((left > left[held_out]).sum() < 5), 1.0])
    return found


def test_every_metric_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    named = {"BLEU2", "BLEU3"}  # between the two ends of a row
    assert [name for name in known_metrics() if f"`{name}`" not in page and name not in named] == []
    functions = [name for name in metrics.__all__ if name.islower() and not name.endswith("values")]
    assert [name for name in functions if name not in page] == []


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("ShowcaseBPR", {}),
        ("ShowcaseBPR", {"mode": "uni5"}),
        ("ShowcaseSASRec", SASREC),
    ],
)
def test_ranks_are_recboles_and_scores_the_models(
    tiny_world: TinyWorld, tmp_path: Path, model: str, changes: dict[str, Any]
) -> None:
    mode = {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": changes.get("mode", "full")}
    result, found, trainer = evaluate(
        tiny_world,
        tmp_path,
        model,
        metrics=["Hit", "JointHit", "MRR"],
        eval_args=mode,
        **{key: value for key, value in changes.items() if key != "mode"},
    )
    assert len(found.ranks) == 40 and not np.isnan(found.scores).any()
    assert result["hit@5"] == pytest.approx(np.mean(found.ranks > 0), abs=1e-4)
    places = np.where(found.ranks > 0, 1 / np.maximum(found.ranks, 1), 0.0)
    assert result["mrr@5"] == pytest.approx(places.mean(), abs=1e-4)
    users, user_sums = trainer.evaluator.user_sums()
    of_user = dict(zip(found.users.tolist(), places.tolist(), strict=True))
    expected = [of_user[user] for user in users.tolist()]
    assert user_sums["mrr@5"].rows[:, 0] == pytest.approx(expected)
    if model == "ShowcaseBPR":
        tables = trainer.model.user_embedding.weight, trainer.model.item_embedding.weight
        vectors = [t.detach().numpy()[ids] for t, ids in zip(tables, (found.users, found.items))]  # noqa: B905
        assert found.scores == pytest.approx((vectors[0] * vectors[1]).sum(axis=1), abs=1e-6)


def test_hits_with_right_texts_and_photos(tiny_world: TinyWorld, tmp_path: Path) -> None:
    result, found, _ = evaluate(tiny_world, tmp_path, metrics=["Hit", *JOINT], generate=liked)
    assert result["explainedhittext@5"] == 1 == result["explainedhitany@5"]
    hit = (found.ranks > 0) & (found.ranks <= 5)
    right = rightly_explained(
        found.mentions,
        found.reference_mentions,
        found.photos,
        found.posted_photos,
        3,
        truth="photos",
    )
    assert result["explainedhitphotos@5"] == pytest.approx(right[hit].mean(), abs=1e-4)
    assert result["jointhit@5"] <= result["hit@5"]
    both = result["explainedhit@5"]
    assert both == pytest.approx(result["jointhit@5"] / result["hit@5"], abs=1e-3)


@pytest.mark.parametrize(("generate", "follows"), [(liked, "user"), (shown, "photo")])
def test_swaps_show_what_a_text_follows(
    tiny_world: TinyWorld, tmp_path: Path, generate: Any, follows: str
) -> None:
    result, found, _ = evaluate(
        tiny_world, tmp_path, metrics=["PhotoInfluence", "UserInfluence"], generate=generate
    )
    other = {"user": "photo", "photo": "user"}[follows]
    assert result[f"{other}influence"] == 0
    # Of four words, the topic's changes wherever the other pair is of another topic.
    swap = getattr(found, f"{follows}_swap")
    changed = [a != b for a, b in zip(found.texts, swap.texts, strict=True)]
    assert 0.5 < np.mean(changed) < 1 and swap.swapped.all()
    assert result[f"{follows}influence"] == pytest.approx(np.mean(changed) / 4, abs=1e-4)


def test_the_gap_is_to_texts_from_own_photos(tiny_world: TinyWorld, tmp_path: Path) -> None:
    result, found, trainer = evaluate(
        tiny_world,
        tmp_path,
        metrics=["PhotoGap", "ROUGEL"],
        generate=shown,
        showcase_relevance="random",
        showcase_selector="topk",
    )
    data = trainer.model.showcase.data
    first = data.photos.features[found.posted_photos[:, 0]]
    expected = [f"The {TOPICS[topic]} was great." for topic in first[:, : len(TOPICS)].argmax(1)]
    assert found.texts_from_posted_photos == expected != found.texts
    own = rouge(expected, found.references, kind="rougeL")
    assert result["photogap"] == pytest.approx(own - result["rougel"], abs=1e-3)


def test_statements_are_held_against_the_review_and_what_others_wrote(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    """The classifier finds entailment just where the premise, or the statement, has its word."""

    def generate(batch: Any, users: Any, items: Any) -> list[str]:
        return ["The soup. A place." if user % 4 else "" for user in batch.users.tolist()]

    kept = {}

    def marked(data: Any) -> None:
        """The word in the review of every second test row, and of every fifth training row."""
        inter, texts = data.corpus.interactions, data.corpus.texts[:]
        for split, step in ((TEST, 2), (TRAIN, 5)):
            rows = np.flatnonzero(inter.splits == split)[::step]
            texts[rows] = [f"{text} So {KEY}." for text in texts[rows]]
        data.corpus.texts, kept["corpus"] = texts, data.corpus

    write_nli(tmp_path / "nli", window=64)
    result, found, trainer = evaluate(
        tiny_world,
        tmp_path,
        metrics=list(JUDGES),
        generate=generate,
        change=marked,
        showcase_nli_model=str(tmp_path / "nli"),
        showcase_evidence_reviews=2,
    )
    texts, inter = kept["corpus"].texts, kept["corpus"].interactions
    written = found.users % 4 > 0
    true = np.array([KEY in texts[row] for row in found.pairs.rows])
    assert result["statementprecision"] == pytest.approx(true[written].mean(), abs=1e-4)
    # Of the sentences of a review the last one says it, and follows from whatever was written.
    said = [KEY in sentence for own in found.reviews for sentence in own]
    owners = np.repeat(np.arange(len(written)), [len(own) for own in found.reviews])
    shares = [np.mean(np.array(said)[owners == row]) for row in np.flatnonzero(written)]
    assert 0 < result["statementrecall"] == pytest.approx(np.mean(shares), abs=1e-4)
    known = []
    for user, item, time in zip(found.users, found.items, found.pairs.times, strict=True):
        rows = np.flatnonzero(
            (inter.items == item) & (inter.users != user) & (inter.splits == TRAIN)
            & (inter.times < time)
        )  # fmt: skip
        latest = rows[np.argsort(inter.times[rows], kind="stable")][::-1][:2]
        known.append([texts[row] for row in latest])
    assert [[" ".join(text) for text in own] for own in found.item_evidence] == known
    supported = [any(KEY in text for text in own) if own else np.nan for own in known]
    expected = np.nanmean(np.array(supported, dtype=float)[written])
    assert 0 < expected < 1
    assert result["evidenceprecision"] == pytest.approx(expected, abs=1e-4)
    # Of what others wrote, the sentences with the word follow from whatever was written.
    told = [[s for text in own for s in text] for own in found.item_evidence]
    recalls = [np.mean([KEY in s for s in own]) if own else np.nan for own in told]
    expected = np.nanmean(np.array(recalls)[written])
    assert 0 < result["evidencerecall"] == pytest.approx(expected, abs=1e-4)
    users, user_sums = trainer.evaluator.user_sums()
    assert {name.lower() for name in JUDGES} == set(user_sums), "kept for significance"
    figure = user_sums["statementprecision"]
    of_user = dict(zip(found.users.tolist(), true.tolist(), strict=True))
    expected_rows = [[float(of_user[u]), 1.0] if u % 4 else [0.0, 0.0] for u in users.tolist()]
    assert figure.rows.tolist() == expected_rows


RATINGS = ["RatingRMSE", "RatingMAE", "RatedPairs", "RatingCoherence"]


def test_ratings_of_the_explainers_own(tiny_world: TinyWorld, tmp_path: Path) -> None:
    def rated(data: Any) -> None:
        inter = data.corpus.interactions
        inter.ratings[:] = np.arange(len(inter.ratings)) % 5 + 1.0
        inter.ratings[(inter.splits == TEST) & (inter.users % 3 == 0)] = np.nan

    def generate(batch: Any, users: Any, items: Any) -> list[str]:
        return ["Great!" if user % 2 else "Terrible!" for user in batch.users.tolist()]

    given = torch.linspace(-1, 8, 60)  # by user, some beyond the stars
    result, found, trainer = evaluate(
        tiny_world,
        tmp_path,
        metrics=RATINGS,
        generate=generate,
        rate=lambda batch, users, items: given[batch.users],
        change=rated,
        showcase_explainer="nrt",
    )
    predicted = given.numpy()[found.users]
    true = trainer.model.showcase.data.corpus.interactions.ratings[found.pairs.rows]
    known = found.users % 3 > 0
    errors = np.abs(np.clip(predicted, 1, 5) - true)[known]
    assert result["ratedpairs"] == known.sum() < len(known)
    assert result["ratingrmse"] == pytest.approx(np.sqrt((errors**2).mean()), abs=1e-4)
    assert result["ratingmae"] == pytest.approx(errors.mean(), abs=1e-4)
    stars = np.clip(np.floor(predicted + 0.5), 1, 5)
    coherent = np.where(found.users % 2 > 0, stars > 3, stars < 3)
    assert result["ratingcoherence"] == pytest.approx(coherent.mean(), abs=1e-4)


@pytest.mark.parametrize(
    ("explainer", "said"),
    [("att2seq", "'att2seq' predicts no rating"), ("nrt", "no explained row has a rating")],
)
def test_figures_of_ratings_that_are_not_there_say_why(
    tiny_world: TinyWorld,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    explainer: str,
    said: str,
) -> None:
    def unrated(data: Any) -> None:
        data.corpus.interactions.ratings[:] = np.nan if explainer == "nrt" else 3.0

    result, _, trainer = evaluate(
        tiny_world, tmp_path, metrics=RATINGS, change=unrated, showcase_explainer=explainer
    )
    assert result["ratedpairs"] == 0
    assert all(math.isnan(result[name]) for name in ("ratingrmse", "ratingmae", "ratingcoherence"))
    trainer.eval_collector.resources.tell("once")
    trainer.eval_collector.resources.tell("once")
    lines = [record.message for record in caplog.records]
    assert sum(said in line for line in lines) == 1 and lines.count("once") == 1


def test_features_known_of_items_and_users(tiny_world: TinyWorld, tmp_path: Path) -> None:
    names = ["ItemFMR", "UserFMR", "ItemFCR", "UserFCR"]
    result, found, trainer = evaluate(tiny_world, tmp_path, metrics=names, generate=shown)
    corpus = trainer.model.showcase.data.corpus
    inter = corpus.interactions
    for side in ("item", "user"):
        ids = getattr(found, f"{side}s")
        menus = {}
        for one in set(ids):
            own = (inter.splits == TRAIN) & (getattr(inter, f"{side}s") == one)
            menus[one] = {
                t for t in TOPICS for row in np.flatnonzero(own) if t in corpus.texts[row]
            }
        named = [{topic for topic in TOPICS if topic in text} for text in found.texts]
        hits = [bool(own & menus[one]) for own, one in zip(named, ids, strict=True) if menus[one]]
        assert result[f"{side}fmr"] == pytest.approx(np.mean(hits), abs=1e-4)
        shares = []
        for one in menus:
            said = {t for own, other in zip(named, ids, strict=True) if other == one for t in own}
            shares += [len(said & menus[one]) / len(menus[one])] if menus[one] else []
        assert result[f"{side}fcr"] == pytest.approx(np.mean(shares), abs=1e-4)
    assert "userfcr" in trainer.evaluator.user_sums()[1]


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_everyone_swaps_with_another(n: int) -> None:
    donor = donors(n, seed=3)
    assert sorted(donor) == list(range(n))
    assert n == 1 or (donor != np.arange(n)).all()
    assert (donor == donors(n, seed=3)).all()


def test_features_that_nothing_supports_are_hallucinated(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("\n".join([*TOPICS, "unicorn", "great"]))

    def generate(batch: Any, users: Any, items: Any) -> list[str]:
        return ["A great unicorn soup."] * len(batch)

    result, found, _ = evaluate(
        tiny_world,
        tmp_path,
        metrics=["HallucinationRate", "FCR"],
        generate=generate,
        showcase_lexicon=str(lexicon),
        showcase_support_cosine=0.6,
    )
    assert found.lexicon == [*TOPICS, "unicorn", "great"]
    known = found.supported[:, [0, 4, 5]]  # soup, unicorn, great
    assert not known[:, 1].any() and known[:, 2].all()
    assert result["hallucinationrate"] == pytest.approx(1 - known.sum(axis=1).mean() / 3, abs=1e-4)
    assert result["fcr"] == 0.5


def test_support_comes_from_training_reviews_and_photos(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path)
    data = trainer.model.showcase.data
    inter, items = data.corpus.interactions, np.arange(1, len(data.corpus.item_tokens))

    def blind(texts: list[str]) -> np.ndarray:
        return np.zeros((len(texts), DIM), np.float32)

    def support(encode: Any) -> np.ndarray:
        return supported_features(data, items, list(TOPICS), encode, 0.6)

    for place, item in enumerate(items):
        rows = np.flatnonzero((inter.items == item) & (inter.splits == TRAIN))
        said = [any(topic in data.corpus.texts[row] for row in rows) for topic in TOPICS]
        assert support(blind)[place].tolist() == said
        photos = np.flatnonzero(data.photos.items == item)
        seen = {tiny_world.topic_of_photo[data.photos.tokens[photo]] for photo in photos}
        both = [named or n in seen for n, named in enumerate(said)]
        encode = TopicEncoder().encode_texts
        assert support(lambda t, e=encode: e(t).numpy())[place].tolist() == both


def test_nothing_of_the_test_split_enters_the_lexicon_or_the_evidence(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path)
    data, settings = trainer.model.showcase.data, trainer.model.showcase.settings
    held_out = data.corpus.interactions.splits == TEST
    for name in ("texts", "targets"):
        texts = getattr(data.corpus, name)[:]
        texts[held_out] = "The sentinel was great."
        setattr(data.corpus, name, texts)
    assert set(EvaluationResources(settings, Path("."), "cpu").lexicon(data)) == set(TOPICS)
    items = np.unique(data.corpus.interactions.items[held_out])
    blind = supported_features(data, items, ["sentinel"], lambda t: np.zeros((1, DIM)), 0.5)
    assert not blind.any()
    resources = EvaluationResources(settings, Path("."), "cpu")
    assert resources.lexicon(data) is resources.lexicon(data), "mined once"
    other, _ = prepare("ShowcaseBPR", tiny_world, tmp_path)  # of another split
    corpus = other.model.showcase.data.corpus
    corpus.targets = np.full(len(corpus), "A sentinel here.", dtype=object)
    assert resources.lexicon(other.model.showcase.data) == ["sentinel"], "nothing of the first one"
    data.corpus.targets[~held_out] = ""
    with pytest.raises(DataError, match="setting 'showcase_lexicon'"):
        EvaluationResources(settings, Path("."), "cpu").lexicon(data)


def test_a_model_writes_from_given_photos(tiny_world: TinyWorld, tmp_path: Path) -> None:
    trainer, (_, _, test) = prepare("ShowcaseBPR", tiny_world, tmp_path)
    model = trainer.model.eval()
    pairs = Pairs.of_rows(model.showcase.data.corpus, test._dataset.showcase_rows[:7])
    chosen = model.explain(pairs)
    again = model.explain(pairs, photos=chosen.photos)
    assert again.texts == chosen.texts and np.isnan(again.relevance).all()
    given = np.full((7, 2), -1)
    given[:, 0] = np.arange(7)
    model.showcase.explainer.generate = shown
    found = model.explain(pairs, photos=given)
    topics = [tiny_world.topic_of_photo[t] for t in model.showcase.data.photos.tokens[:7]]
    assert [TOPICS[t] in text for t, text in zip(topics, found.texts, strict=True)] == [True] * 7


def test_what_metrics_need_is_looked_at_before_training(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Missing:
        def ensure_loaded(self) -> None:
            raise LookupError

    with pytest.raises(SettingsError, match="'JointHit' reads a ranking"):
        prepare(
            "ShowcaseBPR", tiny_world, tmp_path, metrics=["AUC", "JointHit"], valid_metric="AUC",
            eval_args={"split": {"RS": [0.8, 0.1, 0.1]}, "order": "RO", "mode": "uni5"},
        )  # fmt: skip
    with pytest.raises(SettingsError, match=r"metric 'MAUVE': .* setting 'showcase_text_model'"):
        prepare("ShowcaseBPR", tiny_world, tmp_path, metrics=["Recall", "MAUVE"])
    monkeypatch.setattr(nltk.corpus, "wordnet", Missing())
    with pytest.raises(SettingsError, match=r"nltk\.downloader wordnet"):
        prepare("ShowcaseBPR", tiny_world, tmp_path, metrics=["Recall", "METEOR"])


class Recorded(EvaluationResources):
    """Resources that remember what they were asked for."""

    def __init__(self, settings: Any, folder: Path) -> None:
        super().__init__(settings, folder, "cpu")
        self.asked: set[str] = set()
        self._encoder = TopicEncoder()

    def __getattribute__(self, name: str) -> Any:
        # What stands behind each is reached in more than one way.
        kinds = {"given_lexicon": "lexicon"}
        models = {"text_model", "text_baseline", "nli_model", "seq2seq_model", "encoder"}
        if name in kinds or name in models:
            self.asked.add(kinds.get(name, name))
        return super().__getattribute__(name)

    @property
    def encoder(self) -> Any:  # type: ignore[override]
        return self._encoder

    @encoder.setter
    def encoder(self, value: Any) -> None:
        """It is there already."""

    @property
    def alignment(self) -> Any:  # type: ignore[override]
        self.asked.add("alignment")
        return SimpleNamespace(confidence=lambda texts, photos: np.zeros(len(texts)))


def test_what_a_metric_reads_from_outside_is_among_its_needs(
    tiny_world: TinyWorld, tmp_path: Path
) -> None:
    trainer, (_, _, test) = prepare("ShowcaseBPR", tiny_world, tmp_path, **write_models(tmp_path))
    model, rows = trainer.model.eval(), test._dataset.showcase_rows[:4]
    model.showcase.explainer.generate = liked
    corpus = model.showcase.data.corpus.interactions
    ranked = np.stack([corpus.users[rows], corpus.items[rows], [1, 0, 2, 1], [0.5, 0.1, 0.2, 0.3]])
    read = {}
    for row in ROWS:
        resources = Recorded(model.showcase.settings, tiny_world.folder)
        if row.needs is not None and row.name != "METEOR":  # WordNet is no part of resources
            row.needs(resources)
        needed, resources.asked = resources.asked, set()
        if row.name == "METEOR":
            continue
        evaluation = Evaluation(model, rows, lambda: ranked, resources)
        row.measure(evaluation, *([5] if row.at == "topk" else []))
        read[row.name] = resources.asked
        assert resources.asked <= needed, row.name
    assert read["JointHit"] == {"lexicon"} and read["BLEU4"] == set()
    assert read["HallucinationRate"] == {"lexicon", "encoder"}
    assert read["CLIPAlign"] == {"encoder", "alignment"}
    assert read["BERTScoreRescaled"] == {"text_model", "text_baseline"}
    assert read["EvidencePrecision"] == {"nli_model"} and read["BARTScore"] == {"seq2seq_model"}


def never(*_: Any, **__: Any) -> Any:
    raise AssertionError("an epoch was begun")


@pytest.mark.parametrize(
    ("metric", "settings", "said"),
    [
        *((m, {"showcase_lexicon": "/no/such"}, "lexicon /no/such cannot") for m in OF_LEXICON),
        *((m, {"showcase_text_model": "/no/such"}, "'/no/such' cannot be loaded") for m in READERS),
        ("BERTScoreRescaled", {}, "setting 'showcase_text_baseline' names, which has no value"),
        ("EvidencePrecision", {}, "setting 'showcase_nli_model' names, which has no value"),
        ("StatementRecall", {"showcase_nli_model": "BERT"}, "labels LABEL_0, LABEL_1"),
        ("BARTScore", {"showcase_seq2seq_model": "BERT"}, "cannot be loaded"),
        ("BERTScore", {"showcase_text_layer": 9}, "no layer 9; allowed is -3 to 2"),
        ("BERTScore", {"showcase_text_layer": -4}, "no layer -4"),
        *((m, {"showcase_encoder": GONE}, "/no/such: is no encoder folder") for m in ENCODING),
        ("CLIPAlign", {}, "no alignment classifier ships for encoder 'topics'"),
        ("CLIPAlign", {"showcase_alignment": "/no/such"}, "/no/such/classifier.json: cannot be"),
    ],
)
def test_a_metric_whose_need_is_missing_stops_before_the_first_epoch(
    tiny_world: TinyWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    metric: str,
    settings: dict[str, Any],
    said: str,
) -> None:
    write_bert(tmp_path / "bert")
    shutil.copytree(tiny_world.folder, tmp_path / "data" / "tiny")
    store = tmp_path / "data" / "tiny" / "tiny.features" / "topics"
    meta = json.loads((store / "meta.json").read_text()) | {"architecture": GONE}
    gone = shutil.copytree(store, store.with_name(store_name(GONE)))
    (gone / "meta.json").write_text(json.dumps(meta))
    given = {"data_path": str(tmp_path / "data"), "showcase_text_model": str(tmp_path / "bert")}
    settings = {k: str(tmp_path / "bert") if v == "BERT" else v for k, v in settings.items()}
    monkeypatch.setattr(ShowcaseTrainerMixin, "_train_epoch", never)
    with pytest.raises(ShowcaseError, match=rf"metric '{metric}': .*{said}"):
        prepare(
            "ShowcaseBPR", tiny_world, tmp_path, metrics=["Recall", metric], **{**given, **settings}
        )


@pytest.mark.parametrize("metric", OF_LEXICON)
def test_a_lexicon_that_cannot_be_mined_stops_before_the_first_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: str
) -> None:
    opinions = ("great", "nice", "good", "bad")  # which are no features
    world = TinyWorld.write(tmp_path / "data", topics=opinions, texts=("The {}.", "The {}."))
    monkeypatch.setattr(ShowcaseTrainerMixin, "_train_epoch", never)
    trainer, (train, valid, _) = prepare("ShowcaseBPR", world, tmp_path, metrics=["Recall", metric])
    with pytest.raises(DataError, match=f"metric '{metric}': no feature to mine"):
        trainer.fit(train, valid, saved=False)


def test_entities_that_cannot_be_found_stop_before_the_first_epoch(
    tiny_world: TinyWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ShowcaseTrainerMixin, "_train_epoch", never)
    trainer, (train, valid, _) = prepare(
        "ShowcaseBPR", tiny_world, tmp_path, showcase_entities="no_such_pipeline"
    )
    with pytest.raises(SettingsError, match="setting 'showcase_entities' is 'no_such_pipeline'"):
        trainer.fit(train, valid, saved=False)


NAMED_MODELS = [
    ("explainer", name, field.name)
    for name in EXPLAINERS
    for field in fields(EXPLAINERS.find(name).Settings)
    if field.name in ("explainer_decoder", "explainer_language_model")
]


@pytest.mark.parametrize(("kind", "part", "setting"), NAMED_MODELS)
def test_a_model_that_a_part_names_is_loaded_before_the_first_epoch(
    tiny_world: TinyWorld,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    part: str,
    setting: str,
) -> None:
    monkeypatch.setattr(ShowcaseTrainerMixin, "_train_epoch", never)
    with pytest.raises(SettingsError, match=f"setting '{setting}' is '/no/such'"):
        prepare(
            "ShowcaseBPR", tiny_world, tmp_path, **{f"showcase_{kind}": part, setting: "/no/such"}
        )


def test_parts_that_name_models_are_found() -> None:
    assert {part for _, part, _ in NAMED_MODELS} == {
        "showcase", "retrieval", "pepler", "text_gpt2", "img_gpt2", "prefix_lm",
    }  # fmt: skip


@pytest.mark.parametrize(("metric", "bigger"), [("DIV", False), ("FMR", True)])
def test_recbole_knows_which_way_is_better(
    tiny_world: TinyWorld, tmp_path: Path, metric: str, bigger: bool
) -> None:
    trainer, _ = prepare("ShowcaseBPR", tiny_world, tmp_path, valid_metric=metric, metrics=[metric])
    assert trainer.config["valid_metric_bigger"] == bigger
