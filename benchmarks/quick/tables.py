"""The small version of each table: what runs for it, and where its figures are found.

Every table is of the program or specification that its full version in ``docs/results.md`` names,
on a smaller drawing, with fewer epochs, one seed, and where that is costly fewer rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.quick import ROOT, sources
from benchmarks.quick.data import COMPOSITE, GENERIC, GIVEN, OTHERS, WORLD, XREC, Place
from benchmarks.quick.judging import Figures
from benchmarks.quick.processes import Call
from recbole_showcase.benchmark.plan import cells_of, run_of
from recbole_showcase.benchmark.spec import BenchmarkSpec, Choice, read_spec
from recbole_showcase.benchmark.summary import Summary

EPOCHS = 8
OF_OTHERS = "features of other items"


@dataclass(frozen=True)
class _Table:
    """What every table has.

    Attributes:
        heading: In ``docs/results.md``.
        part: Which of several tables under it, or of which data, "" for the first.
        data: The data sets that it is of.
        lacks: What of the full table is not made, and why.
    """

    heading: str
    part: str = field(default="", kw_only=True)
    data: tuple[str, ...] = field(default=(WORLD,), kw_only=True)
    lacks: str = field(default="", kw_only=True)

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return f"{self.heading}: {self.part}" if self.part else self.heading

    @property
    def is_given(self) -> bool:
        """Whether its data is not in the checkout."""
        return any(name in GIVEN for name in self.data)

    def place(self, place: Place) -> Place:
        """Where its runs lie."""
        return place.of(self.data[0])


@dataclass(frozen=True)
class Program(_Table):
    """A table of one of the programs.

    Attributes:
        calls: What to call for a seed.
        figures: The table, from what the calls found, in their order.
        pairs: Test pairs that it rests on, from the same.
        exact: Rows that are identities.
    """

    calls: Callable[[Place, int], Sequence[Call]]
    figures: Callable[[Sequence[Mapping[str, Any]]], Figures]
    pairs: Callable[[Sequence[Mapping[str, Any]]], int]
    exact: tuple[str, ...] = ()


@dataclass(frozen=True)
class Specification(_Table):
    """A table of ``recbole-showcase benchmark``.

    Attributes:
        file: In ``examples/benchmarks``.
        axis: That tells rows apart.
        rows: Labels of that axis, all where there are none.
        only: Values of other axes, such as ``base=BPR``.
        settings: Above those of the file.
        basis: What the figures rest on, as a run's record has it.
        of_others: The row that is trained once more, with the features of other items.
        why: Why the others of the rows are not made.
    """

    file: str
    axis: str
    rows: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    basis: str = "explained"
    of_others: str = ""
    why: str = "which would take long"

    @property
    def left_out(self) -> list[str]:
        """Rows, and values of other axes, that are not made."""
        full = read_spec(ROOT / "examples" / "benchmarks" / self.file)
        small = full.only(self._wanted())
        return [
            choice.label
            for axis, choices in full.axes.items()
            for choice in choices
            if axis != "dataset" and choice not in small.axes[axis]
        ]

    def _wanted(self) -> list[str]:
        return [*(f"{self.axis}={row}" for row in self.rows), *self.only]

    def small(self, place: Place, seeds: Sequence[int]) -> BenchmarkSpec:
        """The specification with a smaller data set, fewer rows, epochs and seeds."""
        spec = read_spec(ROOT / "examples" / "benchmarks" / self.file).only(self._wanted())
        (name,) = self.data
        data = place.dataset(name)
        lexicon = data / f"{name}.truth" / "dishes.txt"
        # Of several data sets the one that is drawn, or is named like what is given.
        known = spec.axes["dataset"]
        old = next((c for c in known if c.name == name), known[0])
        datasets = [Choice(name=name, label=name, settings=old.settings)]
        settings = spec.settings | {"data_path": str(data.parent), "epochs": EPOCHS}
        if "showcase_lexicon" in settings:
            settings["showcase_lexicon"] = str(lexicon)
        return spec.model_copy(
            update={
                "name": f"{spec.name}-{name}",
                "axes": spec.axes | {"dataset": datasets},
                "seeds": list(seeds),
                "settings": settings | self.settings,
                "columns": [column for column in spec.columns if column.lower() != "seconds"],
                "tune": None,
                "plot": None,
                "keep": False,
            }
        )

    def calls(self, place: Place, seed: int) -> list[Call]:
        """What is called beside the specification, for a seed."""
        if not self.of_others:
            return []
        spec = self.small(place, [seed]).only([f"{self.axis}={self.of_others}"])
        (cell,) = cells_of(spec)
        kept = place.work / f"call-others-{spec.name}-{seed}.json"
        return [Call(kept, sources.features_of_others, (run_of(cell, seed), spec.columns))]

    def figures(self, summary: Summary, seed: int) -> Figures:
        """The table of a seed; a run that failed or is not there has no figures."""
        return {
            row.labels[self.axis]: {
                name: of.values[seed] for name, of in row.figures.items() if seed in of.values
            }
            for row in summary.rows
        }

    def pairs(self, summary: Summary) -> int:
        """Test pairs that its figures rest on, the fewest of any run."""
        found = [o.record.rests_on.get(self.basis, 0) for o in summary.outcomes if o.record]
        return min((number for number in found if number), default=1)


Table = Program | Specification

# The 2,000 pairs of the full tables are 1,000 here, seen twice.
_XREC: Mapping[str, Any] = {"epochs": 2, "eval_step": 2}
# No search: a setting of those that are searched.
_SEEING: Mapping[str, Any] = {"epochs": 20, "learning_rate": 0.01, "weight_decay": 0.0001}

TABLES: tuple[Table, ...] = (
    Program("Joint training on the demo world", *sources.JOINT, exact=("ShowcaseBPR - BPR",)),
    Program("Selection, at 3 photos", *sources.SELECTION),
    Program("Generation: inputs", *sources.claims_table("Generation: inputs")),
    Program("Losses", *sources.claims_table("Losses")),
    Program(
        "Joint against separate",
        *sources.claims_table("Joint against separate"),
        lacks="the two rows whose epoch NDCG chooses, as it does in the table of joint training",
    ),
    Specification(
        "Losses and inputs where reviews are as generic as real ones",
        "generic_worlds.yaml",
        "explainer",
        ("cross-entropy alone", "both losses", "photos alone", "reviews alone"),
        settings={"eval_step": EPOCHS},
        data=(GENERIC,),
    ),
    Specification(
        "The personal loss on real pairs",
        "xrec_losses.yaml",
        "losses",
        settings=_XREC,
        data=(XREC,),
    ),
    Program("What the losses can be brought down by", *sources.CONTRAST_TRACE),
    Specification(
        "Explainers on the demo world",
        "demo_explainers.yaml",
        "explainer",
        ("showcase", "show_and_tell", "img_gpt2", "att2seq", "peter", "pepler"),
    ),
    Specification(
        "What each source gives to a text",
        "demo_reading.yaml",
        "explainer",
        (
            "showcase",
            "sentences as both",
            "sentences as both without the past",
            "prefix_lm with words",
        ),
    ),
    Program(
        "Quoting on the demo world",
        *sources.quoting_on(WORLD),
        lacks="the row of showcase, which is of the table of explainers",
    ),
    Program(
        "Quoting on the demo world",
        *sources.quoting_on(*OTHERS),
        part="other drawings",
        data=OTHERS,
        lacks="a third drawing, and the row of showcase, which is of the table of losses",
    ),
    Specification("Ways to choose photos on the demo world", "demo_selectors.yaml", "selection"),
    Specification(
        "Text explainers on the data released with XRec",
        "xrec_google.yaml",
        "explainer",
        ("showcase", "att2seq", "nrt"),
        ("base=BPR",),
        _XREC,
        data=(XREC,),
    ),
    Specification(
        "Reading the profiles as words",
        "xrec_reading.yaml",
        "explainer",
        ("prefix_lm", "reads the item", "reads user and item"),
        settings=_XREC,
        data=(XREC,),
        why="whose weights are not in the checkout, and which takes 14 minutes",
        lacks="the texts released with XRec, which are not in the checkout, and the table of as "
        "many pairs, which is of SmolLM2 alone",
    ),
    Specification(
        "Real files",
        "google_local_variants.yaml",
        "variant",
        ("random", "both profiles", "learned + DPP", "photos", "reviews"),
        settings={"epochs": 2, "eval_step": 2},
        data=(COMPOSITE,),
    ),
    Specification(
        "Does seeing help",
        "seeing.yaml",
        "base",
        settings=_SEEING,
        basis="rows",
        of_others="FREEDOM",
    ),
    Specification(
        "Does seeing help",
        "seeing.yaml",
        "base",
        ("BPR", "LightGCN", "VBPR", "FREEDOM"),
        settings=_SEEING,
        basis="rows",
        of_others="FREEDOM",
        part="composite",
        data=(COMPOSITE,),
        why="which on these files learns with some seeds only, so its spread would hide others",
    ),
    Program(
        "Photos as explanation",
        *sources.AUTHORSHIP,
        lacks="the figures of papers, which are of other data",
    ),
    Program("Learned relevance under other encoders", *sources.relevance_under(*sources.ENCODERS)),
    Program(
        "Learned relevance under other encoders",
        *sources.REAL_PHOTOS,
        part="real photos",
        data=(COMPOSITE,),
    ),
)
