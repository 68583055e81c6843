"""The ``motionweave`` command: thin functions, each of which imports what it needs when it is called.

Results go to the output stream, progress and errors to the error stream. An error is one line; the exit code is 2 for
bad input and 1 for a failure.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import InputError, MediaError, MissingModelError, MotionWeaveError
from .heap import keep_freed_memory

if TYPE_CHECKING:
    from .host import RunReport
    from .host.queue import QueueClient
    from .host.terminal import TerminalProgress
    from .runtime import Folders

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Long, controlled character video from one image.",
)

models_app = typer.Typer(no_args_is_help=True, help="Which models there are; check and fetch them.")
app.add_typer(models_app, name="models")

runs_app = typer.Typer(no_args_is_help=True, help="Which runs there are; inspect and clean them.")
app.add_typer(runs_app, name="runs")

dataset_app = typer.Typer(no_args_is_help=True, help="Datasets: films made ready for training.")
app.add_typer(dataset_app, name="dataset")

InputDir = Annotated[Path, typer.Option("--input-dir", help="Folder of the files that a workflow names.")]
OutputDir = Annotated[Path, typer.Option("--output-dir", help="Folder for videos and chunks.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

ModelsDir = Annotated[
    Path | None,
    typer.Option("--models-dir", help="ComfyUI's models folder; else ./models, or that of the ComfyUI round the pack."),
]

Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NODE.INPUT=VALUE", help="Set an input; NODE is an id or a title. Repeatable."),
]
Report = Annotated[Path | None, typer.Option("--report", help="Write what was made to this JSON file.")]
Headers = Annotated[
    list[str] | None, typer.Option("--header", metavar="NAME: VALUE", help="Send it to the server. Repeatable.")
]

DEFAULT_INPUT, DEFAULT_OUTPUT = Path("input"), Path("output")
FAILED, BAD_INPUT, STOPPED = 1, 2, 130
"""Exit codes; 130 is what shells expect of a program that Ctrl-C ended."""


@app.command()
def run(
    workflow: Annotated[Path, typer.Argument(help="Workflow JSON, in canvas or API format.")],
    sets: Sets = None,
    input_dir: InputDir = DEFAULT_INPUT,
    output_dir: OutputDir = DEFAULT_OUTPUT,
    report: Report = None,
    memory: Annotated[
        str, typer.Option("--memory", help="How models live on the device: auto, device, model or layer.")
    ] = "auto",
    debug: Debug = False,
) -> None:
    """Run a workflow in this process, without ComfyUI."""
    with one_line_errors(debug, input_dir):
        made = _run(workflow, tuple(sets or ()), input_dir, output_dir, memory)
        for row in made.memory:
            typer.echo(row["line"], err=True)
        for text in made.texts:
            typer.echo(text)
        for output in made.outputs:
            typer.echo(output.path)
        if report is not None:
            _write(report, made.to_json())


@app.command("export-api")
def export_api(
    workflow: Annotated[Path, typer.Argument(help="Workflow JSON of the canvas.")],
    server: Annotated[
        str | None, typer.Option("--server", help="ComfyUI server that knows the nodes; else the pack's own are known.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write; else it is printed.")] = None,
    headers: Headers = None,
    debug: Debug = False,
) -> None:
    """Turn a canvas workflow into API format, as the canvas's own "Export (API)" does."""
    with one_line_errors(debug, DEFAULT_INPUT):
        from .host.export import export_prompt

        text = export_prompt(workflow, server, _headers(headers))
        if output is None:
            typer.echo(text)
        else:
            _write(output, text)


@app.command()
def queue(
    workflows: Annotated[
        list[Path] | None, typer.Argument(help="Workflow JSON files, in canvas or API format.")
    ] = None,
    server: Annotated[str, typer.Option("--server", help="Address of the ComfyUI server.")] = "http://127.0.0.1:8188",
    sets: Sets = None,
    input_dir: InputDir = DEFAULT_INPUT,
    output_dir: OutputDir = DEFAULT_OUTPUT,
    detach: Annotated[bool, typer.Option("--detach", help="Queue, print the jobs' ids and leave.")] = False,
    attach: Annotated[
        list[str] | None, typer.Option("--attach", metavar="ID", help="Watch a job that was queued before. Repeatable.")
    ] = None,
    previews: Annotated[Path | None, typer.Option("--previews", help="Folder for each job's latest picture.")] = None,
    patience: Annotated[float, typer.Option("--patience", help="Seconds to wait for a server that is away.")] = 600.0,
    headers: Headers = None,
    report: Report = None,
    debug: Debug = False,
) -> None:
    """Queue workflows on a ComfyUI server, watch them and fetch what they make."""
    with one_line_errors(debug, input_dir):
        from .host.queue import QueueClient, QueueOptions, report_json
        from .host.terminal import TerminalProgress

        if bool(workflows) == bool(attach):
            raise InputError("queue was given neither or both of workflows and --attach; give one of the two")
        overrides = tuple(sets or ())
        options = QueueOptions(server, input_dir, output_dir, overrides, _headers(headers), patience)
        with TerminalProgress(previews) as terminal:
            client = QueueClient(options, terminal)
            with _asking_to_cancel(client, terminal):
                jobs = client.submit(workflows) if workflows else ()
                made = () if detach else (client.watch() if workflows else client.attach(attach or ()))
        for line in [job.id for job in jobs] if detach else [each.path for job in made for each in job.run.outputs]:
            typer.echo(line)
        if report is not None:
            _write(report, report_json(server, jobs, made))
        _fail_if([f"{job.workflow}: {job.error}" for job in made if job.status != "done"])


@app.command()
def batch(
    jobs: Annotated[Path, typer.Argument(help="JSON or CSV file: a workflow, a name and values to set, for each job.")],
    ray: Annotated[str | None, typer.Option("--ray", help="Address of a Ray cluster.", metavar="ADDRESS")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="How many to run at once, each with models of its own.")
    ] = None,
    retries: Annotated[int, typer.Option("--retries", min=0, help="How often a failed job is run again.")] = 1,
    input_dir: InputDir = DEFAULT_INPUT,
    output_dir: OutputDir = DEFAULT_OUTPUT,
    memory: Annotated[str, typer.Option("--memory", help="As for run.")] = "auto",
    report: Report = None,
    debug: Debug = False,
) -> None:
    """Run many jobs, one after another here, or side by side on Ray; running it again goes on from finished chunks."""
    with one_line_errors(debug, input_dir):
        from .host.batch import BatchOptions, BatchResult, batch_json, read_jobs, run_batch
        from .host.terminal import TerminalProgress

        todo, results = read_jobs(jobs), list[BatchResult]()
        options = BatchOptions(input_dir.absolute(), output_dir.absolute(), retries, memory)
        with TerminalProgress() as terminal:

            def on_result(result: BatchResult) -> None:
                results.append(result)
                terminal.say(f"{len(results)}/{len(todo)} {result}")
                if report is not None:
                    _write(report, batch_json(results))

            if ray is None and workers is None:
                run_batch(todo, options, on_result, terminal)
            else:
                from .host.batch_ray import run_on_ray

                run_on_ray(todo, options, on_result, ray, workers)
        for path in [output["path"] for result in results for output in result.report.get("outputs", ())]:
            typer.echo(path)
        _fail_if([f"{result.name}: {result.error}" for result in results if not result.done])


@app.command()
def demo(output_dir: OutputDir = DEFAULT_OUTPUT, debug: Debug = False) -> None:
    """Make a short video on the bundled miniature models; its path is the last line."""
    from .host.context import PACK_ROOT

    with one_line_errors(debug, DEFAULT_INPUT):
        made = _run(PACK_ROOT / "workflows" / "quickstart.json", (), DEFAULT_INPUT, output_dir)
        videos = [output for output in made.outputs if output.path.endswith(".mp4")]
        if not videos:
            raise MotionWeaveError("the quickstart workflow saved no mp4; restore workflows/quickstart.json")
        target = output_dir.resolve() / "quickstart.mp4"
        Path(videos[-1].path).replace(target)
        typer.echo(f"{videos[-1].frames} frames in {len(made.chunks)} chunks, {made.seconds:.1f} s")
        typer.echo(target)


@app.command()
def doctor(as_json: AsJson = False, output_dir: OutputDir = DEFAULT_OUTPUT, debug: Debug = False) -> None:
    """Say what this machine can run, and what is missing."""
    with one_line_errors(debug, DEFAULT_INPUT):
        from .host.doctor import diagnose

        found = diagnose(_folders(DEFAULT_INPUT, output_dir, None))
        typer.echo(found.to_json() if as_json else "\n".join(found.lines()))


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(help="Recipe YAML, such as recipes/mini/vae.yaml.")],
    steps: Annotated[int | None, typer.Option("--steps", help="Steps to take in place of the recipe's.")] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option("--output-dir", help="Folder for the finished model; trained, or the experiment's by default."),
    ] = None,
    cache_dir: Annotated[Path, typer.Option("--cache-dir", help="Folder for clips and checkpoints.")] = Path("cache"),
    experiment: Annotated[
        str | None,
        typer.Option("--experiment", metavar="NAME", help="Keep question, recipe and results in experiments/NAME."),
    ] = None,
    question: Annotated[str, typer.Option("--question", help="What a new experiment is to find out.")] = "",
    debug: Debug = False,
) -> None:
    """Train a model from a recipe; calling it again goes on from the last checkpoint."""
    with one_line_errors(debug, DEFAULT_INPUT):
        import logging

        from .train.experiment import begin_experiment, run_experiment
        from .train.run import run_recipe

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        if experiment is None:
            typer.echo(run_recipe(recipe, output_dir or Path("trained"), cache_dir, steps))
        else:
            begun = begin_experiment(Path("experiments"), experiment, recipe, question)
            typer.echo(run_experiment(begun, output_dir, cache_dir, steps))


@app.command()
def score(
    video: Annotated[Path, typer.Argument(help="The video.")],
    reference: Annotated[Path | None, typer.Option("--reference", help="Picture of who the video should show.")] = None,
    plan: Annotated[
        Path | None, typer.Option("--plan", help="Run directory, or its plan.json: where chunks meet.")
    ] = None,
    identity: Annotated[
        str, typer.Option("--identity", help="Face pack or backbone that tells characters apart; empty to choose.")
    ] = "",
    chart: Annotated[Path | None, typer.Option("--chart", help="Write a strip chart to this picture.")] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measure a video: steadiness, seams, drift of colour and identity."""
    with one_line_errors(debug, DEFAULT_INPUT):
        from .host.context import local_runtime
        from .host.terminal import TerminalProgress
        from .media import write_image
        from .score import ScoreRequest, score_chart, score_file

        with TerminalProgress() as terminal:
            here = local_runtime(_folders(DEFAULT_INPUT, DEFAULT_OUTPUT, None))
            found = score_file(ScoreRequest(video, reference, plan, identity), here, terminal.on_progress)
        if chart is not None:
            write_image(chart, score_chart(found))
        typer.echo(found.to_json() if as_json else "\n".join(found.lines()))


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="Benchmark, such as selfie.")],
    as_json: AsJson = False,
    clips: Annotated[int | None, typer.Option("--clips", help="How many clips to measure on.", min=1)] = None,
    pictures: Annotated[Path | None, typer.Option("--pictures", help="Save pictures into this folder.")] = None,
    frames: Annotated[int | None, typer.Option("--frames", help="longform: frames of each run.", min=24)] = None,
    methods: Annotated[
        list[str] | None, typer.Option("--methods", help="longform: a way to compare. Repeatable.")
    ] = None,
    scratch: Annotated[
        Path | None, typer.Option("--scratch", help="longform, mini: folder to go on in after a stop.")
    ] = None,
    comfyui: Annotated[
        Path | None, typer.Option("--comfyui", help="import: folder of a ComfyUI that is to load the packs.")
    ] = None,
    pack: Annotated[
        list[Path] | None, typer.Option("--pack", help="import: folder of another pack to measure. Repeatable.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Measure, and print the figures beside their baselines."""
    with one_line_errors(debug, DEFAULT_INPUT):
        from .bench.report import run_benchmark

        asked = {"frames": frames, "methods": methods, "scratch": scratch, "comfyui": comfyui, "pack": pack}
        more = {option: value for option, value in asked.items() if value}
        for option in more:
            whose = {"scratch": ("longform", "mini"), "comfyui": ("import",), "pack": ("import",)}
            owners = whose.get(option, ("longform",))
            if name not in owners:
                raise InputError(f"--{option} belongs to the benchmark {owners[0]}, not to {name}")
        result = run_benchmark(name, clips, pictures, lambda index: typer.echo(f"clip {index + 1}", err=True), more)
        typer.echo(result.to_json() if as_json else result.table())


@models_app.command("list")
def list_models(
    role: Annotated[str | None, typer.Option("--role", help="Only models of this role, such as depth.")] = None,
    as_json: AsJson = False,
    models_dir: ModelsDir = None,
    debug: Debug = False,
) -> None:
    """List models: id, role, size, licence, and where each lies on this machine."""
    with one_line_errors(debug, DEFAULT_INPUT):
        import json

        from .weights.survey import survey

        found = survey(_model_folders(models_dir), role)
        text = json.dumps([each.to_json() for each in found], indent=2)
        typer.echo(text if as_json else "\n".join(each.line() for each in found))


@models_app.command()
def identify(
    files: Annotated[list[Path], typer.Argument(help="Files of weights.")],
    debug: Debug = False,
) -> None:
    """Say what files of weights seem to be, and which node loads them."""
    with one_line_errors(debug, DEFAULT_INPUT):
        from .weights.identify import identify as seems

        for path in files:
            kind = seems(path)
            typer.echo(f"{path.name}: {kind.title}{f'; {kind.loader}' if kind.loader else ''}")


@models_app.command("table")
def models_table(
    write: Annotated[Path | None, typer.Option("--write", help="Put it between the marks in this file.")] = None,
    debug: Debug = False,
) -> None:
    """Print README's table of models: licence, and what was verified."""
    with one_line_errors(debug, DEFAULT_INPUT):
        from .weights import table

        if write is None:
            typer.echo(table.models_table())
        else:
            table.write_table(write)


@models_app.command()
def verify(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Models to check; all that are here if none is named.")
    ] = None,
    models_dir: ModelsDir = None,
    debug: Debug = False,
) -> None:
    """Check models on this machine: sizes, checksums, and whether their files open."""
    with one_line_errors(debug, DEFAULT_INPUT):
        from .weights.verify import verify_models

        damaged = 0
        for report in verify_models(_model_folders(models_dir), tuple(ids or ())):
            typer.echo("\n".join(report.lines()))
            damaged += not report.is_sound
        if damaged:
            raise typer.Exit(BAD_INPUT)


@models_app.command()
def download(
    ids: Annotated[list[str], typer.Argument(help="Models to fetch, by their ids.")],
    models_dir: ModelsDir = None,
    accept: Annotated[
        bool, typer.Option("--accept-licence", "--yes", help="Accept the licences shown, without being asked.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Fetch models from the hub; shows licence and size, and asks before anything is fetched."""
    with one_line_errors(debug, DEFAULT_INPUT):
        from .weights.download import ask_hub, fetch
        from .weights.manifest import load_manifest

        root = _model_folders(models_dir).models[0]
        for offer in [ask_hub(load_manifest().get(id)) for id in ids]:
            typer.echo("\n".join(offer.lines()))
            if not accept and not typer.confirm(f"Accept this licence and fetch it into {root}?"):
                typer.echo(f"{offer.entry.id} was not fetched")
                continue
            typer.echo(fetch(offer, root, lambda name: typer.echo(f"  {name}", err=True)))


@runs_app.command("list")
def list_run_directories(output_dir: OutputDir = DEFAULT_OUTPUT, as_json: AsJson = False, debug: Debug = False) -> None:
    """List runs: chunks made and planned, bytes on disk, last change."""
    with one_line_errors(debug, DEFAULT_INPUT):
        import json

        from .longform.runs import list_runs

        found = list_runs(_folders(DEFAULT_INPUT, output_dir, None).runs)
        text = json.dumps([each.to_json() for each in found], indent=2)
        typer.echo(text if as_json else "\n".join(each.line() for each in found))


@runs_app.command()
def show(
    names: Annotated[list[str], typer.Argument(help="Runs to show.")],
    output_dir: OutputDir = DEFAULT_OUTPUT,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show a run: folder, plan, and every chunk with its takes."""
    with one_line_errors(debug, DEFAULT_INPUT):
        import json

        from .longform.runs import find_runs

        found = find_runs(_folders(DEFAULT_INPUT, output_dir, None).runs, names)
        text = json.dumps([each.to_json() for each in found], indent=2)
        typer.echo(text if as_json else "\n".join(line for each in found for line in each.lines()))


@runs_app.command()
def clean(
    names: Annotated[list[str] | None, typer.Argument(help="Runs to clean; all if none is named.")] = None,
    takes: Annotated[bool, typer.Option("--takes", help="Also takes that are not used.")] = False,
    finished: Annotated[bool, typer.Option("--finished", help="Also finished runs, whole.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove without being asked.")] = False,
    output_dir: OutputDir = DEFAULT_OUTPUT,
    debug: Debug = False,
) -> None:
    """Remove what a crash or a shorter plan left over; says what goes, and asks before anything does."""
    with one_line_errors(debug, DEFAULT_INPUT):
        from .longform.runs import find_runs, removable, remove

        found = find_runs(_folders(DEFAULT_INPUT, output_dir, None).runs, names or ())
        spare = {each.name: (each, removable(each, takes, finished)) for each in found}
        spare = {name: (run, files) for name, (run, files) in spare.items() if files}
        for name, (_, files) in spare.items():
            size = sum(path.stat().st_size for path in files)
            typer.echo(f"{name}: {len(files)} files, {size / 2**20:.1f} MiB: {', '.join(path.name for path in files)}")
        if not spare:
            typer.echo("nothing to remove")
        elif yes or typer.confirm("Remove them?"):
            for run, files in spare.values():
                remove(run, files)


@dataset_app.command("prepare")
def prepare_dataset(
    folder: Annotated[Path, typer.Argument(help="Dataset: videos/ and, if you like, metadata.json.")],
    backbone: Annotated[
        str, typer.Option("--backbone", help="Backbone whose VAE reads the pictures: a model's name, or its folder.")
    ] = "mini-svd",
    pose: Annotated[str, typer.Option("--pose", help="Pose model that finds the people.")] = "mini-dwpose",
    depth: Annotated[str, typer.Option("--depth", help="Depth model; without one, no depth is read.")] = "",
    light: Annotated[
        bool, typer.Option("--light", help="Estimate the light of clips without a light file; takes --depth.")
    ] = False,
    size: Annotated[
        str, typer.Option("--size", metavar="WxH", help="Size of the pictures; the backbone's own by default.")
    ] = "",
    fps: Annotated[str, typer.Option("--fps", help="Frame rate to read at; each film's own by default.")] = "",
    layout: Annotated[
        str, typer.Option("--layout", help="auto, plain, ubc-fashion, tiktok, humanvid, msr-vtt or vatex.")
    ] = "auto",
    least_s: Annotated[float, typer.Option("--least-s", help="Leave out shorter shots.")] = 1.0,
    most_s: Annotated[float, typer.Option("--most-s", help="Cut longer shots into equal clips.")] = 60.0,
    least_motion: Annotated[
        float, typer.Option("--least-motion", help="Leave out stiller shots; picture heights a second.")
    ] = 0.01,
    most_motion: Annotated[float, typer.Option("--most-motion", help="Leave out wilder shots.")] = 3.0,
    one_person: Annotated[
        float, typer.Option("--one-person", help="Share of a clip's frames that show exactly one person.")
    ] = 0.9,
    face: Annotated[float, typer.Option("--face", help="Share of a clip's frames in which a face is seen.")] = 0.3,
    models_dir: ModelsDir = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Read films once, cut and filter them, and list the clips; calling it again goes on."""
    with one_line_errors(debug, folder):
        import logging

        from .dataset.choose import Filters
        from .dataset.prepare import prepare
        from .dataset.tools import Readers, preparation
        from .host.context import local_runtime
        from .host.terminal import TerminalProgress

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        filters = Filters(least_s, most_s, least_motion, most_motion, one_person, face)
        readers = Readers(backbone, pose, depth, size, fps, light)
        with TerminalProgress() as terminal:
            here = replace(local_runtime(_model_folders(models_dir)), on_progress=terminal.on_progress)
            report = prepare(folder, preparation(readers, filters, layout, here), here)
        typer.echo(report.to_json() if as_json else "\n".join(report.lines()))


@dataset_app.command("marionette")
def marionette_dataset(
    folder: Annotated[Path, typer.Argument(help="Folder of the new dataset.")],
    clips: Annotated[int, typer.Option("--clips", help="How many films, each of another character.", min=1)] = 10,
    seconds: Annotated[float, typer.Option("--seconds", help="Length of each film.")] = 4.0,
    fps: Annotated[int, typer.Option("--fps", help="Frame rate.", min=1)] = 12,
    first_seed: Annotated[int, typer.Option("--first-seed", help="Seed of the first character.")] = 0,
    held_out: Annotated[int, typer.Option("--held-out", help="How many of them are kept out of training.")] = 0,
    speaking: Annotated[bool, typer.Option("--speaking", help="Have them speak, seen from near.")] = False,
    turning_light: Annotated[bool, typer.Option("--turning-light", help="Have the light go round them.")] = False,
    moving_camera: Annotated[bool, typer.Option("--moving-camera", help="Have the camera move.")] = False,
    debug: Debug = False,
) -> None:
    """Draw a dataset of marionettes, to try training with."""
    with one_line_errors(debug, DEFAULT_INPUT):
        from fractions import Fraction

        from .dataset.marionette import MarionetteFilms, write_marionette

        shown = (speaking, turning_light, moving_camera)
        films = MarionetteFilms(clips, seconds, Fraction(fps), first_seed, held_out, *shown)
        typer.echo(write_marionette(folder, films))


def _model_folders(models_dir: Path | None) -> Folders:
    """Give the host's folders, with the user's models folder before the others."""
    folders = _folders(DEFAULT_INPUT, DEFAULT_OUTPUT, None)
    return folders if models_dir is None else replace(folders, models=(models_dir.absolute(), *folders.models))


def _run(workflow: Path, sets: tuple[str, ...], input_dir: Path, output_dir: Path, memory: str = "auto") -> RunReport:
    """Run a workflow with progress on the terminal; previews go to a folder that is gone afterwards."""
    import tempfile

    from .host import RunOptions, run_workflow
    from .host.terminal import TerminalProgress

    with tempfile.TemporaryDirectory(prefix="motionweave-") as temp, TerminalProgress() as terminal:
        folders = _folders(input_dir, output_dir, Path(temp))
        return run_workflow(workflow, RunOptions(folders, sets, terminal.on_progress, terminal.on_node, memory))


def _headers(lines: list[str] | None) -> dict[str, str]:
    """Read ``Name: value`` lines."""
    pairs = [line.partition(":") for line in lines or ()]
    for name, colon, _ in pairs:
        if not colon or not name.strip():
            raise InputError(f"--header was given '{name}'; expected 'Name: value'")
    return {name.strip(): value.strip() for name, _, value in pairs}


@contextmanager
def _asking_to_cancel(client: QueueClient, terminal: TerminalProgress) -> Iterator[None]:
    """On Ctrl-C, ask whether our jobs shall be stopped on the server; without anybody to ask, they are."""
    import sys

    try:
        yield
    except KeyboardInterrupt:
        terminal.stop()
        if not client.jobs:
            raise
        ids = " ".join(f"--attach {job.id}" for job in client.jobs)
        if sys.stdin.isatty() and not typer.confirm("Stop these jobs on the server too?", default=True, err=True):
            typer.echo(f"they go on there; watch them again with: motionweave queue {ids}", err=True)
            raise typer.Exit(STOPPED) from None
        client.cancel()
        raise


def _fail_if(problems: list[str]) -> None:
    """End with one line for each problem, if there are any."""
    for problem in problems:
        typer.echo(f"error: {problem}", err=True)
    if problems:
        raise typer.Exit(FAILED)


def _folders(input_dir: Path, output_dir: Path, temp: Path | None) -> Folders:
    from .host import default_folders

    return default_folders(input_dir, output_dir, temp)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); choose another place") from error


@contextmanager
def one_line_errors(debug: bool, input_dir: Path) -> Iterator[None]:
    """Turn an error of the block into one line and an exit code.

    Args:
        debug: Whether to show the traceback before the line.
        input_dir: Files below it are the user's; one that cannot be read is bad input.
    """
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("stopped; finished chunks are kept, and running again goes on from them", err=True)
        raise typer.Exit(STOPPED) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        if debug:
            traceback.print_exc()
        typer.echo(f"error: {describe_error(error)}", err=True)
        raise typer.Exit(BAD_INPUT if is_bad_input(error, input_dir) else FAILED) from error


def describe_error(error: Exception) -> str:
    """Give an error as one line.

    Args:
        error: Any error; the type is named where it is not one that this library words for people.
    """
    message = " ".join(str(error).split())
    if isinstance(error, MotionWeaveError):
        return message
    if type(error).__name__ == "OutOfMemoryError":
        return f"out of memory: {message}; use a smaller size, shorter chunks or fewer decode_frames"
    return f"{type(error).__name__}: {message}"


def is_bad_input(error: BaseException | None, input_dir: Path) -> bool:
    """Say whether an error, or the one it was raised from, is about what the user gave.

    Args:
        error: The error.
        input_dir: Where the user's files lie.
    """
    while isinstance(error, MotionWeaveError):
        if isinstance(error, InputError | MissingModelError):
            return True
        if isinstance(error, MediaError) and error.path.resolve().is_relative_to(input_dir.resolve()):
            return True
        error = error.__cause__
    return False


def main() -> None:
    """Run the command."""
    keep_freed_memory()
    app()
