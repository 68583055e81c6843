"""What saved workflows and artists rely on, checked node by node through the pack's own door."""

import inspect
import json
import re
from pathlib import Path

import pytest

from motionweave.host import load_pack

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "web" / "docs"

# Saved workflows name nodes and inputs by id and keep widget values by place. So an id or an input is never renamed,
# removed or put elsewhere; a new input is optional and goes last, here too.
FROZEN: dict[str, list[str]] = json.loads((Path(__file__).parent / "node_ids.json").read_text(encoding="utf-8"))
STAGES = {"load", "tracks", "identity", "controls", "weave", "measure", "train"}

each_node = pytest.mark.parametrize("node_id", FROZEN)


@pytest.fixture(scope="module")
def pack():
    return load_pack()


@pytest.fixture
def node(pack, node_id):
    return pack[node_id]


@pytest.fixture
def schema(node):
    return node.GET_SCHEMA()


def page_of(node_id: str) -> str:
    page = PAGES / f"{node_id}.md"
    assert page.is_file(), f"{node_id} has no help page; write web/docs/{page.name}"
    return page.read_text(encoding="utf-8")


def table_of(page: str, heading: str) -> list[list[str]]:
    """Give the cells of the table below a heading, without its own head."""
    section = page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_the_pack_has_exactly_the_nodes_that_workflows_know(pack):
    assert sorted(pack) == sorted(FROZEN)


@each_node
def test_ids_say_whose_node_it_is_and_inputs_keep_their_places(node_id, schema):
    assert re.fullmatch(r"MotionWeave[A-Z][A-Za-z]+", node_id)
    assert [each.id for each in schema.inputs] == FROZEN[node_id]


@each_node
def test_a_node_stands_in_its_stages_menu_under_a_name_with_a_description(schema):
    pack_name, _, stage = schema.category.partition("/")
    assert (pack_name, stage in STAGES) == ("MotionWeave", True)
    assert schema.display_name
    assert schema.description.endswith(".")


@each_node
def test_every_input_and_output_explains_itself(schema):
    assert [each.id for each in schema.inputs if not each.tooltip] == []
    assert [index for index, each in enumerate(schema.outputs) if not each.tooltip] == []


@each_node
def test_every_output_has_a_name_of_its_own(schema):
    names = [each.display_name for each in schema.outputs]
    assert all(names)
    assert len(set(names)) == len(names)


@each_node
def test_execute_takes_the_inputs_and_can_do_without_the_optional_ones(node, schema):
    parameters = inspect.signature(node.execute).parameters
    assert set(parameters) == {each.id for each in schema.inputs}
    without_default = {name for name, each in parameters.items() if each.default is inspect.Parameter.empty}
    assert without_default == {each.id for each in schema.inputs if not each.optional}


@each_node
def test_a_node_class_holds_class_methods_and_nothing_else(node):
    """ComfyUI runs a locked clone of the class, and hosts may run several at once: there is no place for state."""
    held = {name: value for name, value in vars(node).items() if not name.startswith("__")}
    assert {name for name, value in held.items() if not isinstance(value, classmethod)} == set()
    assert "__init__" not in vars(node)


@each_node
def test_reading_a_schema_twice_gives_the_same_in_new_objects(node):
    first, second = node.GET_SCHEMA(), node.GET_SCHEMA()
    assert [each.as_dict() for each in first.inputs] == [each.as_dict() for each in second.inputs]
    assert not {id(each) for each in first.inputs} & {id(each) for each in second.inputs}


@each_node
def test_the_help_page_has_the_nodes_name_and_tells_of_every_input_and_output(node_id, schema):
    page = page_of(node_id)
    assert page.splitlines()[0] == f"# {schema.display_name}"
    inputs, outputs = table_of(page, "Inputs"), table_of(page, "Outputs")
    assert [row[0] for row in inputs] == [each.id for each in schema.inputs]
    assert [row[0] for row in outputs] == [each.display_name for each in schema.outputs]
    assert all(cell for row in (*inputs, *outputs) for cell in row)


@each_node
def test_the_help_page_tells_the_default_and_the_bounds_of_numbers(node_id, schema):
    told = {row[0]: row[2] for row in table_of(page_of(node_id), "Inputs")}
    for each in schema.inputs:
        if each.get_io_type() in ("INT", "FLOAT"):
            default = f"{each.default:,}" if isinstance(each.default, int) else f"{each.default:g}"
            assert told[each.id].endswith(f"; {default}"), f"{each.id}: {told[each.id]!r} lacks the default {default}"
            assert told[each.id].startswith(f"{each.min:g}")


@each_node
def test_the_help_page_shows_an_example_and_has_no_raw_html(node_id):
    page = page_of(node_id)
    assert "\n## Example\n" in page
    assert not re.search(r"</?[A-Za-z]", re.sub(r"`[^`]*`", "", page))


def test_no_help_page_is_left_over():
    assert sorted(page.stem for page in PAGES.glob("*.md")) == sorted(FROZEN)
