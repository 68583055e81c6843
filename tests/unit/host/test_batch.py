"""Batches: what a file of jobs says, how jobs are run, and what a batch leaves for the next one."""

import json
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from motionweave.errors import InputError, MotionWeaveError
from motionweave.host import batch
from motionweave.host.batch import BatchJob, BatchOptions, batch_json, read_jobs, run_batch, run_job
from motionweave.host.warm import WarmModels

MINI = Path(__file__).parents[3] / "mini" / "svd" / "motionweave.json"
needs_mini = pytest.mark.skipif(not MINI.is_file(), reason="the bundled Mini is not in this checkout")

CHUNKS = 2


@pytest.fixture
def desk(tmp_path, write_small_workflow):
    write_small_workflow(tmp_path, CHUNKS, 1, "tiny")
    return tmp_path


@pytest.fixture
def options(desk):
    return BatchOptions(desk / "input", desk / "output")


def jobs_of(desk, count):
    return tuple(BatchJob(f"take {seed}", desk / "tiny.json", (f"Weave.seed={seed}",)) for seed in range(count))


# The file


def written(desk, text, name="jobs.json"):
    (desk / name).write_text(text, encoding="utf-8")
    return read_jobs(desk / name)


def test_a_json_list_names_workflows_and_values(desk):
    (one, two) = written(desk, '[{"workflow": "a.json", "name": "x", "set": {"W.seed": 7}}, {"workflow": "b/c.json"}]')
    assert one == BatchJob("x", desk / "a.json", ("W.seed=7",))
    assert two == BatchJob("job0002", desk / "b" / "c.json")


def test_a_csv_has_a_column_for_each_value_and_empty_cells_set_nothing(desk):
    text = "workflow,name,Weave.seed,Light.mode\na.json,one,7,\na.json,two,,warm\n\n"
    (one, two) = written(desk, text, "jobs.csv")
    assert (one.name, one.overrides) == ("one", ("Weave.seed=7",))
    assert (two.name, two.overrides) == ("two", ("Light.mode=warm",))


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[]", "[3]", '[{"name": "x"}]', '[{"workflow": "a", "seed": 3}]', '[{"workflow": "a", "set": [1]}]',
        '[{"workflow": "a", "name": "../x"}]', '[{"workflow": "a", "name": "X"}, {"workflow": "a", "name": "x"}]',
    ],
)  # fmt: skip
def test_a_file_that_is_no_list_of_jobs_is_refused(desk, text):
    with pytest.raises(InputError):
        written(desk, text)


def test_a_file_that_is_missing_is_named(desk):
    with pytest.raises(InputError, match=r"nothing\.json"):
        read_jobs(desk / "nothing.json")


# Jobs


@needs_mini
def test_jobs_make_their_videos_with_models_that_stay_and_run_again_reuse_every_chunk(desk, options):
    warm, told, jobs = WarmModels(), [], jobs_of(desk, 2)
    first = [run_job(job, options, warm) for job in jobs]
    assert [result.done for result in first] == [True, True]
    assert len(warm._made) == 1
    assert [len(result.report["chunks"]) for result in first] == [CHUNKS, CHUNKS]
    assert [Path(result.report["outputs"][0]["path"]).parent.name for result in first] == ["take 0", "take 1"]
    (again,) = run_batch(jobs[:1], options, told.append)
    assert told == [again]
    assert again.report["reused_chunks"] == CHUNKS
    assert json.loads(batch_json([again]))["done"] == 1


def test_a_job_with_bad_input_is_not_tried_again_and_stops_no_other(desk, options):
    jobs = (BatchJob("bad", desk / "missing.json"), BatchJob("worse", desk / "tiny.json", ("Nobody.x=1",)))
    results = run_batch(jobs, options, [].append)
    assert [(result.done, result.tries) for result in results] == [(False, 1), (False, 1)]
    assert "missing.json" in results[0].error
    assert "Nobody.x" in results[1].error


def test_a_job_that_fails_is_tried_again(desk, options, monkeypatch):
    failures = [MotionWeaveError("a disk was full"), MotionWeaveError("a disk was full")]

    def fail(*_):
        raise failures.pop()

    monkeypatch.setattr(batch, "run_workflow", fail)
    result = run_job(BatchJob("x", desk / "tiny.json"), options, WarmModels())
    assert (result.done, result.tries, result.error) == (False, 2, "a disk was full")


# Ray


def finished_chunks(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("motionweave/tiny/*.mkv")}


@needs_mini
@pytest.mark.slow
def test_eight_jobs_on_two_workers_survive_the_death_of_one_without_making_a_chunk_twice(desk, options, monkeypatch):
    pytest.importorskip("ray")
    from motionweave.host.batch_ray import run_on_ray

    monkeypatch.setenv("RAY_worker_niceness", "0")  # Ray's workers otherwise give way to everything else.
    killed, results, over = [], [], threading.Event()

    def kill_one():
        """Kill the first worker that has made a chunk, while it makes the next one."""
        while not killed and not over.wait(0.01):
            for journal in (desk / "output").glob("*/motionweave/tiny/journal.jsonl"):
                pid, *_ = json.loads((journal.parent / ".owner.json").read_text(encoding="utf-8"))
                journaled = journal.read_text(encoding="utf-8").count('{"index"')
                if journaled and not killed:
                    chunks = finished_chunks(journal.parents[2])
                    killed.append(dict(sorted(chunks.items())[:journaled]))
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    jobs = tuple(replace(job, overrides=(*job.overrides, "4.frames=24")) for job in jobs_of(desk, 8))
    try:
        run_on_ray(jobs, options, results.append, workers=2)
    finally:
        over.set()
        killer.join()
    assert killed
    assert sorted(result.name for result in results) == [f"take {seed}" for seed in range(8)]
    assert all(result.done for result in results)
    assert sorted(result.tries for result in results) == [1] * 7 + [2]
    (again,) = [result for result in results if result.tries == 2]
    assert again.report["reused_chunks"] >= 1
    (before,) = killed
    assert finished_chunks(desk / "output" / again.name).items() >= before.items()
    assert len({result.worker for result in results}) >= 2


def test_without_ray_the_message_says_how_to_get_it(desk, options, monkeypatch):
    from motionweave.errors import UnsupportedError
    from motionweave.host import batch_ray

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(batch_ray, "import_module", missing)
    with pytest.raises(UnsupportedError, match="pip install"):
        batch_ray.run_on_ray((), options, [].append, workers=2)
