"""Load Clips, Upscale Chunks and Stitch Chunks, executed as a workflow would."""

from fractions import Fraction

import pytest
import torch
from known_faces import KnownFaces, face_at
from PIL import Image
from safetensors.torch import save_file
from spandrel import ModelLoader
from spandrel.architectures.Compact import Compact

from motionweave.errors import InputError
from motionweave.host import load_pack
from motionweave.host.context import local_runtime, running_on
from motionweave.media import VideoWriter, probe_video, read_audio, read_metadata
from motionweave.runtime import Folders
from motionweave.types import Size


@pytest.fixture
def place(tmp_path):
    folders = Folders(tmp_path / "in", tmp_path / "out", tmp_path / "temp", (tmp_path / "models",))
    for folder in (folders.input / "clips", folders.output, folders.temp, tmp_path / "models/upscale_models"):
        folder.mkdir(parents=True)
    for name, count in (("a2.mkv", 6), ("a10.mkv", 8)):
        with VideoWriter(folders.input / "clips" / name, fps=Fraction(24), size=Size(32, 24), codec="ffv1") as writer:
            writer.write(torch.rand(count, 3, 24, 32))
    torch.manual_seed(0)
    weights = Compact(num_feat=8, num_conv=2, upscale=2).state_dict()
    save_file(weights, tmp_path / "models/upscale_models/tiny_x2.safetensors")
    return folders


@pytest.fixture
def run(place, monkeypatch):
    nodes = load_pack()

    def execute(name, **inputs):
        node = nodes[f"MotionWeave{name}"]
        with running_on(local_runtime(place)):
            schema = node.GET_SCHEMA()
            unset = {i.id: i.default for i in schema.inputs if getattr(i, "default", None) is not None}
            hidden = type("Hidden", (), {"unique_id": "3:7", "prompt": {"1": {}}, "extra_pnginfo": None})
            monkeypatch.setattr(node, "hidden", hidden)
            return node.execute(**(unset | inputs))

    return execute


def test_clips_from_elsewhere_go_through_an_upscaler_into_one_file_with_sound(run, place):
    chunks, frames, fps = run("LoadClips", folder="clips", overlap=2).args
    assert (frames, fps) == (12, 24.0)
    larger = run("UpscaleChunks", chunks=chunks, model="tiny_x2.safetensors").args[0]
    assert larger.size == Size(64, 48)
    sound = {"waveform": torch.rand(1, 2, 48000) - 0.5, "sample_rate": 48000}
    made = run("StitchChunks", chunks=larger, audio=sound)
    path = made.args[0].get_stream_source()
    assert made.ui is None and str(place.temp) in str(path)
    info = probe_video(path)
    assert (info.frame_count, info.size, info.codec) == (12, Size(64, 48), "h264")
    assert read_audio(path).waveform.shape[1] == 24000


def test_the_canvas_own_upscaler_counts_in_place_of_a_name(run, place):
    chunks = run("LoadClips", folder="clips").args[0]
    theirs = ModelLoader().load_from_file(place.models[0] / "upscale_models/tiny_x2.safetensors")
    larger = run("UpscaleChunks", chunks=chunks, model="the connected one", width=40, height=30, upscale_model=theirs)
    assert larger.args[0].size == Size(40, 30)


def test_faces_are_made_anew_where_a_face_model_and_its_finder_are_given(run):
    chunks = run("LoadClips", folder="clips").args[0]
    finder = KnownFaces(((face_at(16, 12, 24),),) * 256)
    plain = {"chunks": chunks, "model": "tiny_x2.safetensors"}
    faces = {**plain, "identity_models": finder, "face_model": "tiny_x2.safetensors"}
    first, second = (run("UpscaleChunks", **each).args[0].clips()[0].path for each in (plain, faces))
    assert first.name == second.name and first.read_bytes() != second.read_bytes()
    for each in ({**faces, "face_strength": 0.0}, {**plain, "identity_models": finder}):
        assert run("UpscaleChunks", **each).args[0].clips()[0].path == first
    with pytest.raises(InputError, match="connect Load Identity Models"):
        run("UpscaleChunks", **{**faces, "identity_models": None})


def test_face_restorers_are_offered_for_faces_and_for_nothing_else(place):
    folder = place.models[0] / "facerestore_models"
    folder.mkdir()
    names = ("quantize.embedding.weight", "encoder.mid.attn_1.norm2.weight", "decoder.conv_out.weight")
    save_file({name: torch.zeros(1) for name in names}, folder / "RestoreFormer.safetensors")
    with running_on(local_runtime(place)):
        inputs = {each.id: each for each in load_pack()["MotionWeaveUpscaleChunks"].GET_SCHEMA().inputs}
    upscalers = inputs["model"].options[:-1]
    assert "tiny_x2.safetensors" in upscalers and "RestoreFormer.safetensors" not in upscalers
    assert inputs["face_model"].options == ["none", "RestoreFormer.safetensors", *upscalers]


@pytest.mark.parametrize(("codec", "suffix"), [("gif", ".gif"), ("prores", ".mov"), ("webp", ".webp")])
def test_what_save_video_does_not_take_is_saved_and_shown(run, place, codec, suffix):
    chunks = run("LoadClips", folder="clips").args[0]
    sound = {"waveform": torch.zeros(1, 1, 800), "sample_rate": 16000}
    made = run("StitchChunks", chunks=chunks, audio=sound, join="colour-matched", codec=codec)
    (shown,) = made.ui["images"]
    assert (shown["filename"], shown["subfolder"]) == (f"clips_00001_{suffix}", "motionweave")
    path = place.output / "motionweave" / shown["filename"]
    if codec == "webp":
        with Image.open(path) as webp:
            assert webp.n_frames == 14
    else:
        assert probe_video(path).frame_count == 14


def test_a_name_saves_into_the_output_folder_with_the_workflow_inside(run, place):
    chunks = run("LoadClips", folder="clips").args[0]
    for count in (1, 2):
        run("StitchChunks", chunks=chunks, save_as="films/dance", quality=40)
        assert len(list((place.output / "films").iterdir())) == count
    assert read_metadata(place.output / "films/dance_00002_.mp4")["prompt"] == '{"1": {}}'
    with pytest.raises(InputError, match="climbs out"):
        run("StitchChunks", chunks=chunks, save_as="../outside")
    with pytest.raises(InputError, match="climbs out"):
        run("LoadClips", folder="../out")
