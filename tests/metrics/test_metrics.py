"""The contract that metrics of others are held to, over every metric of the package."""

from __future__ import annotations

from recbole_showcase.evaluation.table import ROWS
from recbole_showcase.testing import MetricContract

# Those that read texts with a model or with data that is not installed have tests of their own.
OUTSIDE = {"BERTScore", "BERTScoreRescaled", "MAUVE", "METEOR"}
OUTSIDE |= {"BARTScore", "BARTScorePrecision", "BARTScoreRecall"}
OUTSIDE |= {"StatementPrecision", "StatementRecall", "EvidencePrecision", "EvidenceRecall"}

for _row in ROWS:
    if _row.name not in OUTSIDE:
        globals()[f"Test_{_row.name}"] = type(
            f"Test_{_row.name}", (MetricContract,), {"metric": _row.name}
        )
