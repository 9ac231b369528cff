"""``recbole-showcase explain``: showcases of many users or pairs, written to a folder."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recbole_showcase.cli.checkpoints import AllowPath, DataPath, Device, PhotoFolder
from recbole_showcase.cli.engines import EngineOption, Place, RayAddressOption
from recbole_showcase.engines import choose_engine
from recbole_showcase.errors import SettingsError, interrupt_note, one_line

if TYPE_CHECKING:
    from recbole_showcase.offline import Account

_NAMED = 3


class Form(StrEnum):
    """How parts are written."""

    parquet = "parquet"
    jsonl = "jsonl"


class What(StrEnum):
    """What users are explained by."""

    training = "training"
    now = "now"


def explain(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint that training saved.")],
    out: Annotated[Path, typer.Option(help="Folder to write to, new or of a run to continue.")],
    users: Annotated[
        Path | None,
        typer.Option(
            help="File of users, with a column 'user': .csv, .parquet or .jsonl. "
            "Without it and --pairs: all users."
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(help="File of pairs to explain, with columns 'user' and 'item'."),
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Recommendations per user (default 5).")
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="Of the parts that are written.")
    ] = Form.parquet,
    batch: Annotated[
        int, typer.Option(min=1, help="Users, or given pairs, that are explained together.")
    ] = 128,
    part_rows: Annotated[
        int, typer.Option(min=1, help="A part ends with the batch that brings it to so many rows.")
    ] = 10_000,
    data_path: DataPath = None,
    allow_path: AllowPath = None,
    known: Annotated[
        What,
        typer.Option(
            help="What users are explained by: what the run was trained on and what came since, or "
            "all that the files hold now, what the run held out included."
        ),
    ] = What.training,
    photos: PhotoFolder = None,
    device: Device = None,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes that share the work, each with the model: 1 on this machine, and on a "
            "cluster as many as it has cores, unless given.",
        ),
    ] = None,
    engine: EngineOption = Place.local,
    ray_address: RayAddressOption = None,
) -> None:
    """Write showcases of all users, of a list of users, or of given pairs.

    Run it again after an interruption: it goes on behind the last part that was written.
    """
    if pairs is not None and users is not None:
        raise SettingsError("--users and --pairs both say what to explain; give one")
    if pairs is not None and top is not None:
        raise SettingsError("--top is of users; --pairs names the items")
    chosen = choose_engine(engine.value, processes, ray_address)
    with interrupt_note(lambda: _kept(out)):
        from recbole_showcase.offline import OfflineOptions, write_showcases

        account = write_showcases(
            checkpoint,
            out,
            users,
            pairs,
            OfflineOptions(top or 5, form.value, batch, part_rows, known.value),
            device=device,
            photo_folder=photos,
            data_path=data_path,
            allow_paths=allow_path or (),
            engine=chosen,
        )
    typer.echo(f"data: {account.data_folder}" + ", where the checkpoint says" * (data_path is None))
    for line in account_lines(account):
        typer.echo(line)


def _kept(out: Path) -> str:
    """What an interruption left in the folder."""
    if any(out.glob("part-*")):
        return "the parts that are written are kept: the same command goes on"
    return "no part was written yet"


def account_lines(account: Account) -> list[str]:
    """What a run did, in a few lines; of what is not known the first three by name."""
    done = account.progress
    lines = []
    for kind, found in done.unknown.items():
        names = ", ".join(f"'{one_line(name)}'" for name in found.first[:_NAMED])
        more = ", …" * (found.count > _NAMED)
        what = kind if kind.startswith("user without") else f"{kind} that the data set has not"
        lines.append(f"left out, {found.count} times a {what}: {names}{more}")
    if account.was_complete:
        lines.append("complete already: nothing was explained")
    elif account.began_with:
        lines.append(f"continued behind {account.began_with:,} showcases that were there")
    parts = f"{len(done.parts)} part{'s' * (len(done.parts) != 1)}"
    lines.append(f"{account.folder}: {done.rows:,} showcases in {parts}")
    return lines
