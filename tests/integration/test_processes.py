"""Runs of several processes: they know composed models, and their figures are those of one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo_world import WorldSettings, draw_world, write_world
from recbole_showcase.encoders import embed_dataset
from tests.processes import free_port, run_python
from tests.tiny import TinyWorld

# METEOR needs WordNet, and these two a pretrained language model.
WITH_DOWNLOADS = {"METEOR", "BERTScore", "MAUVE"}
SMALL = WorldSettings(seed=6, n_users=41, n_items=16, reviews_mean=6.0, share_with_photos=0.9)
TRAIN = """
import json, sys
if __name__ == "__main__":
    import recbole_showcase
    from recbole.quick_start import run
    model, dataset, config, port = json.loads(sys.argv[1])
    result = run(model, dataset, config_dict=config, nproc=2, port=port)
    figures = {key: float(value) for key, value in result["test_result"].items()}
    print("FIGURES", json.dumps(figures))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TinyWorld:
    """A drawing of the demo world: its features are of an encoder that reads texts as well."""
    folder = tmp_path_factory.mktemp("drawings") / "small"
    write_world(draw_world(SMALL), folder)
    embed_dataset(folder, progress=False)
    return TinyWorld(folder.parent, folder.name, {})


def _metrics() -> list[str]:
    import recbole.evaluator  # noqa: F401 - registers

    from recbole_showcase.integration.metrics import METRICS

    return ["Recall", "MRR", *(name for name in METRICS if name not in WITH_DOWNLOADS)]


def test_every_metric_is_that_of_one_process(world: TinyWorld, tmp_path: Path) -> None:
    """A guarded import runs in the parent only; the children know the model all the same."""
    metrics = _metrics()
    config = world.config(
        tmp_path,
        epochs=1,
        showcase_encoder="showcase-tiny",
        showcase_relevance="random",  # so that some hits have right photos and some have not
        showcase_selector="topk",
        metrics=metrics,
        topk=[2, 5],
    )
    (tmp_path / "train.py").write_text(TRAIN)
    given = json.dumps(["ShowcaseBPR", world.name, config, str(free_port())])
    output = run_python("-W", "ignore", "train.py", given, cwd=tmp_path)
    figures = json.loads(output.split("FIGURES")[1].splitlines()[0])
    assert {key.partition("@")[0] for key in figures} == {name.lower() for name in metrics}
    assert 0 < figures["explainedhitphotos@5"] < 1
    assert figures == pytest.approx(_result_in_one_process(tmp_path), abs=1e-12, nan_ok=True)


def _result_in_one_process(work: Path) -> dict[str, float]:
    """The test figures of the checkpoint that a run left, without other processes."""
    from recbole.quick_start import load_data_and_model
    from recbole.utils import get_trainer

    (path,) = (work / "saved").glob("*.pth")
    config, model, _, train, _, test = load_data_and_model(str(path))
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    trainer.eval_collector.data_collect(train)
    result = trainer.evaluate(test, load_best_model=False)
    return {name: float(value) for name, value in result.items()}
