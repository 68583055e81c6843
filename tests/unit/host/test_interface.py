"""The stand-in for ComfyUI's public interface, and the pack seen through it."""

import subprocess
import sys
from pathlib import Path

import pytest

from motionweave.host.api import install
from motionweave.host.catalogue import describe
from motionweave.host.pack import PACK_NAME, load_pack
from motionweave.host.v3 import io

ROOT = Path(__file__).resolve().parents[3]
needs_pack = pytest.mark.skipif(not (ROOT / "__init__.py").is_file(), reason="this checkout has no root __init__.py")


def test_options_have_comfyuis_json_names():
    number = io.Int.Input(
        "a", default=1, min=0, max=9, control_after_generate=True, display_mode=io.NumberDisplay.slider
    )
    assert number.as_dict() == {
        "optional": False, "default": 1, "min": 0, "max": 9, "control_after_generate": True, "display": "slider",
    }  # fmt: skip
    assert io.String.Input("a").as_dict() == {"optional": False, "multiline": False}
    upload = io.Combo.Input("a", ["x"], upload=io.UploadType.image, image_folder=io.FolderType.input)
    assert upload.as_dict() == {
        "optional": False, "multiselect": False, "options": ["x"], "image_upload": True, "image_folder": "input",
    }  # fmt: skip
    assert io.Float.Input("a", force_input=True, extra_dict={"unit": "s"}).as_dict()["unit"] == "s"


@pytest.mark.parametrize(
    "make",
    [
        lambda: io.Int.Input("a", advanced=True),
        lambda: io.Image.Input("a", default=1),
        lambda: io.Schema(node_id="X", search_aliases=["y"]),
    ],
)
def test_keywords_that_the_oldest_comfyui_lacks_are_refused(make):
    with pytest.raises(TypeError):
        make()


def test_types_have_their_names_and_keep_them_apart():
    a, b = io.Custom("A"), io.Custom("B")
    assert [a.Input("x").get_io_type(), b.Output("x").get_io_type(), io.AnyType.Input("x").get_io_type()] == [
        "A",
        "B",
        "*",
    ]
    assert io.MultiType.Input("x", types=[a, io.Image, a]).get_io_type() == "A,IMAGE"
    several = io.MultiType.Input(io.Float.Input("x", default=1.0, optional=True), types=[a])
    assert (several.id, several.get_io_type(), several.optional) == ("x", "FLOAT,A", True)
    assert several.as_dict()["default"] == 1.0


def test_a_type_of_ones_own_may_be_a_widget():
    @io.comfytype(io_type="CURVE")
    class Curve(io.ComfyTypeIO):
        class Input(io.WidgetInput):
            pass

    class Node(io.ComfyNode):
        @classmethod
        def define_schema(cls):
            return io.Schema(node_id="N", inputs=[Curve.Input("curve", default=[1]), io.Image.Input("image")])

    assert [(input.type, input.is_widget) for input in describe(Node).inputs] == [("CURVE", True), ("IMAGE", False)]


def test_two_inputs_of_one_name_are_refused():
    class Node(io.ComfyNode):
        @classmethod
        def define_schema(cls):
            return io.Schema(node_id="N", inputs=[io.Int.Input("a"), io.Int.Input("a")])

    with pytest.raises(ValueError, match="must be unique"):
        describe(Node)


def test_output_nodes_get_the_workflow():
    schema = io.Schema(node_id="N", is_output_node=True, outputs=[io.Image.Output()])
    schema.finalize()
    assert schema.hidden == [io.Hidden.prompt, io.Hidden.extra_pnginfo]
    assert schema.outputs[0].id == "_0_IMAGE_"


def test_nodes_import_the_interface_by_comfyuis_name():
    assert install()
    from comfy_api.latest import ComfyExtension, InputImpl, ui  # noqa: F401
    from comfy_api.latest import io as theirs

    assert theirs is io


def test_a_real_comfyui_is_never_covered(tmp_path):
    (tmp_path / "comfy_api").mkdir()
    (tmp_path / "comfy_api" / "__init__.py").touch()
    (tmp_path / "comfy_api" / "latest.py").write_text("REAL = True\n")
    program = (
        "from motionweave.host import install; made = install(); import comfy_api.latest as l; print(made, l.REAL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": str(tmp_path), "PATH": "", "SYSTEMROOT": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.split() == ["False", "True"]


@needs_pack
def test_the_library_exists_once_on_both_sides():
    import motionweave
    from motionweave.tracks.keypoints import __name__ as inner

    nodes = load_pack()
    assert sys.modules[f"{PACK_NAME}.motionweave"] is motionweave
    assert not [name for name in sys.modules if name.startswith(f"{PACK_NAME}.motionweave.")]
    assert inner == "motionweave.tracks.keypoints"
    runtime = sys.modules[f"{PACK_NAME}.nodes.runtime"]
    assert isinstance(runtime.folders(), motionweave.Folders)
    with pytest.raises(motionweave.InputError):
        runtime_of_the_node = sys.modules[f"{PACK_NAME}.nodes.convert"]
        runtime_of_the_node.pixels_from_image(__import__("torch").zeros(1))
    assert all(issubclass(node, io.ComfyNode) for node in nodes.values())


@needs_pack
def test_the_pack_gives_its_nodes_by_id_and_every_one_can_be_described():
    nodes = load_pack()
    assert nodes
    assert all(id.startswith("MotionWeave") and describe(node).id == id for id, node in nodes.items())
    assert load_pack() == nodes


def test_a_folder_without_nodes_is_no_pack(tmp_path):
    program = (
        "import sys; from pathlib import Path; from motionweave.host import load_pack\n"
        "from motionweave.errors import UnsupportedError\n"
        "try: load_pack(Path(sys.argv[1]))\n"
        "except UnsupportedError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "no nodes lie beside the library" in done.stdout
