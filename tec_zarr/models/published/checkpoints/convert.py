"""Published state dicts to models of this package: names, the few tensors that need arithmetic, and
a check of both.

The files hold tables, masks and bounds too, many of them empty; these are known, made anew, and
not read.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import torch
import torch.nn.functional as F

from tec_zarr.errors import WeightsError
from tec_zarr.models.published.checkpoints import density, names
from tec_zarr.models.published.checkpoints.density import State
from tec_zarr.models.published.checkpoints.shapes import (
    config_of,
    layers_of,
    shape_of,
    statistics_of,
    transforms_of,
)
from tec_zarr.models.published.config import (
    FactorizedConfig,
    HyperConfig,
    ModelConfig,
    TemporalConfig,
)
from tec_zarr.models.published.families import build
from tec_zarr.models.published.transform_codec import TransformCodec
from tec_zarr.models.published.transformer import EPSILON

LATENT_SCALE = 35.0
"""What the published temporal prior divides latents by."""

PEDESTAL = 2.0**-36
BETA_MIN = 1e-6
"""The published divisive normalization keeps square roots, of values that this pedestal was
added to."""

START = "model.entropy_model.learned_zero.sym"
HYPER_DENSITY = "latent_codec.hyper.entropy_bottleneck."
LATENT_DENSITY = "entropy_bottleneck."


@dataclasses.dataclass(frozen=True)
class Plan:
    """How a family is filled: its configuration, told by the shapes of a state dict; our names
    to theirs; what else is read, with shapes; what is in the files and not read; our tensors
    from theirs where that takes arithmetic."""

    config: Callable[[State, int], ModelConfig]
    names: Callable[[TransformCodec], names.Names]
    reads: Callable[[ModelConfig], dict[str, tuple[int, ...]]]
    ignored: str
    made: Callable[[State, State], State]


def family_of(state: State) -> str:
    """The family of a published state dict, told by its names; raises WeightsError where it is
    none."""
    marks = {
        "model.entropy_model.mask_token": "flextec",
        START: "tec-tt",
        f"{HYPER_DENSITY}quantiles": "tec-elic",
        f"{LATENT_DENSITY}quantiles": "tec-fp",
    }
    for mark, family in marks.items():
        if mark in state:
            return family
    raise WeightsError(
        f"not a published TerraCodec state dict: none of {sorted(marks)} is in it, but "
        f"{sorted(state)[:4]} …"
    )


def convert(state: State, heads: int = 16) -> TransformCodec:
    """The model, in float32 and evaluation mode, of a published state dict; `heads` cannot be told
    from it.

    Raises WeightsError, with what differs, where tensors are missing, superfluous or of other
    shapes.
    """
    if "model.g_a.0.weight" in state:
        state = {k.removeprefix("model."): v for k, v in state.items()}
    plan = PLANS[family_of(state)]
    config = plan.config(state, heads)
    with torch.device("meta"):
        model = build(config)
    wanted = model.state_dict()
    theirs = {ours: _source(ours, plan.names(model)) for ours in wanted}
    theirs = {ours: name for ours, name in theirs.items() if name}
    _check(
        state,
        {name: tuple(wanted[ours].shape) for ours, name in theirs.items()} | plan.reads(config),
        plan.ignored,
    )
    tensors = {
        ours: torch.empty(0).reshape(tensor.shape)
        for ours, tensor in wanted.items()
        if not tensor.numel()
    }
    tensors |= {
        "latent_spread": torch.ones(config.transforms.latents),
        **statistics_of(len(config.transforms.bands)),
    }
    tensors |= {
        ours: state[name].float().reshape(wanted[ours].shape) for ours, name in theirs.items()
    }
    tensors |= plan.made(state, tensors)
    model.load_state_dict(tensors, assign=True)
    return model.eval().requires_grad_(False)


def _source(ours: str, known: names.Names) -> str | None:
    """Their name of one of our tensors."""
    if ours in known:
        return known[ours]
    module, _, leaf = ours.rpartition(".")
    return f"{known[module]}.{leaf}" if module in known else None


def _check(state: State, expected: dict[str, tuple[int, ...]], ignored: str) -> None:
    """Compare names, and shapes but for axes of length 1."""
    found = {
        k: tuple(v.shape) for k, v in state.items() if k in expected or not re.search(ignored, k)
    }
    problems = [f"missing: {k} {expected[k]}" for k in expected.keys() - found.keys()]
    problems += [f"not known: {k} {found[k]}" for k in found.keys() - expected.keys()]
    problems += [
        f"shape of {k}: {found[k]}, not {expected[k]}"
        for k in expected.keys() & found.keys()
        if [n for n in found[k] if n != 1] != [n for n in expected[k] if n != 1]
    ]
    if problems:
        more = f"\n… and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise WeightsError(
            "not a published TerraCodec state dict:\n" + "\n".join(sorted(problems)[:20]) + more
        )


def _temporal_config(state: State, heads: int) -> ModelConfig:
    them = "model.entropy_model."
    width, _ = shape_of(state, f"{them}decoder_embedding.weight")
    stacks = {
        s: layers_of(state, f"{them}{s}.layers.encoder_layer_")
        for s in ("encoder_sep", "encoder_joint", "decoder")
    }
    flextec = f"{them}mask_token" in state
    window = round(shape_of(state, f"{them}enc_position_sep._pos")[1] ** 0.5)
    prior = TemporalConfig(
        width,
        heads,
        separate=2 * stacks["encoder_sep"],
        joint=2 * stacks["encoder_joint"],
        decoder=stacks["decoder"],
        mlp_ratio=shape_of(state, f"{them}decoder.layers.encoder_layer_0.mlp1.fc1.weight")[0]
        // width,
        window=window,
        context_frames=shape_of(state, f"{them}enc_position_joint._pos")[1] // window**2,
        repack=flextec,
        published=True,
    )
    transforms = transforms_of(
        state, "model.transform.analysis_transform.transforms.", (0, 4, 9, 13), 3, relu=True
    )
    return config_of("flextec" if flextec else "tec-tt", transforms, prior)


def _temporal_made(state: State, tensors: State) -> State:
    weight, bias, scale, shift = (
        tensors[f"prior.embed_packed.{part}"].double()
        for part in ("0.weight", "0.bias", "1.weight", "1.bias")
    )
    start = F.linear(state[START].double() / LATENT_SCALE, weight, bias)
    return {
        "prior.start": F.layer_norm(start, scale.shape, scale, shift, EPSILON).float(),
        "prior.embed_packed.1.weight": scale.float(),  # no tensor of a file shares another's memory
        "prior.embed_packed.1.bias": shift.float(),
        "prior.first_frame": tensors["prior.first_frame"] / LATENT_SCALE,
        "latent_spread": torch.full_like(tensors["latent_spread"], LATENT_SCALE),
    }


def _elic_config(state: State, heads: int) -> ModelConfig:
    groups = layers_of(state, "latent_codec.y.latent_codec.y")
    sizes = (
        shape_of(state, f"latent_codec.y.latent_codec.y{k}.context_prediction.weight")[1]
        for k in range(groups)
    )
    prior = HyperConfig(
        hyper=shape_of(state, "latent_codec.hyper.h_a.0.weight")[0],
        width=shape_of(state, "latent_codec.hyper.h_s.2.weight")[1],
        groups=tuple(sizes),
        symbols=density.columns(state, HYPER_DENSITY),
    )
    return config_of("tec-elic", transforms_of(state, "g_a.", (0, 4, 9, 13), 3, relu=False), prior)


def _elic_names(model: TransformCodec) -> names.Names:
    transforms = [
        names.transform(a, b, getattr(model, a), names.BY_NAME) for a, b in names.IMAGE_TRANSFORMS
    ]
    return {**transforms[0], **transforms[1], **names.hyperprior(model.prior)}


def _elic_made(state: State, tensors: State) -> State:
    masked = {}
    for name, weight in tensors.items():
        if name.endswith("anchors.weight"):
            rows, columns = (torch.arange(n) for n in weight.shape[-2:])
            masked[name] = weight * ((rows[:, None] + columns) % 2)
    return masked | _density_made(state, HYPER_DENSITY)


def _density_made(state: State, prefix: str) -> State:
    return {
        f"prior.tables.{name}": tensor for name, tensor in density.tables(state, prefix).items()
    }


def _factorized_config(state: State, heads: int) -> ModelConfig:
    transforms = transforms_of(state, "g_a.", (0, 2, 4, 6), 0, relu=False)
    return config_of("tec-fp", transforms, FactorizedConfig(density.columns(state, LATENT_DENSITY)))


def _factorized_names(model: TransformCodec) -> names.Names:
    transforms = [names.transform(a, b, getattr(model, a)) for a, b in names.IMAGE_TRANSFORMS]
    return {**transforms[0], **transforms[1]}


def _factorized_made(state: State, tensors: State) -> State:
    least = {"beta": BETA_MIN, "gamma": 0.0}
    norms = {
        name: (tensor.clamp(min=(least[leaf] + PEDESTAL) ** 0.5) ** 2 - PEDESTAL)
        for name, tensor in tensors.items()
        if (leaf := name.rpartition(".")[2]) in least
    }
    return norms | _density_made(state, LATENT_DENSITY)


_TEMPORAL = Plan(
    _temporal_config,
    names.temporal,
    lambda config: {START: (config.transforms.latents,)},
    r"\.bottleneck\._entropy_model\.|\.look_ahead_mask$|\.(z_cur_)?mask_token$",
    _temporal_made,
)
PLANS = {
    "tec-tt": _TEMPORAL,
    "flextec": _TEMPORAL,
    "tec-elic": Plan(
        _elic_config,
        _elic_names,
        lambda config: density.shapes(HYPER_DENSITY, config.prior.hyper),
        r"entropy_bottleneck\.(_|target$|likelihood_lower_bound)|\.gaussian_conditional\.|context_prediction\.mask$",
        _elic_made,
    ),
    "tec-fp": Plan(
        _factorized_config,
        _factorized_names,
        lambda config: density.shapes(LATENT_DENSITY, config.transforms.latents),
        r"entropy_bottleneck\.(_|target$|likelihood_lower_bound)|\.(beta|gamma)_reparam\.",
        _factorized_made,
    ),
}
"""By family."""
