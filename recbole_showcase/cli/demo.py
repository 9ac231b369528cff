"""``recbole-showcase demo``: the main job on the embedded demo, from photos to a gallery."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from recbole_showcase import console
from recbole_showcase.arguments import check_out
from recbole_showcase.errors import DataError, SettingsError

NAME = "showcase-demo"


def demo(
    out: Annotated[Path, typer.Option(help="Folder for data, checkpoint and gallery.")] = Path(
        "showcase-demo"
    ),
    model: Annotated[str, typer.Option(help="Showcase<any RecBole model>.")] = "ShowcaseBPR",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the training.")] = 2020,
    users: Annotated[int, typer.Option(min=1, help="Users in the gallery.")] = 8,
) -> None:
    """Train a joint recommender on the embedded demo, evaluate it, and write a gallery."""
    check_out(out)
    _check_model(model)
    out.mkdir(parents=True, exist_ok=True)
    out = out.resolve()
    _say("1/4", "copying the demo data set")
    dataset = copy_demo(out / "data")
    _say("2/4", "encoding its photos and reviews with the tiny CLIP that ships with the package")
    from recbole_showcase.encoders import embed_dataset

    embed_dataset(dataset, sentences=True)
    _say("3/4", f"training and testing {model}: recommender and explainer together")
    checkpoint, result = _train(out, model, seed)
    _say("4/4", "writing the gallery")
    page = _gallery(out, checkpoint, users)
    _report(result, checkpoint, page)


def copy_demo(data_path: Path) -> Path:
    """Copy the demo data set, whole or not at all, unless it is there.

    Args:
        data_path: Folder that holds data sets.

    Returns:
        The data set's folder.

    Raises:
        DataError: If something else is in its place, or it cannot be written there.
    """
    from recbole_showcase.files.replace import replaced_folder
    from recbole_showcase.resources import dataset_atomic_path

    target = data_path / NAME
    if target.exists():
        if not (target / f"{NAME}.inter").is_file():
            raise DataError(f"'{target}' is there and is not the demo data set; name another --out")
        return target
    try:
        with replaced_folder(target) as partial:
            shutil.copytree(dataset_atomic_path() / NAME, partial, dirs_exist_ok=True)
    except shutil.Error as error:  # one for each file that could not be copied
        raise DataError(f"{target} cannot be written: {error.args[0][0][2]}") from error
    return target


def _check_model(model: str) -> None:
    """Refuse a model that explains nothing, or that there is not, before anything is done.

    Raises:
        SettingsError: If it explains nothing; names what is allowed.
        RegistrationError: If there is no such model.
    """
    from recbole.utils import get_model

    from recbole_showcase.integration.hooks import PREFIX

    if not model.startswith(PREFIX):
        raise SettingsError(f"--model is '{model}', which explains nothing; try {PREFIX}{model}")
    get_model(model)


def _train(out: Path, model: str, seed: int) -> tuple[Path, dict[str, float]]:
    """Run RecBole's own quick start in the output folder, where its logs go."""
    from recbole.quick_start import run_recbole

    from recbole_showcase.integration.checkpoint import clean_argv
    from recbole_showcase.resources import properties_path

    settings: dict[str, Any] = {
        "data_path": str(out / "data"),
        "checkpoint_dir": str(out / "saved"),
        "seed": seed,
        "show_progress": console.has_bars(),
        "state": "debug" if console.is_verbose() else "info",
    }
    known = set((out / "saved").glob("*.pth"))
    with contextlib.chdir(out), clean_argv():
        result = run_recbole(
            model=model,
            dataset=NAME,
            config_file_list=[str(properties_path() / "demo.yaml")],
            config_dict=settings,
        )
    (checkpoint,) = set((out / "saved").glob("*.pth")) - known
    return checkpoint, result["test_result"]


def _gallery(out: Path, checkpoint: Path, users: int) -> Path:
    from recbole_showcase.cli.gallery import gallery

    page = out / "gallery.html"
    gallery(checkpoint, out=page, n_users=users, title="Personalized showcases: the demo world")
    return page


def _report(result: dict[str, float], checkpoint: Path, page: Path) -> None:
    """Print the figures and where everything is."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Test split", title_justify="left")
    table.add_column("metric")
    table.add_column("value", justify="right")
    for name, value in result.items():
        table.add_row(name, f"{value:.4f}")
    result_of = Console()
    result_of.print(table)
    result_of.print(f"checkpoint: {checkpoint}", soft_wrap=True, highlight=False)
    result_of.print(f"gallery:    {page}", soft_wrap=True, highlight=False)


def _say(step: str, what: str) -> None:
    console.say(f"\n[{step}] {what}")
