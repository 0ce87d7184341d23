"""What parts of this package's models are called in the published state dicts: dictionaries from
our names to theirs."""

from __future__ import annotations

from torch import nn

from tec_zarr.models.published.convolutions import ResidualUnit, SpatialAttention
from tec_zarr.models.published.elic_published import PublishedHyperPrior
from tec_zarr.models.published.tec_tt import TecTT

Names = dict[str, str]

IN_SEQUENCE = ("conv.0", "conv.2", "conv.4")
BY_NAME = ("conv1", "conv2", "conv3")
"""The convolutions of a residual unit."""

IMAGE_TRANSFORMS = (("analysis", "g_a"), ("synthesis", "g_s"))
"""Of the image codecs."""


def _unit(ours: str, theirs: str, convolutions: tuple[str, ...]) -> Names:
    return {
        f"{ours}.{a}": f"{theirs}.{b}"
        for a, b in zip(("enter", "middle", "leave"), convolutions, strict=True)
    }


def transform(
    ours: str, theirs: str, layers: nn.Sequential, convolutions: tuple[str, ...] = IN_SEQUENCE
) -> Names:
    """Analysis or synthesis; the residual units of attention blocks are always numbered."""
    found: Names = {}
    for i, layer in enumerate(layers):
        if isinstance(layer, ResidualUnit):
            found |= _unit(f"{ours}.{i}", f"{theirs}.{i}", convolutions)
        elif isinstance(layer, SpatialAttention):
            for a, b in (("trunk", "conv_a"), ("mask", "conv_b")):
                for j in range(3):
                    found |= _unit(f"{ours}.{i}.{a}.{j}", f"{theirs}.{i}.{b}.{j}", IN_SEQUENCE)
            found[f"{ours}.{i}.mask.3"] = f"{theirs}.{i}.conv_b.3"
        else:
            found[f"{ours}.{i}"] = f"{theirs}.{i}"
    return found


def _pair(ours: str, theirs: str, half: int) -> Names:
    """A pair of attention and MLP is one half, 1 or 2, of a published layer."""
    attention = {1: "self_attention", 2: "cross_attention"}[half]
    return {
        **{
            f"{ours}.attention.{part}": f"{theirs}.{attention}.{part}"
            for part in ("q", "k", "v", "proj")
        },
        f"{ours}.norm_attention": f"{theirs}.norm{half}a",
        f"{ours}.norm_mlp": f"{theirs}.norm{half}b",
        f"{ours}.mlp.0": f"{theirs}.mlp{half}.fc1",
        f"{ours}.mlp.2": f"{theirs}.mlp{half}.fc2",
    }


def temporal(model: TecTT) -> Names:
    """Modules and parameters of a TEC-TT or FlexTEC."""
    prior = model.prior
    them = "model.entropy_model"
    found = {
        **transform("analysis", "model.transform.analysis_transform.transforms", model.analysis),
        **transform("synthesis", "model.transform.synthesis_transform.transforms", model.synthesis),
        "refinement.enter": "model._dequantizer.process_conv.0",
        "refinement.block.0": "model._dequantizer.process_conv.2.conv1",
        "refinement.block.2": "model._dequantizer.process_conv.2.conv2",
        "prior.first_frame": "model._temporal_pad_token_maker.weight",
        "prior.embed.0": f"{them}.encoder_embedding",
        "prior.embed.1": f"{them}.post_embedding_layernorm",
        "prior.embed_packed.0": f"{them}.decoder_embedding",
        "prior.embed_packed.1": f"{them}.post_embedding_layernorm",
        "prior.window_positions": f"{them}.enc_position_sep._pos",
        "prior.joint_positions": f"{them}.enc_position_joint._pos",
        "prior.token_positions": f"{them}.dec_position._pos",
    }
    for head in ("mean_head", "scale_head"):
        found |= {f"prior.{head}.{i}": f"{them}.{head}.{i}" for i in (0, 2, 4)}
    for stack, pairs in (("separate", prior.separate), ("joint", prior.joint)):
        theirs = (
            f"{them}.encoder_{stack[:3] if stack == 'separate' else stack}.layers.encoder_layer_"
        )
        for i in range(len(pairs)):
            found |= _pair(f"prior.{stack}.{i}", f"{theirs}{i // 2}", i % 2 + 1)
    for i in range(len(prior.decoder)):
        for half, part in ((1, "own"), (2, "context")):
            found |= _pair(
                f"prior.decoder.{i}.{part}", f"{them}.decoder.layers.encoder_layer_{i}", half
            )
    return found


def hyperprior(prior: PublishedHyperPrior) -> Names:
    """Modules of the prior of a TEC-ELIC."""
    found = {
        f"prior.{h}.{i}": f"latent_codec.hyper.{h}.{i}" for h in ("h_a", "h_s") for i in (0, 2, 4)
    }
    for k in range(len(prior.groups)):
        codec = f"latent_codec.y.latent_codec.y{k}"
        found[f"prior.groups.{k}.anchors"] = f"{codec}.context_prediction"
        for i in (0, 2, 4):
            found[f"prior.groups.{k}.merge.{i}"] = f"{codec}.entropy_parameters.{i}"
            if k:
                found[f"prior.groups.{k}.before.{i}"] = f"latent_codec.y.channel_context.y{k}.{i}"
    return found
