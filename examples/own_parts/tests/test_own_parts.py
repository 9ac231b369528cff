"""The contracts that the package holds its own parts to."""

from own_parts import First, Newest, PhotoGRU

from recbole_showcase.testing import (
    ExplainerContract,
    MetricContract,
    RelevanceContract,
    SelectorContract,
)


class TestPhotoGRU(ExplainerContract):
    part = PhotoGRU


class TestNewest(RelevanceContract):
    part = Newest


class TestFirst(SelectorContract):
    part = First


class TestMeanWords(MetricContract):
    metric = "MeanWords"
