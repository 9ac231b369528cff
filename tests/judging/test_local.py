"""Expected grades of tiny models, by hand and by a slow reading of the definition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from recbole_showcase.errors import SettingsError
from recbole_showcase.judging import judge_results, report_of
from recbole_showcase.judging.asking import Answer, Asking, Question
from recbole_showcase.judging.grades import GradeTrie
from recbole_showcase.judging.local import BEGINNING, LocalJudge, LocalOptions
from recbole_showcase.judging.pairs import Results
from recbole_showcase.judging.prompts import Message, read_prompt
from tests.judging.stub import some_pairs

DIGITS = [str(n) for n in range(10)]
SPECIAL = ["<pad>", "<|end|>"]


def write_model(path: Path, *, words: int = 1, window: int = 4096, template: str = "") -> None:
    """A GPT-2 of drawn weights that reads characters, and whole numbers of some digits."""
    numbers = [str(n) for n in range(10**words)] if words > 1 else DIGITS
    letters = [chr(n) for n in range(32, 127) if not chr(n).isdigit()]
    vocabulary = {token: n for n, token in enumerate([*SPECIAL, "<unk>", *letters, *numbers])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    pattern = rf"[0-9]{{1,{words}}}|[^0-9]"
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "isolated")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<|end|>", unk_token="<unk>"
    )
    if template:
        fast.chat_template = template
    fast.save_pretrained(path)
    torch.manual_seed(words)
    config = GPT2Config(
        vocab_size=len(vocabulary),
        n_positions=window,
        n_embd=16,
        n_layer=2,
        n_head=2,
        initializer_range=0.5,
    )
    GPT2LMHeadModel(config).save_pretrained(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    write_model(path)
    return path


@pytest.fixture(scope="module")
def judge(folder: Path) -> LocalJudge:
    return LocalJudge(LocalOptions(str(folder), batch=3))


def asked(
    judge: Any, criteria: list[str], n: int = 5, high: int | None = None
) -> dict[str, tuple[Question, Answer]]:
    """The answers about some pairs by key, on a scale that may end elsewhere."""
    prompt = read_prompt()
    chosen = (replace(c, high=high or c.high) for c in prompt.chosen(criteria))
    asking = Asking(prompt, tuple(chosen), judge.identity(), judge.samples)
    found: dict[str, tuple[Question, Answer]] = {}
    results = [Results("ours", Path("x"), "0", tuple(some_pairs(n)))]
    judge.answer(asking.questions(results), lambda q, a: found.update({q.key: (q, a)}))
    return found


def chance_of(model: Any, ids: list[int], path: list[int]) -> float:
    """The probability of tokens behind others, by one pass for each of them."""
    chance = 1.0
    for n, token in enumerate(path):
        with torch.inference_mode():
            logits = model(torch.tensor([ids + path[:n]])).logits[0, -1].double()
        chance *= float(logits.softmax(-1)[token])
    return chance


def slowly(judge: LocalJudge, question: Question) -> tuple[float, float]:
    """Expected grade and mass: all spellings, one pass a token, nothing kept between them."""
    tokenizer, model = judge._tokenizer, judge._model
    ids = tokenizer(f"{question.message.system}\n\n{question.message.question}\n\n{BEGINNING}")
    spelled = {
        form.format(grade): grade for grade in question.criterion.grades for form in ("{}", " {}")
    }
    total = weighted = 0.0
    for text, grade in spelled.items():
        path = tokenizer(text)["input_ids"]
        chance = chance_of(model, ids["input_ids"], path)
        longer = {
            tuple(own)
            for other in spelled
            if (own := tokenizer(other)["input_ids"])[: len(path)] == path and own != path
        }
        nexts = {own[len(path)] for own in longer}
        chance *= 1 - sum(chance_of(model, [*ids["input_ids"], *path], [t]) for t in nexts)
        total, weighted = total + chance, weighted + chance * grade
    return weighted / total, total


def test_expected_grades_are_those_of_the_definition(judge: LocalJudge) -> None:
    found = asked(judge, ["fluency", "personalisation"], n=2)
    for question, answer in found.values():
        mean, mass = slowly(judge, question)
        assert answer.expected == pytest.approx(mean, abs=2e-5)
        assert answer.mass == pytest.approx(mass, abs=2e-5)
    assert len({answer.expected for _, answer in found.values()}) > 3


def test_grades_of_several_digits_are_those_of_the_definition(judge: LocalJudge) -> None:
    ((question, answer),) = asked(judge, ["overall"], n=1, high=12).values()
    mean, mass = slowly(judge, question)
    assert answer.expected == pytest.approx(mean, abs=1e-3)
    assert answer.mass == pytest.approx(mass, abs=2e-5)


def test_grades_that_are_one_token(tmp_path: Path) -> None:
    write_model(tmp_path, words=3)
    judge = LocalJudge(LocalOptions(str(tmp_path)))
    ((question, answer),) = asked(judge, ["overall"], n=1, high=12).values()
    assert [path for path in judge._trie(question.criterion.grades).inner if len(path) > 1] == []
    mean, mass = slowly(judge, question)
    assert answer.expected == pytest.approx(mean, abs=1e-3)
    assert answer.mass == pytest.approx(mass, abs=2e-5)


def test_probabilities_by_hand(tmp_path: Path) -> None:
    """Whatever it reads, the model says 4 with 1/2, 5 with 1/4 and a with 1/4."""
    write_model(tmp_path)
    model = GPT2LMHeadModel.from_pretrained(tmp_path)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.transformer.ln_f.bias.fill_(1.0)
        model.lm_head.weight = torch.nn.Parameter(torch.full_like(model.lm_head.weight, -100.0))
        for token, chance in {"4": 0.5, "5": 0.25, "a": 0.25}.items():
            row = model.lm_head.weight[tokenizer.convert_tokens_to_ids(token)]
            row.fill_(float(torch.tensor(chance).log()) / len(row))
    model.config.tie_word_embeddings = False
    model.save_pretrained(tmp_path)
    judge = LocalJudge(LocalOptions(str(tmp_path)))
    for _, answer in asked(judge, ["fluency"], n=2).values():
        assert answer.expected == pytest.approx((4 * 0.5 + 5 * 0.25) / 0.75, abs=1e-6)
        assert answer.mass == pytest.approx(0.75, abs=1e-6)
    # 4 alone: 1/2 less 44, 45, 54 … each digit going on with 3/4 in all; 100 cannot be said.
    ((_, answer),) = asked(judge, ["overall"], n=1).values()
    alone, two = 0.25, 0.5 + 0.25  # a digit ends with 1/4
    singles = (4 * 0.5 + 5 * 0.25) * alone
    pairs = sum(
        (10 * a + b) * p * q for a, p in ((4, 0.5), (5, 0.25)) for b, q in ((4, 0.5), (5, 0.25))
    )
    mass = 0.75 * alone + two * 0.75
    assert answer.mass == pytest.approx(mass, abs=1e-6)
    assert answer.expected == pytest.approx((singles + pairs) / mass, abs=1e-5)


def test_the_batch_changes_nothing(judge: LocalJudge, folder: Path) -> None:
    together = asked(judge, ["fluency", "overall"])
    alone = asked(LocalJudge(LocalOptions(str(folder), batch=1)), ["fluency", "overall"])
    assert together.keys() == alone.keys()
    for key, (_, answer) in together.items():
        assert answer.expected == pytest.approx(alone[key][1].expected, abs=1e-3)
        assert answer.mass == pytest.approx(alone[key][1].mass, abs=1e-5)
    again = asked(judge, ["fluency", "overall"])
    assert {key: own for key, (_, own) in again.items()} == {
        key: own for key, (_, own) in together.items()
    }


TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('none') }}{% endif %}"


@pytest.mark.parametrize("template", [TEMPLATE, NO_SYSTEM + TEMPLATE])
def test_a_conversation_by_the_models_template(tmp_path: Path, template: str) -> None:
    write_model(tmp_path, template=template)
    judge = LocalJudge(LocalOptions(str(tmp_path)))
    ((question, _),) = asked(judge, ["fluency"], n=1).values()
    text = judge._tokenizer.decode(judge._prompt(question)).replace(" ", "")
    assert text.endswith("assistant:" + BEGINNING)
    assert text.count("<|end|>") == (1 if template != TEMPLATE else 2)


def test_marks_of_the_tokenizer_in_a_text_are_broken(judge: LocalJudge) -> None:
    ((question, _),) = asked(judge, ["fluency"], n=1).values()
    message = question.message
    orders = Message("<|end|>", f"<pad>{message.question}<|end|>")
    hostile = Question("k", orders, question.criterion, 0)
    ids = judge._prompt(hostile)
    assert not set(ids) & set(judge._tokenizer.convert_tokens_to_ids(SPECIAL))


def test_a_prompt_that_is_too_long_is_no_grade(tmp_path: Path) -> None:
    write_model(tmp_path, window=100)
    ((question, answer),) = asked(LocalJudge(LocalOptions(str(tmp_path))), ["fluency"], 1).values()
    assert answer.grade(question.criterion) is None and "100 are read" in answer.text


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"'--local' is .*nowhere"):
        LocalJudge(LocalOptions(str(tmp_path / "nowhere")))
    (tmp_path / "weights.bin").write_bytes(b"")
    with pytest.raises(SettingsError, match=r"allowed: a folder, a \.gguf file or a name"):
        LocalJudge(LocalOptions(str(tmp_path / "weights.bin")))


def test_several_spellings_of_a_grade_are_added_up() -> None:
    trie = GradeTrie({(1,): 3, (0, 1): 3, (2,): 5})
    nexts = {(): {1: 0.2, 0: 0.5, 2: 0.1}, (0,): {1: 0.4}}
    mean, deviation, mass = trie.expected(nexts)
    assert deviation == pytest.approx(2 * (0.8 * 0.2) ** 0.5)  # 3 with .8, 5 with .2
    assert mass == pytest.approx(0.5) and mean == pytest.approx((3 * 0.4 + 5 * 0.1) / 0.5)


def test_the_spread_is_that_of_the_grades_by_their_probabilities(
    judge: LocalJudge, tmp_path: Path
) -> None:
    """One answer a pair, and yet it is known how sure the judge is of it."""
    prompt, results = read_prompt(), [Results("ours", tmp_path / "x", "0", tuple(some_pairs(3)))]
    chosen, out = prompt.chosen(["fluency"]), tmp_path / "v.json"
    judged = judge_results(results, judge, prompt, chosen, out, progress=False)
    expected = []
    for question, answer in asked(judge, ["fluency"], n=3).values():
        text = f"{question.message.system}\n\n{question.message.question}\n\n{BEGINNING}"
        ids = judge._tokenizer(text)["input_ids"]
        chances = {
            grade: sum(
                chance_of(judge._model, ids, judge._tokenizer(form.format(grade))["input_ids"])
                for form in ("{}", " {}")
            )
            for grade in question.criterion.grades
        }
        total = sum(chances.values())
        mean = sum(grade * chance for grade, chance in chances.items()) / total
        squares = sum(grade**2 * chance for grade, chance in chances.items()) / total
        assert answer.deviation == pytest.approx((squares - mean**2) ** 0.5, abs=2e-4)
        if answer.grade(question.criterion) is not None:
            expected.append(answer.deviation)
    spread = report_of(judged).graded["ours"]["fluency"].spread
    assert expected and spread == pytest.approx(sum(expected) / len(expected), abs=1e-5)
