"""``recbole-showcase judge``: texts graded by a language model and by people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recbole_showcase.arguments import check_device
from recbole_showcase.cli.checkpoints import AllowPath, DataPath, Device
from recbole_showcase.cli.help import WithDefault
from recbole_showcase.console import working
from recbole_showcase.errors import SettingsError, interrupt_note

if TYPE_CHECKING:
    from recbole_showcase.judging import Agreement, Judge

app = typer.Typer(
    cls=WithDefault,
    no_args_is_help=True,
    help="Have a language model, or people, grade texts; without a command's name: texts.",
)
ResultsArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="RESULTS...",
        help="Files of pairs, .jsonl or .parquet, or folders that 'explain' wrote; one a system.",
    ),
]
DatasetOption = Annotated[
    Path | None,
    typer.Option(help="The data set's folder, for folders that 'explain' wrote."),
]
CriterionOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="overall, faithfulness, personalisation or fluency; again for several. Default: all.",
    ),
]


@app.command()
def texts(
    results: ResultsArgument,
    out: Annotated[Path, typer.Option(help="JSON file to write; answers are kept beside it.")],
    local: Annotated[
        str | None,
        typer.Option(help="A model on this machine: its folder, a .gguf file, or a name."),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(help="Where an API like OpenAI's begins, such as http://127.0.0.1:8000/v1."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="The model's name at the endpoint.")] = None,
    key_variable: Annotated[
        str, typer.Option(help="Environment variable with the endpoint's key, if it wants one.")
    ] = "OPENAI_API_KEY",
    dataset: DatasetOption = None,
    criterion: CriterionOption = None,
    samples: Annotated[
        int, typer.Option(min=1, help="Answers to the same question, of an endpoint.")
    ] = 3,
    temperature: Annotated[float, typer.Option(min=0, help="Of an endpoint's sampling.")] = 0.7,
    seed: Annotated[int, typer.Option(min=0, help="Of an endpoint's sampling.")] = 0,
    max_tokens: Annotated[
        int, typer.Option(min=1, help="The longest answer; models that reason need thousands.")
    ] = 64,
    parallel: Annotated[int, typer.Option(min=1, help="Requests at a time.")] = 4,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that a request may take.")] = 60,
    attempts: Annotated[int, typer.Option(min=1, help="Attempts at a request.")] = 6,
    batch: Annotated[int, typer.Option(min=1, help="Prompts at a time, of a local model.")] = 4,
    device: Annotated[str, typer.Option(help="Of a local model, such as cpu or cuda:0.")] = "cpu",
) -> None:
    """Have a language model grade the texts of one system or several, and compare these.

    Run it again after an interruption: what was answered is not asked again.
    """
    if (local is None) == (endpoint is None):
        raise SettingsError("name the judge: --local MODEL, or --endpoint URL and --model NAME")
    if (endpoint is None) != (model is None):
        raise SettingsError("--endpoint and --model belong together; give both, or --local")
    with interrupt_note(lambda: _kept(out)):
        from recbole_showcase import judging
        from recbole_showcase.files.replace import require_writable

        require_writable(out)
        if local is not None:
            check_device(SettingsError, device)
        prompt = judging.read_prompt()
        criteria = prompt.chosen(criterion or ())
        read = judging.read_all(results, dataset)
        judge: Judge
        if endpoint is not None and model is not None:
            options = judging.EndpointOptions(
                endpoint,
                model,
                key_variable,
                temperature,
                samples,
                seed,
                max_tokens,
                parallel,
                timeout,
                attempts,
            )
            judge = judging.EndpointJudge(options)
        else:
            from recbole_showcase.judging.local import LocalJudge, LocalOptions

            judge = LocalJudge(LocalOptions(str(local), device, batch))
        judged = judging.judge_results(read, judge, prompt, criteria, out)
        report = judging.report_of(judged)
        judging.write_verdicts(judged, report, prompt, judge.identity(), out)
    _print(judging.verdict_tables(report), judging.LEGEND)
    cost = judged.cost
    untold = f"; {cost.untold:,} answers do not tell" * bool(cost.untold)
    typer.echo(
        f"{cost.answers:,} answers, {cost.asked:,} of them asked for now: {cost.prompt_tokens:,} "
        f"tokens read and {cost.completion_tokens:,} written{untold}"
    )
    typer.echo(f"written: {out}")


def _kept(out: Path) -> str:
    """What an interruption left beside the file of verdicts."""
    answers = out.with_suffix(".answers.jsonl")
    if answers.is_file() and answers.stat().st_size:
        return "the answers so far are kept: the same command goes on"
    return "nothing was answered yet"


@app.command()
def pairs(
    checkpoint: Annotated[Path, typer.Argument(help="Checkpoint that training saved.")],
    out: Annotated[Path, typer.Option(help="File to write, .jsonl.")],
    pairs: Annotated[
        int, typer.Option(min=0, help="The most pairs; 0: those that the test explained.")
    ] = 0,
    metric: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Metric whose value of each pair goes along; again."),
    ] = None,
    data_path: DataPath = None,
    allow_path: AllowPath = None,
    device: Device = None,
) -> None:
    """Write a model's texts of its test pairs, with true texts and evidence, to be judged."""
    if out.suffix != ".jsonl":
        raise SettingsError(f"--out is '{out}'; allowed: a name that ends with .jsonl")
    with interrupt_note(f"{out} was left as it was"):
        from recbole_showcase.files.replace import require_writable
        from recbole_showcase.judging import write_pairs
        from recbole_showcase.judging.held_out import held_out_pairs
        from recbole_showcase.recommender import load_explainer

        require_writable(out)
        with working("Loading the model and its data"):
            recommender = load_explainer(
                checkpoint, device, data_path=data_path, allow_paths=allow_path or ()
            )
        with working("Explaining"):
            found = held_out_pairs(recommender, most=pairs, metrics=metric or ())
        write_pairs(found, out)
    typer.echo(
        f"data: {recommender.data_folder}" + ", where the checkpoint says" * (data_path is None)
    )
    typer.echo(f"{out}: {len(found):,} pairs of {len({pair.user for pair in found}):,} users")


@app.command()
def sheets(
    results: ResultsArgument,
    out: Annotated[Path, typer.Option(help="Folder to write to, which must not be there.")],
    raters: Annotated[int, typer.Option(min=1, help="People who grade.")] = 3,
    pairs: Annotated[int, typer.Option(min=1, help="The most pairs, each by all systems.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw, the names and the orders.")] = 0,
    dataset: DatasetOption = None,
    criterion: CriterionOption = None,
) -> None:
    """Write sheets for people to grade by, as CSV and as a page, that do not tell the systems."""
    from recbole_showcase import judging

    prompt = judging.read_prompt()
    criteria = prompt.chosen(criterion or ())
    read = judging.read_all(results, dataset)
    count = judging.write_sheets(read, prompt, criteria, out, raters=raters, pairs=pairs, seed=seed)
    typer.echo(f"{out}: {count:,} pairs by {len(read)} system(s), for {raters} rater(s)")
    typer.echo(f"{out / judging.KEY} tells which text is whose: keep it from the raters")


@app.command()
def agreement(
    ratings: Annotated[
        list[Path], typer.Argument(metavar="RATINGS...", help="Filled-in CSV files, one a rater.")
    ],
    key: Annotated[Path, typer.Option(help="The key that the sheets were written with.")],
    judged: Annotated[
        Path | None, typer.Option(help="A judge's verdicts on the same results.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
) -> None:
    """Say how far raters agree with each other, with a judge, and with metrics of single pairs."""
    from recbole_showcase import judging
    from recbole_showcase.files.replace import require_writable

    if out is not None:
        require_writable(out)
    read = judging.read_key(key)
    prompt = judging.read_prompt(read.prompt_version)
    criteria = {own.name: own for own in prompt.chosen(read.criteria)}
    grades = None if judged is None else judging.read_grades(judged)
    names, table = judging.read_ratings(ratings, read, criteria)
    found = judging.agreement_of(names, table, read, grades)
    if out is not None:
        judging.write_agreement(found, out)
    _print_agreement(found)


def _print_agreement(found: Agreement) -> None:
    from recbole_showcase.judging import agreement_tables

    _print(
        agreement_tables(found),
        "alpha: 1 is perfect, 0 chance; correlations with the raters' mean, over the data set, and "
        "the mean within users and within pairs",
    )


def _print(tables: list[Any], legend: str) -> None:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a file has room
    for table in tables:
        console.print(table)
    console.print(legend, style="dim", markup=False)
