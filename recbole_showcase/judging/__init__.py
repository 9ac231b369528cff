"""Explanations graded by a language model and by people: what is asked, kept, compared and shown.

A judge on this machine is in ``judging.local`` and the held-out pairs of a model in
``judging.held_out``, which load torch.
"""

from recbole_showcase.judging.agreement import (
    Agreement,
    agreement_of,
    read_ratings,
    write_agreement,
)
from recbole_showcase.judging.asking import Judge
from recbole_showcase.judging.endpoint import EndpointJudge, EndpointOptions
from recbole_showcase.judging.job import answers_file, judge_results
from recbole_showcase.judging.pairs import Pair, Results, write_pairs
from recbole_showcase.judging.prompts import read_prompt
from recbole_showcase.judging.reading import read_all, read_results
from recbole_showcase.judging.report import read_grades, report_of, write_verdicts
from recbole_showcase.judging.sheets import KEY, read_key, write_sheets
from recbole_showcase.judging.tables import LEGEND, agreement_tables, verdict_tables

__all__ = [
    "KEY",
    "LEGEND",
    "Agreement",
    "EndpointJudge",
    "EndpointOptions",
    "Judge",
    "Pair",
    "Results",
    "agreement_of",
    "agreement_tables",
    "answers_file",
    "judge_results",
    "read_all",
    "read_grades",
    "read_key",
    "read_prompt",
    "read_ratings",
    "read_results",
    "report_of",
    "verdict_tables",
    "write_agreement",
    "write_pairs",
    "write_sheets",
    "write_verdicts",
]
