"""``motionweave queue`` and ``motionweave export-api``, as a shell sees them."""

import json

import pytest
from typer.testing import CliRunner

from motionweave.cli import app


def motionweave(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def queue(desk, server, *words):
    folders = ("--input-dir", desk.folder / "input", "--output-dir", desk.folder / "output")
    return motionweave("queue", "--server", server.url, *folders, *words)


def test_the_outputs_paths_are_printed_and_the_report_has_chunks(serve, desk):
    report = desk.folder / "report.json"
    done = queue(desk, serve(), desk.workflow(), "--set", "A Work.steps=5", "--report", report)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == [str(desk.folder / "output" / "sub" / "made.png")]
    (job,) = json.loads(report.read_text())["jobs"]
    assert (job["status"], job["chunks"][0]["key"], job["reused_chunks"]) == ("done", "k", 0)
    assert job["outputs"][0]["size"] == [1, 1]


def test_a_detached_job_prints_its_id_which_can_be_watched(serve, desk, monkeypatch):
    monkeypatch.setattr("motionweave.host.queue_watch.POLL_S", 0.2)
    server = serve()
    id = queue(desk, server, desk.workflow(), "--detach").stdout.strip()
    assert list(server.prompts) == [id]
    assert queue(desk, server, "--attach", id).stdout.strip().endswith("made.png")


def test_a_failed_job_is_an_exit_code_and_one_line(serve, desk):
    failure = {"node_id": "2", "exception_type": "RuntimeError", "exception_message": "no\n"}
    done = queue(desk, serve(failure=failure), desk.workflow())
    assert done.exit_code == 1
    assert "error: job.json: 'A Work' (node 2): RuntimeError: no" in done.stderr


def test_bad_input_is_another_exit_code(serve, desk):
    server = serve()
    assert queue(desk, server).exit_code == 2
    assert queue(desk, server, desk.folder / "missing.json").exit_code == 2
    assert queue(desk, server, desk.workflow(), "--set", "Nobody.x=1").exit_code == 2
    assert queue(desk, server, desk.workflow(), "--header", "nonsense").exit_code == 2
    assert server.prompts == {}


def test_ctrl_c_stops_our_job_on_the_server(serve, desk, monkeypatch):
    server = serve()
    server.paused = True

    def interrupted(self, _jobs=None):
        raise KeyboardInterrupt

    monkeypatch.setattr("motionweave.host.queue.QueueClient.watch", interrupted)
    done = queue(desk, server, desk.workflow())
    assert done.exit_code == 130
    (id,) = server.prompts
    assert server.interrupts == [id] or (server.pending, server.running) == ([], [])


def node(id, kind, values, wired=None, gives=None):
    inputs = [] if wired is None else [{"name": wired, "type": "IMAGE", "link": id - 1}]
    outputs = [] if gives is None else [{"name": "IMAGE", "type": "IMAGE", "links": [gives]}]
    return {"id": id, "type": kind, "widgets_values": values, "inputs": inputs, "outputs": outputs}


CANVAS = {
    "nodes": [
        node(1, "LoadImage", ["a.png", "image"], gives=1),
        node(2, "Work", [4, "good"], wired="image", gives=2),
        node(3, "Save", ["x"], wired="images"),
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
}


@pytest.fixture
def canvas(desk):
    path = desk.folder / "canvas.json"
    path.write_text(json.dumps(CANVAS), encoding="utf-8")
    return path


def test_a_canvas_workflow_is_exported_by_what_the_server_knows(serve, canvas):
    server, target = serve(), canvas.with_name("prompt.json")
    assert motionweave("export-api", canvas, "--server", server.url, "-o", target).exit_code == 0
    prompt = json.loads(target.read_text())
    assert prompt["2"] == {
        "class_type": "Work",
        "inputs": {"steps": 4, "mode": "good", "image": ["1", 0]},
        "_meta": {"title": "A Work"},
    }
    printed = motionweave("export-api", canvas, "--server", server.url)
    assert json.loads(printed.stdout) == prompt


def test_a_canvas_workflow_is_queued_and_its_canvas_goes_into_the_files(serve, desk, canvas):
    server = serve()
    assert queue(desk, server, canvas).exit_code == 0
    (body,) = server.prompts.values()
    assert body["extra_data"]["extra_pnginfo"]["workflow"] == CANVAS


def test_nodes_that_are_not_known_here_are_named(canvas):
    done = motionweave("export-api", canvas)
    assert done.exit_code == 2
    assert "Save, Work" in done.stderr
    assert "--server" in done.stderr
