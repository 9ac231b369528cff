"""The small version of each table: what runs for it, and where its figures are found.

Every table is of the program or specification that its full version in ``docs/results.md`` names,
on a smaller drawing, with fewer epochs, one seed, and where that is costly fewer rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.quick import ROOT, sources
from benchmarks.quick.judging import Figures
from benchmarks.quick.processes import Call
from recbole_showcase.benchmark.spec import BenchmarkSpec, Choice, read_spec
from recbole_showcase.benchmark.summary import Summary

EPOCHS = 8


@dataclass(frozen=True)
class Place:
    """Where the small version lies.

    Attributes:
        work: Folder of the runs of this code.
        world: ``DATA/NAME`` of the drawing; beside it lies that with generic reviews.
        given: Folder of the data sets that are not in the checkout, or None.
    """

    work: Path
    world: Path
    given: Path | None = None

    @property
    def generic(self) -> Path:
        """``DATA/NAME`` of the drawing whose reviews are as generic as real ones."""
        return self.world.with_name(f"world-{sources.GENERIC['seed']}")


@dataclass(frozen=True)
class Program:
    """A table of one of the programs.

    Attributes:
        heading: In ``docs/results.md``.
        calls: What to call for a seed.
        figures: The table, from what the calls found, in their order.
        pairs: Test pairs that it rests on, from the same.
        exact: Rows that are identities.
        lacks: What of the full table is not made.
    """

    heading: str
    calls: Callable[[Place, int], Sequence[Call]]
    figures: Callable[[Sequence[Mapping[str, Any]]], Figures]
    pairs: Callable[[Sequence[Mapping[str, Any]]], int]
    exact: tuple[str, ...] = ()
    lacks: str = ""


@dataclass(frozen=True)
class Specification:
    """A table of ``recbole-showcase benchmark``.

    Attributes:
        heading: In ``docs/results.md``.
        file: In ``examples/benchmarks``.
        axis: That tells rows apart.
        rows: Labels of that axis, all where there are none.
        only: Values of other axes, such as ``base=BPR``.
        settings: Above those of the file.
        data: The data set of the table where it is not in the checkout, "" for a drawing.
        generic: Whether that is the drawing with generic reviews.
        basis: What the figures rest on, as a run's record has it.
        lacks: What of the full table is not made.
    """

    heading: str
    file: str
    axis: str
    rows: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: str = ""
    generic: bool = False
    basis: str = "explained"
    lacks: str = ""

    def small(self, place: Place, seeds: Sequence[int]) -> BenchmarkSpec:
        """The specification with a smaller data set, fewer rows, epochs and seeds."""
        path = ROOT / "examples" / "benchmarks" / self.file
        rows = [f"{self.axis}={row}" for row in self.rows]
        spec = read_spec(path).only([*rows, *self.only])
        drawn = place.generic if self.generic else place.world
        data = place.given / self.data if self.data and place.given else drawn
        lexicon = data / f"{data.name}.truth" / "dishes.txt"
        # Of several data sets the one that is drawn, or is named like what is given.
        known = spec.axes["dataset"]
        old = next((c for c in known if c.name == self.data), known[0])
        datasets = [Choice(name=data.name, label=data.name, settings=old.settings)]
        settings = spec.settings | {"data_path": str(data.parent), "epochs": EPOCHS}
        if "showcase_lexicon" in settings:
            settings["showcase_lexicon"] = str(lexicon)
        return spec.model_copy(
            update={
                "name": f"{spec.name}-{data.name}",
                "axes": spec.axes | {"dataset": datasets},
                "seeds": list(seeds),
                "settings": settings | self.settings,
                "columns": [column for column in spec.columns if column.lower() != "seconds"],
                "tune": None,
                "plot": None,
            }
        )

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

TABLES: tuple[Table, ...] = (
    Program("Joint training on the demo world", *sources.JOINT, exact=("ShowcaseBPR - BPR",)),
    Program("Selection, at 3 photos", *sources.SELECTION),
    Program("Generation: inputs", *sources.claims_table("Generation: inputs")),
    Program("Losses", *sources.claims_table("Losses")),
    Program("Joint against separate", *sources.claims_table("Joint against separate")),
    Specification(
        "Losses and inputs where reviews are as generic as real ones",
        "generic_worlds.yaml",
        "explainer",
        ("cross-entropy alone", "both losses", "photos alone", "reviews alone"),
        settings={"eval_step": EPOCHS},
        generic=True,
    ),
    Specification(
        "The personal loss on real pairs",
        "xrec_losses.yaml",
        "losses",
        settings={"epochs": 4},
        data="xrec-google",
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
    Program("Quoting on the demo world", *sources.QUOTING, lacks="the table of three drawings"),
    Specification("Ways to choose photos on the demo world", "demo_selectors.yaml", "selection"),
    Specification(
        "Text explainers on the data released with XRec",
        "xrec_google.yaml",
        "explainer",
        ("showcase", "att2seq", "nrt"),
        ("base=BPR",),
        {"epochs": 4},
        data="xrec-google",
    ),
    Specification(
        "Reading the profiles as words",
        "xrec_reading.yaml",
        "explainer",
        ("prefix_lm", "reads the item", "reads user and item"),
        settings={"epochs": 4},
        data="xrec-google",
        lacks="the row of SmolLM2, whose weights are not in the checkout",
    ),
    Specification(
        "Real files",
        "google_local_variants.yaml",
        "variant",
        ("random", "both profiles", "learned + DPP", "photos", "reviews"),
        settings={"epochs": 4},
        data="composite",
    ),
    Specification(
        "Does seeing help",
        "seeing.yaml",
        "base",
        # No search: a setting of those that are searched.
        settings={"epochs": 20, "learning_rate": 0.01, "weight_decay": 0.0001},
        basis="rows",
        lacks="columns of composite, whose features are of an encoder that is not in the checkout, "
        "and the row of features of other items",
    ),
    Program("Photos as explanation", *sources.AUTHORSHIP, lacks="the figures of papers"),
    Program(
        "Learned relevance under other encoders",
        *sources.RELEVANCE,
        lacks="the row of real photos, whose encoder is not in the checkout",
    ),
)
