"""The core nodes, on real files."""

import json
from fractions import Fraction

import pytest
import torch
from PIL import Image

from motionweave.errors import InputError, MediaError, WorkflowError
from motionweave.host.catalogue import build_catalogue
from motionweave.host.core import CORE_NODES
from motionweave.host.core.images import read_pictures
from motionweave.host.graph import Graph, graph_from_prompt
from motionweave.host.run import run_graph
from motionweave.host.v3 import InputImpl, Types
from motionweave.host.v3.ui import PreviewAudio, PreviewImage
from motionweave.media import probe_video, read_audio, read_clip, read_metadata

CORE = build_catalogue(CORE_NODES)


def run(place, prompt, canvas=None):
    graph = graph_from_prompt(prompt)
    return run_graph(Graph(graph.nodes, canvas), CORE, place.runtime)


def save_video(source):
    inputs = {"video": source, "filename_prefix": "video/out", "format": "auto", "codec": "auto"}
    return {"class_type": "SaveVideo", "inputs": inputs}


def test_inputs_have_comfyuis_names_order_and_defaults():
    names = {spec.id: [input.id for input in spec.inputs] for spec in CORE.values()}
    assert names["CreateVideo"] == ["images", "fps", "audio"]
    assert names["SaveVideo"] == ["video", "filename_prefix", "format", "codec"]
    assert names["ImageScaleBy"] == ["image", "upscale_method", "scale_by"]
    defaults = {input.id: input.default for input in CORE["SaveVideo"].inputs}
    assert defaults == {"video": None, "filename_prefix": "video/ComfyUI", "format": "auto", "codec": "auto"}
    assert [output.name for output in CORE["GetVideoComponents"].outputs] == ["images", "audio", "fps"]


def test_an_mp4_is_copied_without_decoding_and_gets_the_workflow(place):
    prompt = {"1": {"class_type": "LoadVideo", "inputs": {"file": "clip.mp4"}}, "2": save_video(["1", 0])}
    report = run(place, prompt, canvas={"nodes": [], "extra": 5})
    source, copy = place.input / "clip.mp4", report.outputs[0].path
    assert torch.equal(read_clip(source), read_clip(copy))
    assert torch.equal(read_audio(source).waveform, read_audio(copy).waveform)
    tags = read_metadata(copy)
    assert json.loads(tags["workflow"]) == {"nodes": [], "extra": 5}
    assert set(json.loads(tags["prompt"])) == {"1", "2"}


def test_a_video_taken_apart_and_put_together_keeps_length_rate_and_sound(place):
    prompt = {
        "1": {"class_type": "LoadVideo", "inputs": {"file": "clip.mp4"}},
        "2": {"class_type": "GetVideoComponents", "inputs": {"video": ["1", 0]}},
        "3": {"class_type": "CreateVideo", "inputs": {"images": ["2", 0], "fps": ["2", 2], "audio": ["2", 1]}},
        "4": save_video(["3", 0]),
    }
    info = probe_video(run(place, prompt).outputs[0].path)
    assert (info.frame_count, info.fps, info.has_audio) == (12, Fraction(30000, 1001), True)


def test_saved_files_are_counted_on(place):
    prompt = {"1": {"class_type": "LoadVideo", "inputs": {"file": "clip.mp4"}}, "2": save_video(["1", 0])}
    names = [run(place, prompt).outputs[0].path[-14:] for _ in range(2)]
    assert names == ["out_00001_.mp4", "out_00002_.mp4"]


def test_sound_is_saved_with_the_workflow(place):
    prompt = {
        "1": {"class_type": "LoadAudio", "inputs": {"audio": "sound.wav"}},
        "2": {"class_type": "SaveAudio", "inputs": {"audio": ["1", 0], "filename_prefix": "audio/x"}},
        "3": {"class_type": "PreviewAudio", "inputs": {"audio": ["1", 0]}},
    }
    report = run(place, prompt)
    (output,) = report.outputs
    assert output.path.endswith("x_00001_.flac")
    assert output.audio_s == pytest.approx(8820 / 22050)
    tags = {key.lower(): value for key, value in read_metadata(output.path).items()}
    assert set(json.loads(tags["prompt"])) == {"1", "2", "3"}
    assert torch.allclose(read_audio(output.path).waveform, read_audio(place.input / "sound.wav").waveform, atol=1e-6)


def test_values_and_sizes_are_shown_as_text(place):
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "picture.png"}},
        "2": {"class_type": "GetImageSize", "inputs": {"image": ["1", 0]}},
        **{f"s{slot}": {"class_type": "PreviewAny", "inputs": {"source": ["2", slot]}} for slot in range(3)},
        "p": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "a\nb"}},
        "q": {"class_type": "PreviewAny", "inputs": {"source": ["p", 0]}},
    }
    assert run(place, prompt).texts == ("48", "32", "1", "a\nb")


@pytest.mark.parametrize(
    ("kind", "value"),
    [("PrimitiveInt", 5), ("PrimitiveFloat", 0.5), ("PrimitiveString", "x"), ("PrimitiveBoolean", True)],
)
def test_primitives_give_their_value(place, kind, value):
    prompt = {
        "1": {"class_type": kind, "inputs": {"value": value}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    assert run(place, prompt).texts == (str(value),)


@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"])
def test_every_way_of_scaling_keeps_a_flat_picture_flat(method):
    flat = torch.full((2, 8, 12, 3), 0.6)
    (scaled,) = CORE["ImageScaleBy"].node.execute(flat, method, 1.5).args
    assert scaled.shape == (2, 12, 18, 3)
    assert torch.allclose(scaled, torch.tensor(0.6), atol=1 / 255)


def test_transparency_becomes_a_mask_and_colours_below_it_stay(tmp_path):
    Image.new("RGBA", (6, 4), (255, 0, 0, 51)).save(tmp_path / "a.png")
    pictures, masks = read_pictures(tmp_path / "a.png")
    assert torch.equal(pictures, torch.tensor([1.0, 0, 0]).expand(1, 4, 6, 3))
    assert torch.allclose(masks, torch.full((1, 4, 6), 0.8))


def test_a_picture_without_transparency_has_an_empty_mask_and_an_animation_is_a_batch(tmp_path):
    frames = [Image.new("RGB", (6, 4), (value, 0, 0)) for value in (0, 255)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    pictures, masks = read_pictures(tmp_path / "a.webp")
    assert pictures.shape == (2, 4, 6, 3)
    assert torch.equal(masks, torch.zeros(2, 64, 64))


def test_pictures_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x112] = 6
    Image.new("RGB", (6, 4)).save(tmp_path / "a.jpg", exif=exif)
    assert read_pictures(tmp_path / "a.jpg")[0].shape == (1, 6, 4, 3)


@pytest.mark.parametrize(
    ("kind", "input", "file"),
    [("LoadVideo", "file", "picture.png"), ("LoadImage", "image", "clip.mp4"), ("LoadVideo", "file", "sound.wav")],
)
def test_a_file_of_another_kind_is_refused_by_its_name(place, kind, input, file):
    with pytest.raises(MediaError, match=file):
        CORE[kind].node.execute(**{input: file})


def test_a_silent_video_has_no_sound_to_load(place):
    from motionweave.media import VideoWriter
    from motionweave.types import Size

    with VideoWriter(place.input / "silent.mp4", fps=Fraction(10), size=Size(16, 16)) as writer:
        writer.write(torch.zeros(2, 3, 16, 16))
    with pytest.raises(MediaError, match="has no sound"):
        CORE["LoadAudio"].node.execute("silent.mp4")
    assert InputImpl.VideoFromFile(place.input / "silent.mp4").get_components().audio is None


def test_values_cannot_write_outside_the_output_folder(place):
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "picture.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "../../escaped"}},
    }
    with pytest.raises(InputError, match=r"climbs out"):
        run(place, prompt)


def test_values_cannot_read_outside_the_folders(place, tmp_path):
    (tmp_path / "secret.png").write_bytes((place.input / "picture.png").read_bytes())
    prompt = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "../secret.png"}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }
    with pytest.raises(WorkflowError, match=r"climbs out"):
        run(place, prompt)


def test_a_file_video_answers_without_decoding_and_in_full(place):
    video = InputImpl.VideoFromFile(str(place.input / "clip.mp4"))
    assert video.get_stream_source() == str(place.input / "clip.mp4")
    assert video.get_dimensions() == (48, 32)
    assert video.get_frame_count() == 12
    assert video.get_frame_rate() == place.fps
    assert video.get_duration() == pytest.approx(12 * 1001 / 30000)
    parts = video.get_components()
    assert parts.images.shape == (12, 32, 48, 3)
    assert 0 <= parts.images.min() <= parts.images.max() <= 1
    assert parts.audio["waveform"].shape[:2] == (1, 1)
    assert parts.audio["sample_rate"] == 22050


def test_a_lossless_video_is_encoded_when_it_is_saved(place, tmp_path):
    from motionweave.media import VideoWriter
    from motionweave.types import Size

    with VideoWriter(tmp_path / "a.mkv", fps=Fraction(10), size=Size(16, 16), codec="ffv1") as writer:
        writer.write(torch.zeros(3, 3, 16, 16))
    InputImpl.VideoFromFile(tmp_path / "a.mkv").save_to(str(tmp_path / "b.mp4"), metadata={"k": [1]})
    assert (probe_video(tmp_path / "b.mp4").codec, probe_video(tmp_path / "b.mp4").frame_count) == ("h264", 3)
    assert read_metadata(tmp_path / "b.mp4")["k"] == "[1]"


def test_a_video_in_memory_answers_like_one_on_disk():
    parts = Types.VideoComponents(torch.zeros(5, 16, 24, 3), Fraction(25))
    video = InputImpl.VideoFromComponents(parts)
    assert (video.get_dimensions(), video.get_frame_count(), video.get_duration()) == ((24, 16), 5, 0.2)
    assert video.get_stream_source().read(12)[4:8] == b"ftyp"
    with pytest.raises(InputError, match="at least one frame"):
        InputImpl.VideoFromComponents(Types.VideoComponents(torch.zeros(0, 16, 24, 3), Fraction(25)))
    with pytest.raises(InputError, match="expected mp4"):
        video.save_to("x.webm", format="webm")


def test_previews_go_to_the_temp_folder(place):
    shown = PreviewImage(torch.zeros(2, 8, 8, 3)).as_dict()
    assert [each["type"] for each in shown["images"]] == ["temp", "temp"]
    assert shown["animated"] == (False,)
    sound = PreviewAudio({"waveform": torch.zeros(1, 1, 100), "sample_rate": 8000}).as_dict()
    files = [each["filename"] for each in (*shown["images"], *sound["audio"])]
    assert all((place.folders.temp / name).is_file() for name in files)
