"""Coroutines are waited for from ordinary code, also in a notebook, where an event loop runs already."""

import asyncio
import json
from contextvars import ContextVar

from motionweave.host import export_prompt
from motionweave.host.waiting import result_of

WHERE = ContextVar("WHERE", default="nowhere")


async def where() -> str:
    await asyncio.sleep(0)
    return WHERE.get()


def test_a_result_comes_with_the_callers_context_whether_a_loop_runs_or_not():
    async def cell() -> str:
        return result_of(where())

    token = WHERE.set("here")
    assert (result_of(where()), asyncio.run(cell())) == ("here", "here")
    WHERE.reset(token)


def test_a_workflow_is_exported_from_a_notebook(tmp_path):
    path = tmp_path / "light.json"
    path.write_text(json.dumps({"1": {"class_type": "MotionWeaveLight", "inputs": {}}}), encoding="utf-8")

    async def cell() -> str:
        return export_prompt(path)

    assert json.loads(asyncio.run(cell()))["1"]["class_type"] == "MotionWeaveLight"
