"""Queues one API-format prompt on a ComfyUI server and prints what the server tells about it, one JSON line each.

Run by the tests with ComfyUI's own interpreter, which brings aiohttp and Pillow; it uses nothing of the pack.

    watch_prompt.py http://127.0.0.1:8188 prompt.json [--interrupt-node ID]

Lines are the websocket's own messages; beside them ``preview`` (a picture's node and size), ``queued`` (the server's
reply) and ``interrupt_answered`` (where, among the others, the reply to POST /interrupt arrived).
"""

import argparse
import asyncio
import io
import json
import sys
import uuid
from pathlib import Path

import aiohttp
from PIL import Image

PREVIEW_WITH_METADATA = 4


def say(kind: str, data: dict) -> None:
    sys.stdout.write(json.dumps({"type": kind, "data": data}) + "\n")
    sys.stdout.flush()


def describe_preview(message: bytes) -> dict:
    """Read the binary frame: event (4 bytes), length of the metadata (4 bytes), metadata as JSON, picture."""
    length = int.from_bytes(message[4:8], "big")
    metadata = json.loads(message[8 : 8 + length])
    picture = Image.open(io.BytesIO(message[8 + length :]))
    picture.load()
    return {"node": metadata["node_id"], "size": picture.size, "format": picture.format}


async def post(session: aiohttp.ClientSession, path: str, body: dict) -> dict:
    async with session.post(path, json=body) as reply:
        text = await reply.text()
        return {"status": reply.status, "body": json.loads(text) if text else {}}


async def interrupt(session: aiohttp.ClientSession) -> None:
    say("interrupt_answered", await post(session, "/interrupt", {}))


async def watch(url: str, prompt: dict, interrupt_node: str | None) -> None:
    client_id = uuid.uuid4().hex
    pending: asyncio.Task[None] | None = None
    async with (
        aiohttp.ClientSession(url) as session,
        session.ws_connect("/ws", params={"clientId": client_id}, max_msg_size=0) as socket,
    ):
        await socket.send_json({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
        queued = await post(session, "/prompt", {"prompt": prompt, "client_id": client_id})
        say("queued", queued)
        if queued["status"] != 200:
            return
        async for message in socket:
            if message.type == aiohttp.WSMsgType.BINARY:
                if int.from_bytes(message.data[:4], "big") == PREVIEW_WITH_METADATA:
                    say("preview", describe_preview(message.data))
                continue
            event = json.loads(message.data)
            say(event["type"], event["data"])
            if event["type"] == "progress" and event["data"]["node"] == interrupt_node and pending is None:
                pending = asyncio.create_task(interrupt(session))
            if event["type"] == "executing" and event["data"]["node"] is None:
                break
        if pending is not None:
            await pending


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("prompt", type=Path)
    parser.add_argument("--interrupt-node")
    options = parser.parse_args()
    asyncio.run(watch(options.url, json.loads(options.prompt.read_text()), options.interrupt_node))
