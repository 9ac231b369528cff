"""How near generated texts are to the true ones, and how varied they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from recbole_showcase.errors import DataError, SettingsError
from recbole_showcase.metrics._checks import check_at_least_one, check_same_length

RougeKind = Literal["rouge1", "rouge2", "rougeL"]
_ROUGE_KINDS = ("rouge1", "rouge2", "rougeL")


def corpus_bleu(
    hypotheses: Sequence[str], references: Sequence[str], *, max_order: int = 4
) -> float:
    """BLEU-1 to BLEU-4 as explanation papers report it: lower-cased, split at white space.

    Corpus BLEU of Papineni et al., "BLEU: a Method for Automatic Evaluation of Machine
    Translation", ACL 2002, with one reference a text: the geometric mean of the clipped n-gram
    precisions of orders 1 to ``max_order`` times the brevity penalty, counts summed over the
    corpus, no smoothing. Computed by sacrebleu, yet not what is called sacreBLEU, which has a
    tokenizer and smoothing of its own: see :func:`sacre_bleu`.

    Args:
        hypotheses: Generated texts.
        references: True texts, in the same order.
        max_order: Largest n-gram order.

    Returns:
        Between 0 and 100; 0 if an order has no match, NaN if there is no pair.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.
        SettingsError: max_order is not 1, 2, 3 or 4.

    >>> round(corpus_bleu(["The soup was good"], ["the soup is good today"], max_order=1), 2)
    58.41
    """
    if max_order not in (1, 2, 3, 4):
        raise SettingsError(f"max_order is {max_order}; allowed are 1, 2, 3 and 4")
    if not _check_pairs(hypotheses, references):
        return float("nan")
    from sacrebleu.metrics.bleu import BLEU

    # force: split at spaces on purpose, so no warning about texts that look tokenised.
    bleu = BLEU(
        lowercase=True, tokenize="none", smooth_method="none", max_ngram_order=max_order, force=True
    )
    return float(bleu.corpus_score(list(hypotheses), [list(references)]).score)


def sacre_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """SacreBLEU with its default settings: case-sensitive, 13a tokenizer, exponential smoothing.

    Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018. Comparable between papers
    whatever their tokenizers, and not comparable with :func:`corpus_bleu`.

    Args:
        hypotheses: Generated texts.
        references: True texts, in the same order.

    Returns:
        Between 0 and 100; NaN if there is no pair.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.

    >>> round(sacre_bleu(["the soup was very good."], ["the soup was good."]), 2)
    37.99
    """
    if not _check_pairs(hypotheses, references):
        return float("nan")
    from sacrebleu.metrics.bleu import BLEU

    return float(BLEU().corpus_score(list(hypotheses), [list(references)]).score)


def rouge(
    hypotheses: Sequence[str], references: Sequence[str], *, kind: RougeKind = "rougeL"
) -> float:
    """F-measure of ROUGE-1, ROUGE-2 or ROUGE-L, averaged over pairs, times 100.

    Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, by Google's rouge-score
    package, without stemming. Its tokenizer keeps runs of a-z and 0-9 of the lower-cased text.

    Args:
        hypotheses: Generated texts.
        references: True texts, in the same order.
        kind: "rouge1", "rouge2" or "rougeL".

    Returns:
        Between 0 and 100; a pair with an empty text counts 0; NaN if there is no pair.

    Raises:
        DataError: The lengths differ, or a single text was given instead of a list.
        SettingsError: kind is not one of the three.

    >>> round(rouge(["good soup here"], ["good hot soup"], kind="rougeL"), 2)
    66.67
    """
    if kind not in _ROUGE_KINDS:
        raise SettingsError(f"kind of ROUGE is '{kind}'; allowed are {list(_ROUGE_KINDS)}")
    if not _check_pairs(hypotheses, references):
        return float("nan")
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer([kind], use_stemmer=False)
    scores = map(scorer.score, references, hypotheses)
    return 100.0 * sum(score[kind].fmeasure for score in scores) / len(hypotheses)


def distinct_n(hypotheses: Sequence[str], n: int) -> float:
    """Number of different n-grams of all texts together over the number of all their n-grams.

    Li et al., "A Diversity-Promoting Objective Function for Neural Conversation Models", NAACL
    2016. Texts are lower-cased and split at white space, as for :func:`corpus_bleu`. The value
    falls with the amount of text, so compare it only between texts for the same pairs.

    Args:
        hypotheses: Generated texts.
        n: Order of the n-grams.

    Returns:
        Between 0 and 1; NaN if no text has n words.

    Raises:
        DataError: A single text was given instead of a list.
        SettingsError: n is below 1.

    >>> distinct_n(["good soup good soup", "good soup"], 2)
    0.5
    """
    check_at_least_one(n=n)
    _check_list("hypotheses", hypotheses)
    different: set[tuple[str, ...]] = set()
    total = 0
    for text in hypotheses:
        words = text.lower().split()
        different.update(zip(*(words[start:] for start in range(n)), strict=False))
        total += max(len(words) - n + 1, 0)
    return len(different) / total if total else float("nan")


def _check_pairs(hypotheses: Sequence[str], references: Sequence[str]) -> bool:
    """Refuse what are not two lists of one length; return whether there is a pair."""
    _check_list("hypotheses", hypotheses)
    _check_list("references", references)
    check_same_length(hypotheses=hypotheses, references=references)
    return len(hypotheses) > 0


def _check_list(name: str, texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise DataError(f"{name} is a single text of {len(texts)} characters; allowed is a list")
