"""Contracts of parts, to test one's own by; pytest runs their methods.

    from recbole_showcase.testing import ExplainerContract

    class TestMine(ExplainerContract):
        part = MyExplainer

A part is built with the defaults of its ``Settings`` and what ``settings`` changes; nothing else is
assumed of them. A metric is named: ``metric = "MeanWords"``.
"""

from __future__ import annotations

from recbole_showcase.testing.explainers import ExplainerContract
from recbole_showcase.testing.metrics import MetricContract
from recbole_showcase.testing.relevance import RelevanceContract
from recbole_showcase.testing.selectors import SelectorContract

__all__ = ["ExplainerContract", "MetricContract", "RelevanceContract", "SelectorContract"]
