"""StableAnimator's face adapter against a plain re-implementation of the published encoder and attention processor."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from motionweave.backbones.base import ActiveControl, Conditioning, Identity, Pass
from motionweave.models.face_fusion import FaceAdapter
from motionweave.models.injections import UNetInputs
from motionweave.models.layer_tokens import spatial_cross_attention
from motionweave.types import Size

FRAMES = 3


@pytest.fixture(scope="module")
def net(tiny_backbone):
    torch.manual_seed(1)
    net = FaceAdapter.from_unet(tiny_backbone.unet, 16, token_count=4, depth=2, heads=2).eval()
    for name, weight in net.named_parameters():
        if "processor" in name:
            nn.init.normal_(weight, std=0.3)
    return net.requires_grad_(False)


@pytest.fixture(scope="module")
def who():
    """A face's embedding, as long as recognisers give them, and the image's token."""
    generator = torch.Generator().manual_seed(2)
    return 3 * torch.randn(1, 16, generator=generator), torch.randn(1, 1, 32, generator=generator)


@pytest.fixture(scope="module")
def sample():
    return torch.randn(2, FRAMES, 8, 4, 4, generator=torch.Generator().manual_seed(3))


def published_encoder(state, embedding, clip, heads, depth):
    """`FusionFaceId` from its published names."""

    def linear(name, value):
        return F.linear(value, state[f"{name}.weight"], state.get(f"{name}.bias"))

    def norm(name, value):
        return F.layer_norm(value, value.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])

    def parted(value):
        return value.view(*value.shape[:2], heads, -1).transpose(1, 2)

    latents = linear("proj.2", F.gelu(linear("proj.0", embedding))).reshape(1, 4, -1)
    latents, picture = norm("norm", latents), linear("fusion_model.proj_in", clip)
    for index in range(depth):
        attention, feed = (f"fusion_model.layers.{index}.{part}" for part in (0, 1))
        seen, asking = norm(f"{attention}.norm1", picture), norm(f"{attention}.norm2", latents)
        query = parted(linear(f"{attention}.to_q", asking))
        key, value = map(parted, linear(f"{attention}.to_kv", torch.cat((seen, asking), -2)).chunk(2, -1))
        scale = query.shape[-1] ** -0.25
        mixed = ((query * scale) @ (key * scale).transpose(-2, -1)).softmax(-1) @ value
        latents = linear(f"{attention}.to_out", mixed.transpose(1, 2).flatten(2)) + latents
        hidden = F.gelu(linear(f"{feed}.1", norm(f"{feed}.0", latents)))
        latents = linear(f"{feed}.3", hidden) + latents
    return norm("fusion_model.norm_out", linear("fusion_model.proj_out", latents))


class PublishedProcessor(nn.Module):
    """`AnimationIDAttnNormalizedProcessor`: parts the joined tokens, attends twice, fuses by mean and deviation."""

    def __init__(self, id_to_k, id_to_v):
        super().__init__()
        self.id_to_k, self.id_to_v, self.num_tokens, self.scale = id_to_k, id_to_v, 4, 1.0

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, **_):
        def attend(query, key, value):
            query, key, value = map(attn.head_to_batch_dim, (query, key, value))
            return attn.batch_to_head_dim(attn.get_attention_scores(query, key) @ value)

        end = encoder_hidden_states.shape[1] - self.num_tokens
        image, face = encoder_hidden_states[:, :end], encoder_hidden_states[:, end:]
        query = attn.to_q(hidden_states)
        own = attend(query, attn.to_k(image), attn.to_v(image))
        extra = attend(query, self.id_to_k(face), self.id_to_v(face))
        mean, std = own.mean((1, 2), keepdim=True), own.std((1, 2), keepdim=True)
        its_mean, its_std = extra.mean((1, 2), keepdim=True), extra.std((1, 2), keepdim=True)
        extra = (extra - its_mean) * (std / (its_std + 1e-5)) + mean
        return attn.to_out[1](attn.to_out[0](own + self.scale * extra))


class WithoutFace:
    """The published temporal blocks' attention: the last four tokens are dropped."""

    def __init__(self, processor):
        self.processor = processor

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, **rest):
        return self.processor(attn, hidden_states, encoder_hidden_states[:, :-4], **rest)


@pytest.fixture
def published_unet(tiny_backbone, net):
    """The backbone's UNet with the published processors in place, taken out afterwards."""
    unet = tiny_backbone.unet
    before = dict(unet.attn_processors)
    changed = {
        f"{name}.processor": PublishedProcessor(net.get_submodule(f"{name}.processor").id_to_k,
                                                net.get_submodule(f"{name}.processor").id_to_v)
        for name in spatial_cross_attention(unet)
    }  # fmt: skip
    temporal = {
        name: WithoutFace(each) for name, each in before.items()
        if ".temporal_transformer_blocks." in name and ".attn2." in name
    }  # fmt: skip
    for name, processor in (changed | temporal).items():
        unet.get_submodule(name.removesuffix(".processor")).processor = processor
    yield unet
    for name, processor in before.items():
        layer = unet.get_submodule(name.removesuffix(".processor"))
        layer._modules.pop("processor", None)
        layer.processor = processor


def own(net, sample, context, who):
    inputs = UNetInputs(sample, torch.tensor(0.3), context, torch.tensor([[6.0, 127.0, 0.02]] * 2))
    with torch.no_grad():
        return inputs, net(inputs, net.encode(*who))


def test_tokens_are_the_published_encoders(net, who):
    with torch.no_grad():
        expected = published_encoder(net.face_encoder.state_dict(), *who, heads=2, depth=2)
        made = net.face_encoder(*who)
    assert made.shape == (1, 4, 32)
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-5)


def run(unet, inputs, tokens, injections=None):
    rest = {} if injections is None else {"injections": injections}
    with torch.no_grad():
        return unet(inputs.sample, inputs.timestep, tokens, inputs.time_ids, **rest)


def test_parting_joined_tokens_is_the_same_as_never_joining_them(tiny_backbone, net, who, sample, request):
    context = torch.cat([torch.zeros_like(who[1]), who[1]])  # without the image, and with it
    inputs, added = own(net, sample, context, who)
    with_image = torch.tensor([0.0] * FRAMES + [1.0] * FRAMES)
    ours = run(tiny_backbone.unet, inputs, context, added.scaled(with_image))
    plain = run(tiny_backbone.unet, inputs, context)

    published = request.getfixturevalue("published_unet")
    with torch.no_grad():
        face = published_encoder(net.face_encoder.state_dict(), *who, heads=2, depth=2)
    joined = torch.cat([context, torch.cat([torch.zeros_like(face), face])], 1)
    torch.testing.assert_close(ours, run(published, inputs, joined), rtol=0, atol=1e-5)
    assert (ours[1] - plain[1]).abs().max() > 1e-3
    torch.testing.assert_close(ours[0], plain[0], rtol=0, atol=1e-5)


def test_strength_0_skips_the_branch_and_empty_values_do_not(tiny_backbone, net, who, sample):
    inputs, added = own(net, sample, torch.cat([who[1]] * 2), who)
    unet = tiny_backbone.unet
    plain = run(unet, inputs, inputs.tokens)
    silent = run(unet, inputs, inputs.tokens, added.scaled(torch.zeros(2 * FRAMES)))
    torch.testing.assert_close(silent, plain, rtol=0, atol=1e-6)
    kept = {name: weight.clone() for name, weight in net.named_parameters() if "id_to_v" in name}
    try:
        for name in kept:
            net.get_parameter(name).zero_()
        _, empty = own(net, sample, inputs.tokens, who)
        # Normalising gives nothing the layer's own mean, so a face of nothing still moves the result.
        assert (run(unet, inputs, inputs.tokens, empty) - plain).abs().max() > 1e-5
    finally:
        for name, weight in kept.items():
            net.get_parameter(name).copy_(weight)


def test_in_a_run_strength_0_changes_no_bit_and_a_pass_without_the_image_stays_plain(tiny_backbone, net, who):
    identity = Identity(torch.randn(4, 4, 4), who[1][0], Size(32, 32), 0.02, "who")
    sample, passes = torch.randn(FRAMES, 4, 4, 4), (Pass(image=False), Pass())

    def predict(*controls):
        conditioning = Conditioning(identity, 7.0, controls=controls)
        with torch.no_grad():
            return tiny_backbone.predict(sample, torch.tensor(0.1), conditioning, 0.5, passes)

    control = ActiveControl(net, "net", who, torch.ones(FRAMES), unconditional=False)
    plain, faced = predict(), predict(control)
    assert torch.equal(torch.stack(plain), torch.stack(predict(replace(control, strength=torch.zeros(FRAMES)))))
    torch.testing.assert_close(faced[0], plain[0], rtol=0, atol=1e-5)
    assert (faced[1] - plain[1]).abs().max() > 1e-3


def test_it_starts_from_the_unets_own_keys_and_values(tiny_backbone):
    net = FaceAdapter.from_unet(tiny_backbone.unet, 16, heads=2)
    for name in net.layers:
        layer, processor = tiny_backbone.unet.get_submodule(name), net.get_submodule(f"{name}.processor")
        assert torch.equal(processor.id_to_k.weight, layer.to_k.weight)
        assert torch.equal(processor.id_to_v.weight, layer.to_v.weight)


def test_a_saved_one_comes_back(net, tmp_path):
    net.save_pretrained(tmp_path)
    again = FaceAdapter.from_pretrained(tmp_path).state_dict()
    assert set(again) == set(net.state_dict())
    assert all(torch.equal(again[name], weight) for name, weight in net.state_dict().items())


def test_the_full_size_one_has_the_published_names_and_shapes():
    from diffusers import UNetSpatioTemporalConditionModel

    with torch.device("meta"):
        net = FaceAdapter.from_unet(UNetSpatioTemporalConditionModel(num_attention_heads=(5, 10, 20, 20)))
    state = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    processors = {name: state.pop(name) for name in list(state) if ".processor." in name}
    widths = {"down_blocks.0": 320, "down_blocks.1": 640, "down_blocks.2": 1280, "mid_block": 1280,
              "up_blocks.1": 1280, "up_blocks.2": 640, "up_blocks.3": 320}  # fmt: skip
    counts = {name: 3 if name.startswith("up") else 1 if name == "mid_block" else 2 for name in widths}
    assert processors == {
        f"{block}.attentions.{index}.transformer_blocks.0.attn2.processor.{part}.weight": (width, 1024)
        for block, width in widths.items()
        for index in range(counts[block])
        for part in ("id_to_k", "id_to_v")
    }
    assert len(processors) == 32
    assert sum(first * second for first, second in processors.values()) == 25_559_040
    encoder = {"proj.0.weight": (1024, 512), "proj.0.bias": (1024,), "proj.2.weight": (4096, 1024),
               "proj.2.bias": (4096,), "norm.weight": (1024,), "norm.bias": (1024,)}  # fmt: skip
    for name in ("proj_in", "proj_out"):
        encoder |= {f"fusion_model.{name}.weight": (1024, 1024), f"fusion_model.{name}.bias": (1024,)}
    encoder |= {"fusion_model.norm_out.weight": (1024,), "fusion_model.norm_out.bias": (1024,)}
    for index in range(4):
        layer = f"fusion_model.layers.{index}"
        for norm in ("0.norm1", "0.norm2", "1.0"):
            encoder |= {f"{layer}.{norm}.weight": (1024,), f"{layer}.{norm}.bias": (1024,)}
        encoder |= {f"{layer}.0.to_q.weight": (1024, 1024), f"{layer}.0.to_kv.weight": (2048, 1024),
                    f"{layer}.0.to_out.weight": (1024, 1024), f"{layer}.1.1.weight": (4096, 1024),
                    f"{layer}.1.3.weight": (1024, 4096)}  # fmt: skip
    assert state == {f"face_encoder.{name}": shape for name, shape in encoder.items()}
    assert sum(torch.Size(shape).numel() for shape in state.values()) == 57_183_232
