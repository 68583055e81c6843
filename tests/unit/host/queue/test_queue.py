"""The client against a server that speaks ComfyUI's routes and has the faults that real ones have."""

import threading
import time

import pytest

from motionweave.errors import InputError, WorkflowError
from motionweave.host.server import ServerError


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Look often, so that tests are quick."""
    monkeypatch.setattr("motionweave.host.queue_watch.POLL_S", 0.2)
    monkeypatch.setattr("motionweave.host.queue_watch.PAUSES_S", (0.05,))
    monkeypatch.setattr("motionweave.host.queue.PAUSES_S", (0.05,))


def run(desk, server, *workflows, **options):
    client = desk.client(server, **options)
    client.submit(workflows or (desk.workflow(),))
    return client.watch()


def test_a_job_brings_its_input_there_and_its_output_here(serve, desk):
    server = serve()
    (made,) = run(desk, server)
    assert made.status == "done"
    assert server.uploads == {"mine.png": (desk.folder / "input" / "mine.png").read_bytes()}
    output = desk.folder / "output" / "sub" / "made.png"
    assert [file.path for file in made.run.outputs] == [str(output)]
    assert output.read_bytes().startswith(b"\x89PNG")
    assert made.run.chunks[0]["key"] == "k"
    assert made.run.seconds == 2.5


def test_progress_is_told_by_chunk_and_step(serve, desk):
    server = serve()
    server.waits = True
    run(desk, server)
    assert desk.heard.nodes == ["A Work"]
    assert [(each.stage, each.step, each.step_count) for each in desk.heard.progress] == [
        ("denoise", 1, 3), ("denoise", 2, 3), ("denoise", 3, 3),
    ]  # fmt: skip


def test_what_the_artist_sets_reaches_the_server(serve, desk):
    server = serve()
    run(desk, server, overrides=("A Work.steps=7", "2.mode=good"))
    (body,) = server.prompts.values()
    assert (body["prompt"]["2"]["inputs"]["steps"], body["prompt"]["2"]["inputs"]["mode"]) == (7, "good")


def test_a_name_that_the_server_has_with_other_content_is_not_written_over(serve, desk):
    server = serve()
    server.uploads["mine.png"] = b"somebody else's"
    run(desk, server)
    (body,) = server.prompts.values()
    assert body["prompt"]["1"]["inputs"]["image"] == "mine (1).png"
    assert server.uploads["mine.png"] == b"somebody else's"


def test_a_file_that_is_not_here_is_left_to_the_server(serve, desk):
    server = serve()
    (made,) = run(desk, server, desk.workflow(image="there.png"))
    assert made.status == "done"
    assert server.uploads == {}
    assert any("there.png" in line for line in desk.heard.lines)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "C:\\secret.png"])
def test_no_file_outside_the_input_folder_is_sent(serve, desk, name):
    server = serve()
    with pytest.raises(InputError):
        run(desk, server, desk.workflow(image=name))
    assert server.uploads == {}


def test_no_output_is_written_outside_the_output_folder(serve, desk):
    with pytest.raises(InputError, match="climbs out"):
        run(desk, serve(escaping_name="../../../escaped.png"))
    assert not list(desk.folder.rglob("escaped*"))


def test_an_output_of_the_same_name_is_kept_beside_the_new_one(serve, desk):
    other = desk.folder / "output" / "sub" / "made.png"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"another video")
    (made,) = run(desk, serve())
    assert made.run.outputs[0].path.endswith("made (2).png")
    assert other.read_bytes() == b"another video"


def test_several_workflows_are_queued_together_and_all_come_back(serve, desk):
    server = serve()
    server.waits = True
    made = run(desk, server, *(desk.workflow(f"{place}.json") for place in range(3)))
    assert [(each.workflow, each.status) for each in made] == [(f"{place}.json", "done") for place in range(3)]
    assert desk.heard.nodes == ["0.json: A Work", "1.json: A Work", "2.json: A Work"]


# Nothing lost, nothing doubled


def test_a_lost_socket_loses_nothing(serve, desk):
    server = serve(dropped_sockets=1)
    server.waits = True
    (made,) = run(desk, server)
    assert (made.status, made.requeued) == ("done", False)
    assert len(server.begun) == 1
    assert any("connection" in line for line in desk.heard.lines)


def test_a_job_whose_answer_is_lost_is_not_queued_twice(serve, desk):
    server = serve(lost_answers=1)
    (made,) = run(desk, server)
    assert made.status == "done"
    assert len(server.begun) == 1


def test_a_job_that_is_lost_on_its_way_is_sent_again(serve, desk):
    server = serve(lost_requests=1)
    (made,) = run(desk, server)
    assert made.status == "done"
    assert len(server.begun) == 1


def test_jobs_that_a_restarted_server_forgot_are_queued_again_once(serve, desk):
    server = serve(forgets=1)
    server.waits = True
    made = run(desk, server, desk.workflow("a.json"), desk.workflow("b.json"))
    assert [(each.status, each.requeued) for each in made] == [("done", True), ("done", True)]
    assert len(server.begun) == 3  # The first of them was begun, lost and begun again.
    assert len(set(server.begun)) == 2


def test_a_job_that_is_lost_twice_is_given_up_with_a_word(serve, desk):
    (made,) = run(desk, serve(forgets=9))
    assert made.status == "lost"
    assert "twice" in made.error


def test_a_full_queue_is_waited_for(serve, desk):
    server = serve(busy=2)
    (made,) = run(desk, server)
    assert made.status == "done"
    assert len(server.begun) == 1
    assert any("takes no more jobs" in line for line in desk.heard.lines)


def test_a_queue_that_stays_full_is_said_to_be(serve, desk):
    with pytest.raises(ServerError, match="takes no more jobs"):
        run(desk, serve(busy=99), patience_s=0.0)


def test_two_clients_get_each_their_own(serve, desk):
    server = serve()
    made = {}

    def one(name):
        made[name] = run(desk, server, desk.workflow(f"{name}.json"))

    threads = [threading.Thread(target=one, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert {each.workflow for (each,) in made.values()} == {"a.json", "b.json"}
    assert len(server.begun) == len(set(server.begun)) == 2


def test_a_detached_job_is_found_again(serve, desk):
    server = serve()
    (job,) = desk.client(server).submit((desk.workflow(),))
    (made,) = desk.client(server).attach([job.id])
    assert (made.status, len(made.run.outputs), len(server.begun)) == ("done", 1, 1)


def test_a_job_that_nobody_knows_is_not_waited_for(serve, desk):
    (made,) = desk.client(serve()).attach(["d5f0c0ce-2d3c-4f0c-9d2e-0a8cf7d2b7c1"])
    assert made.status == "lost"


def test_cancel_stops_our_jobs_and_nobody_elses(serve, desk):
    server = serve()
    server.paused = True
    other, ours = desk.client(server), desk.client(server)
    (foreign,) = other.submit((desk.workflow("other.json"),))
    (mine,) = ours.submit((desk.workflow("mine.json"),))
    wait_until(lambda: server.running == [foreign.id])
    ours.cancel()
    assert (server.interrupts, server.pending) == ([], [])
    other.cancel()
    assert server.interrupts == [foreign.id]
    assert mine.id not in server.begun


def test_a_job_that_somebody_cancelled_ends_with_that_word(serve, desk):
    server = serve()
    server.paused = True
    client = desk.client(server)
    (job,) = client.submit((desk.workflow(),))
    wait_until(lambda: server.running == [job.id])
    client.cancel()
    (made,) = client.watch()
    assert made.status == "cancelled"


def wait_until(holds):
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# Clear lines


def test_a_wrong_value_is_named_with_node_and_input(serve, desk):
    error = {
        "type": "value_smaller_than_min",
        "message": "Value 0 smaller than min of 1",
        "details": "steps",
        "extra_info": {"input_name": "steps", "input_config": ["INT", {"min": 1}], "received_value": 0},
    }
    refused = {"2": {"errors": [error], "dependent_outputs": ["3"], "class_type": "Work"}}
    with pytest.raises(WorkflowError) as caught:
        run(desk, serve(node_errors=refused))
    assert "'A Work' (node 2): input 'steps': 0 is below the least value 1" in str(caught.value)


def test_nodes_that_the_server_lacks_are_named_before_anything_is_sent(serve, desk):
    server = serve()
    path = desk.workflow()
    path.write_text(path.read_text().replace('"Work"', '"Unheard"'))
    with pytest.raises(WorkflowError, match=r"does not know: Unheard \(node 2\)"):
        run(desk, server, path)
    assert (server.uploads, server.prompts) == ({}, {})


def test_a_failing_node_is_named_in_its_own_words(serve, desk):
    failure = {
        "node_id": "2",
        "exception_type": "pack.motionweave.errors.InputError",
        "exception_message": "no light\n",
    }
    (made,) = run(desk, serve(failure=failure))
    assert (made.status, made.error) == ("failed", "'A Work' (node 2): no light")


def test_a_refused_login_says_how_to_log_in(serve, desk):
    server = serve(password="Bearer x")
    with pytest.raises(ServerError, match="--header"):
        run(desk, server)
    (made,) = run(desk, server, headers={"Authorization": "Bearer x"})
    assert made.status == "done"


def test_a_file_too_large_for_the_server_says_what_to_change(serve, desk):
    (desk.folder / "input" / "mine.png").write_bytes(bytes(2**21))
    with pytest.raises(ServerError, match="--max-upload-size"):
        run(desk, serve())


def test_a_server_that_is_not_there_is_named(desk):
    with pytest.raises(ServerError, match=r"no answer from http://127\.0\.0\.1:9 "):
        desk.client("127.0.0.1:9").submit((desk.workflow(),))


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://[x", ""])
def test_an_address_that_is_none_is_refused(desk, url):
    with pytest.raises(InputError, match="address"):
        desk.client(url).submit((desk.workflow(),))


def test_a_password_in_the_address_is_kept_out_of_messages(desk):
    with pytest.raises(ServerError) as caught:
        desk.client("http://me:secret@127.0.0.1:9").submit((desk.workflow(),))
    assert "secret" not in str(caught.value)
