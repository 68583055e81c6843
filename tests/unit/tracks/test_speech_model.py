"""Speech models as they are published: whose heads, which key names, and what is missing."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from motionweave.errors import MissingModelError, UnsupportedError
from motionweave.tracks.speech_model import FeatureClock, load_speech_model

TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": (8,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "vocab_size": 8,
}
PUBLISHED = {"do_normalize": True, "feature_size": 1, "padding_value": 0.0, "sampling_rate": 16000}


@pytest.fixture
def folder(tmp_path):
    """As facebook/wav2vec2-base-960h lies on the hub, only smaller: a recogniser of letters with its head."""
    from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

    torch.manual_seed(0)
    Wav2Vec2ForCTC(Wav2Vec2Config(**TINY)).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(PUBLISHED))
    return tmp_path


def rewrite(folder, change):
    weights = load_file(folder / "model.safetensors")
    save_file(change(weights), folder / "model.safetensors", metadata={"format": "pt"})


def test_a_published_recogniser_loads_without_its_head(folder):
    model = load_speech_model(folder)
    assert type(model.network).__name__ == "Wav2Vec2Model"
    assert not model.network.training
    assert (model.layer_count, model.width, model.normalises) == (2, 16, True)
    weights = load_file(folder / "model.safetensors")
    found = model.network.state_dict()
    assert torch.equal(found["encoder.layers.0.attention.k_proj.weight"],
                       weights["wav2vec2.encoder.layers.0.attention.k_proj.weight"])  # fmt: skip


def test_weight_norm_may_be_named_as_older_files_name_it(folder):
    new = load_speech_model(folder)
    names = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}

    def older(weights):
        return {
            next((key.replace(a, b) for a, b in names.items() if a in key), key): value
            for key, value in weights.items()
            if "masked_spec_embed" not in key  # which the published file lacks, too
        }

    rewrite(folder, older)
    assert any(key.endswith("weight_g") for key in load_file(folder / "model.safetensors"))
    old = load_speech_model(folder)
    assert torch.equal(old.network.encoder.pos_conv_embed.conv.weight, new.network.encoder.pos_conv_embed.conv.weight)
    assert old.digest != new.digest


def test_weights_that_are_not_all_there_are_not_made_up(folder):
    rewrite(folder, lambda weights: {key: value for key, value in weights.items() if "layers.1.attention" not in key})
    with pytest.raises(MissingModelError, match="lacks 8 of Wav2Vec2's weights"):
        load_speech_model(folder)


def test_a_missing_file_is_named(folder):
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(MissingModelError, match=r"preprocessor_config\.json"):
        load_speech_model(folder)


def test_another_kind_of_model_is_told_apart(folder):
    (folder / "config.json").write_text(json.dumps({"model_type": "whisper"}))
    with pytest.raises(UnsupportedError, match="whisper"):
        load_speech_model(folder)


def test_the_clock_is_that_of_the_published_kernels_and_strides(folder):
    clock = load_speech_model(folder).clock
    assert clock == FeatureClock(16_000, 320, 400)
    assert clock.fps == 50
    assert float(clock.first_s) == pytest.approx(0.0125, abs=1e-4)
    assert [clock.frame_count(count) for count in (0, 399, 400, 719, 720, 16_000)] == [0, 0, 1, 1, 2, 49]
