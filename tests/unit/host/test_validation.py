"""What is wrong with a workflow is said in one line, before anything runs."""

import pytest

from motionweave.errors import InputError, UnsupportedError, WorkflowError
from motionweave.host.catalogue import build_catalogue, describe
from motionweave.host.graph import graph_from_prompt
from motionweave.host.v3 import io
from motionweave.host.validate import validate
from motionweave.host.workflow import apply_overrides, read_workflow

SAMPLER = {"seed": 1, "steps": 2, "mode": "fast", "note": "", "tiled": False}


def graph(*, sampler=None, show=None, **more):
    prompt = {
        "1": {"class_type": "Sampler", "inputs": {**SAMPLER, **(sampler or {})}, "_meta": {"title": "My sampler"}},
        "2": {
            "class_type": "Show",
            "inputs": {"number": ["1", 0]} if show is None else show,
            "_meta": {"title": "End"},
        },
        **{id: {"class_type": kind, "inputs": inputs} for id, (kind, inputs) in more.items()},
    }
    return graph_from_prompt(prompt)


def refusal(workflow, catalogue):
    with pytest.raises(WorkflowError) as refused:
        validate(workflow, catalogue)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_sound_workflow_passes(catalogue):
    validate(graph(), catalogue)


def test_an_unknown_node_is_named_and_a_server_recommended(catalogue):
    message = refusal(graph(node9=("KSampler", {})), catalogue)
    assert "'KSampler' (node node9)" in message
    assert "ComfyUI server" in message


def test_of_many_unknown_nodes_a_few_are_named(catalogue):
    message = refusal(graph(**{f"n{index}": ("Far", {}) for index in range(40)}), catalogue)
    assert "and 35 more" in message


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ({"number": ["44", 0]}, "'End' (node 2): input 'number': its link comes from node 44"),
        ({"number": ["1", 7]}, "output 7 of 'My sampler' (node 1), which has 2 outputs"),
        ({"number": ["1", -1]}, "output -1"),
        ({"number": ["1", 1]}, "'My sampler' (node 1) gives IMAGE, and INT is expected"),
        ({}, "'End' (node 2): input 'number': nothing is connected"),
    ],
)
def test_a_wrong_wire_is_named_at_both_ends(catalogue, show, expected):
    assert expected in refusal(graph(show=show), catalogue)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"steps": 0}, "input 'steps': 0 is below the least value 1"),
        ({"steps": 101}, "input 'steps': 101 is above the greatest value 100"),
        ({"steps": "many"}, "input 'steps': 'many' is not a number"),
        ({"steps": 2.5}, "input 'steps': 2.5 is not a whole number"),
        ({"steps": None}, "input 'steps': None is not a number"),
        ({"steps": float("nan")}, "input 'steps': nan is not a number"),
        ({"steps": float("inf")}, "input 'steps': inf is not a number"),
        ({"steps": True}, "input 'steps': True is not a number"),
        ({"mode": "slow"}, "input 'mode': 'slow' is not one of fast, good"),
        ({"tiled": "maybe"}, "input 'tiled': 'maybe' is not true or false"),
        ({"tiled": []}, "input 'tiled': [] is not true or false"),
        ({"note": {"a": 1}}, "input 'note': {'a': 1} is not text"),
        ({"image": "picture.png"}, "input 'image': 'picture.png' stands where IMAGE"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(catalogue, values, expected):
    message = refusal(graph(sampler=values), catalogue)
    assert message.startswith("'My sampler' (node 1): ")
    assert expected in message


@pytest.mark.parametrize("values", [{"steps": "12"}, {"steps": 12.0}, {"tiled": "yes"}, {"tiled": 1}, {"note": 5}])
def test_values_that_say_the_same_in_another_type_are_taken(catalogue, values):
    validate(graph(sampler=values), catalogue)


def test_several_problems_give_the_first_and_the_count_of_the_rest(catalogue):
    assert refusal(graph(sampler={"steps": 0, "mode": "slow"}), catalogue).endswith("(and 1 more)")


def test_a_cycle_names_those_in_it(catalogue):
    workflow = graph(
        sampler={"seed": ["3", 0]},
        **{"3": ("Sampler", {**SAMPLER, "seed": ["1", 0]})},
    )
    message = refusal(workflow, catalogue)
    assert "circle" in message
    assert "'My sampler' (node 1)" in message
    assert "(node 3)" in message
    assert "End" not in message


def test_a_workflow_without_an_output_node_is_refused(catalogue):
    workflow = graph_from_prompt({"1": {"class_type": "Sampler", "inputs": SAMPLER}})
    assert "no output node" in refusal(workflow, catalogue)


def test_a_long_chain_is_no_problem(catalogue):
    chain = {f"n{index}": ("Sampler", {**SAMPLER, "seed": [f"n{index - 1}", 0]}) for index in range(1, 3000)}
    validate(graph(show={"number": ["n2999", 0]}, n0=("Sampler", SAMPLER), **chain), catalogue)


@pytest.mark.parametrize("name", ["nowhere.png", "../secret.png", "/etc/passwd", "x.png [output]"])
def test_a_file_is_judged_by_whether_it_is_there(catalogue, name):
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    assert refusal(graph_from_prompt(prompt), catalogue).startswith("'LoadImage' (node 1): input 'image': ")


class Judge(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="Judge",
            inputs=[io.Int.Input("a", max=5), io.Int.Input("b", max=5), io.Int.Input("c", optional=True)],
            outputs=[io.Int.Output(display_name="a")],
            is_output_node=True,
        )

    @classmethod
    async def validate_inputs(cls, a, c=7):
        if a is not None and a > 100:
            return f"a is {a}, c is {c}"
        return True

    @classmethod
    def execute(cls, a, **_others):
        return io.NodeOutput(a)


def judged(**inputs):
    return graph_from_prompt({"1": {"class_type": "Judge", "inputs": inputs}})


def test_a_node_that_judges_an_input_itself_replaces_the_schemas_limits():
    catalogue = build_catalogue([Judge])
    validate(judged(a=50, b=5), catalogue)
    assert refusal(judged(a=101, b=5), catalogue) == "'Judge' (node 1): a is 101, c is 7"
    assert "input 'b': 6 is above" in refusal(judged(a=50, b=6), catalogue)


def test_linked_inputs_reach_the_nodes_own_judgement_as_none():
    workflow = graph_from_prompt(
        {
            "1": {"class_type": "Judge", "inputs": {"a": 1, "b": 1}},
            "2": {"class_type": "Judge", "inputs": {"a": ["1", 0], "b": 1}},
        }
    )
    validate(workflow, build_catalogue([Judge]))


def test_nodes_that_need_more_than_this_host_has_are_refused():
    class Lazy(Judge):
        @classmethod
        def check_lazy_status(cls, **_values):
            return []

    class Expanding(Judge):
        @classmethod
        def define_schema(cls):
            return io.Schema(node_id="Expanding", enable_expand=True)

    for node in (Lazy, Expanding):
        with pytest.raises(UnsupportedError, match="ComfyUI server"):
            describe(node)


@pytest.mark.parametrize(
    ("override", "input", "value"),
    [
        ("1.steps=7", "steps", 7),
        ("My sampler.steps=7", "steps", 7),
        ("My sampler.mode=good", "mode", "good"),
        ("My sampler.note=a=b.c", "note", "a=b.c"),
        ("1.tiled=yes", "tiled", True),
        ("1.shift=0.25", "shift", 0.25),
        ('1.points=[{"x": 1}]', "points", [{"x": 1}]),
    ],
)
def test_an_input_is_set_by_id_or_title_and_read_by_its_type(catalogue, override, input, value):
    changed = apply_overrides(graph(), [override], catalogue)
    assert changed.nodes["1"].inputs[input] == value
    assert type(changed.nodes["1"].inputs[input]) is type(value)


def test_setting_an_input_replaces_its_link(catalogue):
    assert apply_overrides(graph(), ["End.number=5"], catalogue).nodes["2"].inputs["number"] == 5


def test_a_title_may_have_dots(catalogue):
    prompt = {"1": {"class_type": "Sampler", "inputs": SAMPLER, "_meta": {"title": "v1.5 take"}}}
    assert apply_overrides(graph_from_prompt(prompt), ["v1.5 take.steps=7"], catalogue).nodes["1"].inputs["steps"] == 7


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("1.steps", "expected NODE.INPUT=VALUE"),
        ("steps=5", "'My sampler' (node 1)"),
        ("9.steps=5", "'My sampler' (node 1)"),
        ("1.speed=5", "has no input 'speed'; it has seed, steps"),
        ("1.steps=many", "was set to 'many'; expected INT"),
        ("1.tiled=perhaps", "expected BOOLEAN"),
        ("1.points={", "is not JSON"),
    ],
)
def test_what_cannot_be_set_says_what_can(catalogue, override, expected):
    with pytest.raises(InputError) as refused:
        apply_overrides(graph(), [override], catalogue)
    assert expected in str(refused.value)


def test_a_title_of_several_nodes_lists_their_ids(catalogue):
    prompt = {id: {"class_type": "Sampler", "inputs": SAMPLER, "_meta": {"title": "S"}} for id in ("4", "5:2")}
    with pytest.raises(InputError, match="stands for nodes 4, 5:2"):
        apply_overrides(graph_from_prompt(prompt), ["S.steps=5"], catalogue)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00x", b"", b"hello"])
def test_a_file_that_is_no_json_is_refused(tmp_path, catalogue, content):
    (tmp_path / "broken.json").write_bytes(content)
    with pytest.raises(WorkflowError, match=r"broken\.json is not"):
        read_workflow(tmp_path / "broken.json", catalogue)


def test_a_file_that_is_not_there_is_refused(tmp_path, catalogue):
    for path in (tmp_path / "nowhere.json", tmp_path):
        with pytest.raises(WorkflowError, match="cannot be read"):
            read_workflow(path, catalogue)
