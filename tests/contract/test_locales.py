"""The canvas's languages: English says what the schemas say, and every other language has all of it.

After a change of a schema, ``MOTIONWEAVE_LOCALES=1 pytest tests/contract/test_locales.py`` writes English anew; the
other languages are written by people.
"""

import json
import os
import re
from pathlib import Path

import pytest

from motionweave.host import load_pack

LOCALES = Path(__file__).resolve().parents[2] / "locales"
LANGUAGES = sorted(folder.name for folder in LOCALES.iterdir() if folder.is_dir())
FILES = ("main.json", "nodeDefs.json")
OTHER_NAMES = {
    "Weave",
    "\u9069\u7528",
    "\u52d5\u753b\u3092\u4fdd\u5b58",
    "\u30a2\u30c3\u30d7\u30b9\u30b1\u30fc\u30eb\u30e2\u30c7\u30eb\u3092\u8aad\u307f\u8fbc\u3080",
}
"""What Japanese texts name beside nodes: Weave for short, Apply nodes, ComfyUI's Save Video and Load Upscale Model."""


def read(language: str, file: str) -> dict:
    return json.loads((LOCALES / language / file).read_text(encoding="utf-8"))


def texts_of(schema) -> dict:
    """Give what a node says of itself, as the canvas's files of languages have it."""
    inputs = {each.id: {"name": each.display_name or each.id, "tooltip": each.tooltip} for each in schema.inputs}
    outputs = {str(i): {"name": each.display_name, "tooltip": each.tooltip} for i, each in enumerate(schema.outputs)}
    return {
        "display_name": schema.display_name,
        "description": schema.description,
        "inputs": inputs,
        "outputs": outputs,
    }


def words_of(socket: str) -> str:
    """Give a socket's type as a person says it."""
    words = socket.removeprefix("MOTIONWEAVE_").replace("_", " ").lower()
    return {"controlnet": "ControlNet", "reference net": "ReferenceNet"}.get(words, words)


def english() -> dict[str, dict]:
    """Give the files of English as the nodes have them."""
    schemas = [node.GET_SCHEMA() for node in load_pack().values()]
    sockets = [each for schema in schemas for each in (*schema.inputs, *schema.outputs)]
    types = {kind for each in sockets for kind in each.get_io_type().split(",")}
    own = sorted(each for each in types if each.startswith("MOTIONWEAVE_"))
    stages = ["MotionWeave", *dict.fromkeys(schema.category.partition("/")[2] for schema in schemas)]
    return {
        "main.json": {
            "nodeCategories": {stage: stage for stage in stages},
            "dataTypes": {socket: words_of(socket) for socket in own},
        },
        "nodeDefs.json": {schema.node_id: texts_of(schema) for schema in schemas},
    }


def leaves(data: dict, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Give every text by its keys."""
    found = {}
    for key, value in data.items():
        found |= leaves(value, (*path, key)) if isinstance(value, dict) else {(*path, key): value}
    return found


@pytest.mark.parametrize("file", FILES)
def test_english_is_what_the_nodes_say(file):
    expected = english()[file]
    if os.environ.get("MOTIONWEAVE_LOCALES"):
        text = json.dumps(expected, indent=2, ensure_ascii=False)
        (LOCALES / "en" / file).write_text(f"{text}\n", encoding="utf-8", newline="\n")
    assert read("en", file) == expected


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_text_is_there_in_every_language_and_none_is_left_over(language, file):
    ours, theirs = leaves(read("en", file)), leaves(read(language, file))
    assert set(ours) - set(theirs) == set()
    assert set(theirs) - set(ours) == set()
    assert [keys for keys, text in theirs.items() if not text.strip()] == []


@pytest.mark.parametrize(
    ("language", "letters"), [("zh", "[\u4e00-\u9fff]"), ("ja", "[\u3040-\u30ff\u4e00-\u9fff]")], ids=["zh", "ja"]
)
def test_every_language_is_written_in_its_own_letters(language, letters):
    texts = leaves(read(language, "nodeDefs.json"))
    told = {keys: text for keys, text in texts.items() if keys[-1] in ("tooltip", "description")}
    assert [keys for keys, text in told.items() if not re.search(letters, text)] == []


def test_nodes_that_a_japanese_text_names_are_called_as_they_are():
    """Node names stand in corner brackets; so do some of ComfyUI's, and inputs of the same node."""
    nodes = read("ja", "nodeDefs.json")
    known = {node["display_name"] for node in nodes.values()} | OTHER_NAMES
    for node in nodes.values():
        named = known | {each["name"] for each in node["inputs"].values()}
        texts = [text for keys, text in leaves(node).items() if keys[-1] in ("tooltip", "description")]
        assert {each for text in texts for each in re.findall("\u300c(.+?)\u300d", text)} - named == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_has_a_letter_that_the_canvas_takes_for_its_own(language):
    """The canvas reads texts as templates, in which these letters mean something."""
    texts = leaves(read(language, "nodeDefs.json")) | leaves(read(language, "main.json"))
    assert {keys: text for keys, text in texts.items() if re.search(r"[@{}|$%]", text)} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_choices_that_a_text_gives_are_the_canvas_own(language):
    """Choices are not translated, so a text that explains some has to call them as they are."""
    tips = read(language, "nodeDefs.json")
    for node, input, choices in (
        ("MotionWeavePlanChunks", "context", ("sequential", "fused", "shifted", "independent")),
        ("MotionWeaveWeave", "sampler", ("euler", "dpmpp_2m")),
        ("MotionWeaveStitchChunks", "codec", ("h264", "prores", "ffv1", "gif", "webp")),
        ("MotionWeaveChoosePerson", "choice", ("track", "largest", "index", "all")),
    ):
        assert [each for each in choices if each not in tips[node]["inputs"][input]["tooltip"]] == []
