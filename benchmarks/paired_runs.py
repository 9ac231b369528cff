"""The arms of a benchmark against one of them, run by run.

    python -m benchmarks.paired_runs benchmark-NAME --baseline "explainer=cross-entropy alone"

Two runs make a pair if they have the data set, the seed and all other axes in common. For every
metric of ``runs.csv`` that is asked for: the mean difference from the baseline with its standard
deviation over the pairs, Cohen's d of the differences (their mean over their standard deviation),
and p of the paired t test, raw and by Holm over all rows of the table. So it judges what no
bootstrap over users can, USR and Distinct, and counts the chance of seeds and drawings, not that of
users.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import ttest_rel

from recbole_showcase.metrics import holm


def compared(runs: pd.DataFrame, axis: str, baseline: str, metrics: list[str]) -> pd.DataFrame:
    """A row for each arm and metric.

    Args:
        runs: ``runs.csv``; runs that failed are left out.
        axis: The column that tells arms apart.
        baseline: The arm to compare with.
        metrics: Columns.
    """
    runs = runs[runs["status"] == "done"]
    others = [a for a in runs.columns[: runs.columns.get_loc("seed") + 1] if a != axis]
    rows = []
    for arm in dict.fromkeys(runs[axis]):
        if arm == baseline:
            continue
        pairs = runs[runs[axis] == arm].merge(runs[runs[axis] == baseline], on=others)
        for metric in metrics:
            one, other = pairs[f"{metric}_x"], pairs[f"{metric}_y"]
            change = (one - other).to_numpy(dtype=float)
            spread = float(np.std(change, ddof=1)) if len(change) > 1 else np.nan
            p = float(ttest_rel(one, other).pvalue) if spread > 0 else np.nan
            rows.append((arm, metric, len(pairs), other.mean(), change.mean(), spread,
                         change.mean() / spread if spread > 0 else np.nan, p))  # fmt: skip
    heads = ["arm", "metric", "pairs", "baseline", "difference", "std", "d", "p"]
    table = pd.DataFrame(rows, columns=heads)
    table["p holm"] = holm(table["p"].tolist())
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="BENCHMARK")
    parser.add_argument("--baseline", required=True, metavar="AXIS=LABEL")
    parser.add_argument("--metrics", nargs="+", required=True)
    given = parser.parse_args()
    axis, _, label = given.baseline.partition("=")
    runs = pd.read_csv(given.folder / "runs.csv")
    table = compared(runs, axis, label, [metric.lower() for metric in given.metrics])
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))


if __name__ == "__main__":
    main()
