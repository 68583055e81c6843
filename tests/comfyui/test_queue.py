"""The queue client against a real ComfyUI: killed and restarted, with two clients, and with what it refuses."""

import json
import threading
import time
from pathlib import Path

import pytest
from wire import wired

from motionweave.errors import WorkflowError
from motionweave.host.queue import QueueClient, QueueOptions

pytestmark = [pytest.mark.comfyui, pytest.mark.slow]

CHUNKS, STEPS = 4, 3


class Heard:
    """A listener that keeps what it is told."""

    def __init__(self):
        self.progress, self.lines, self.nodes, self.previews = [], [], [], []

    def on_node(self, title):
        self.nodes.append(title)

    def on_progress(self, progress):
        self.progress.append(progress)

    def on_preview(self, _job, picture):
        self.previews.append(picture)

    def say(self, line):
        self.lines.append(line)


class Desk:
    def __init__(self, server, folder: Path, write):
        self.server, self.folder, self.heard, self.write = server, folder, Heard(), write

    def client(self, *overrides: str, url: str | None = None) -> QueueClient:
        options = QueueOptions(url or self.server.url, self.folder / "input", self.folder / "output", overrides)
        return QueueClient(options, self.heard)

    def workflow(self, run_name: str = "a", steps: int = STEPS, **weave) -> Path:
        return self.write(self.folder, CHUNKS, steps, run_name, **weave)

    def jobs_of(self, run: str) -> list[str]:
        """Give the ids of all jobs that the server has had of a run, however they ended."""
        queue = self.server.get("/queue")
        rows = [entry["prompt"] for entry in self.server.get("/history").values()]
        rows += [row for part in ("queue_running", "queue_pending") for row in queue[part]]
        return [row[1] for row in rows if f'"run_name": "{run}"' in json.dumps(row[2])]

    def finished_chunks(self, run: str) -> list[Path]:
        return sorted((self.server.base / "output" / "motionweave" / run).glob("chunk-*.mkv"))


@pytest.fixture
def desk(restartable, tmp_path, write_small_workflow) -> Desk:
    return Desk(restartable.server, tmp_path, write_small_workflow)


def wait_until(holds, limit_s=240):
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def watched(client):
    """Watch in a thread; gives it, and the list that the reports go into."""
    made = []
    thread = threading.Thread(target=lambda: made.extend(client.watch()))
    thread.start()
    return thread, made


def test_a_job_shows_chunks_and_steps_and_its_video_comes_back(desk):
    client = desk.client()
    client.submit([desk.workflow(run_name="plain")])
    (made,) = client.watch()
    assert (made.status, made.error) == ("done", None)
    (video,) = [output for output in made.run.outputs if output.path.endswith(".mp4")]
    assert Path(video.path).is_relative_to(desk.folder / "output")
    assert video.frames == 8 * CHUNKS
    assert len(made.run.chunks) == CHUNKS
    assert (desk.server.base / "input" / "me.png").is_file()
    weave = [each for each in desk.heard.progress if each.stage == "denoise"]
    assert {each.chunk_count for each in weave} == {CHUNKS}
    assert {(each.chunk, each.step) for each in weave} >= {(chunk, STEPS) for chunk in range(1, CHUNKS)}
    assert desk.heard.previews


def test_two_clients_wait_for_one_another_and_get_each_their_own(desk):
    first, second = desk.client(), desk.client()
    (one,) = first.submit([desk.workflow(run_name="first", seed=11)])
    (two,) = second.submit([desk.workflow(run_name="second", seed=12)])
    threads = [watched(client) for client in (first, second)]
    for thread, _ in threads:
        thread.join(300)
    reports = [made[0] for _, made in threads]
    assert [(report.prompt_id, report.status) for report in reports] == [(one.id, "done"), (two.id, "done")]
    assert len({report.run.outputs[0].path for report in reports}) == 2
    assert len(desk.server.get("/history")) >= 2


def test_cancel_stops_our_job_and_leaves_the_other_clients_alone(desk):
    first, second = desk.client(), desk.client()
    first.submit([desk.workflow(run_name="stopped", seed=21, steps=50)])
    second.submit([desk.workflow(run_name="spared", seed=22)])
    wait_until(lambda: desk.server.get("/queue")["queue_running"])
    first.cancel()
    assert [report.status for report in first.watch()] == ["cancelled"]
    assert [report.status for report in second.watch()] == ["done"]


def test_a_wrong_value_and_a_wrong_node_are_said_in_one_line(desk):
    with pytest.raises(
        WorkflowError, match=r"'Weave' \(node 5\): input 'steps': 5000 is above the greatest value 1000"
    ):
        desk.client("Weave.steps=5000").submit([desk.workflow()])
    path = desk.workflow()
    path.write_text(path.read_text().replace("MotionWeaveStitchChunks", "NobodysNode"))
    with pytest.raises(WorkflowError, match=r"does not know: NobodysNode \(node 6\)"):
        desk.client().submit([path])
    assert desk.server.get("/queue") == {"queue_running": [], "queue_pending": []}


def test_a_lost_socket_loses_nothing_and_doubles_nothing(desk):
    with wired(desk.server.url) as wire:
        client = desk.client(url=wire.url)
        (job,) = client.submit([desk.workflow(run_name="cut", seed=41)])
        thread, made = watched(client)
        wait_until(lambda: desk.heard.progress)
        wire.cut()
        thread.join(300)
    (report,) = made
    assert wire.cuts > 0
    assert (report.prompt_id, report.status, report.requeued) == (job.id, "done", False)
    assert any("connection" in line for line in desk.heard.lines)
    assert desk.jobs_of("cut") == [job.id]


@pytest.mark.parametrize(
    ("faults", "said"),
    [({"full": 2}, "takes no more jobs"), ({"swallowed": 1}, "trying again")],
    ids=["full queue", "lost answer"],
)
def test_a_job_that_is_not_taken_at_once_is_queued_once(desk, faults, said):
    run = "-".join(faults)
    with wired(desk.server.url) as wire:
        vars(wire).update(faults)
        client = desk.client(url=wire.url)
        (job,) = client.submit([desk.workflow(run_name=run, seed=42, steps=1)])
        assert (wire.full, wire.swallowed) == (0, 0)
        assert [report.status for report in client.watch()] == ["done"]
    assert any(said in line for line in desk.heard.lines)
    assert desk.jobs_of(run) == [job.id]


def test_a_server_that_is_killed_and_restarted_loses_no_job_and_makes_no_chunk_twice(restartable, desk):
    client = desk.client()
    (job,) = client.submit([desk.workflow(run_name="killed", seed=31)])
    thread, made = watched(client)
    wait_until(lambda: len(desk.finished_chunks("killed")) >= 2)
    restartable.kill()
    before = {path: path.stat().st_mtime_ns for path in desk.finished_chunks("killed")}
    restartable.start()
    thread.join(300)
    (report,) = made
    assert (report.prompt_id, report.status, report.requeued) == (job.id, "done", True)
    assert report.run.reused_chunks >= 1
    journaled = [path for path in before if (path.stat().st_mtime_ns == before[path])]
    assert len(journaled) >= report.run.reused_chunks
    assert list(desk.server.get("/history")) == [job.id]
    assert any("connection" in line for line in desk.heard.lines)
