"""What PyPI's terracodec 0.3.1 computes, stage by stage. Runs in an environment of its own (see
CONTRIBUTING.md).

    python terracodec_outputs.py FAMILY small|published|large IMAGES.npy OUT.npz
    python terracodec_outputs.py shapes OUT.json
    python terracodec_outputs.py time IMAGES.npy STATE.pt

FAMILY is tec-fp, tec-elic, tec-tt or flextec, of which the first two have a large size too;
images are standardized (times, components, height, width).
"""

import importlib.abc
import importlib.machinery
import json
import pathlib
import resource
import sys
import time
import types

import numpy as np
import torch


class _Anything:
    """Stands for every name of a package that is not installed: a base class, or a decorator
    that changes nothing."""

    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, decorated):
        return decorated


class _Empty(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (_Anything,), {})


class _Stubs(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """compressai imports torchvision and torch_geometric and needs neither here."""

    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in ("torchvision", "torch_geometric"):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return _Empty(spec.name)

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, _Stubs())

from terracodec.imagecodecs import ELIC, FactorizedPrior  # noqa: E402
from terracodec.temporaltransformer import TemporalTransformer  # noqa: E402
from terracodec.temporaltransformer.entropy_model import TerraCodecTTEntropyModel  # noqa: E402
from terracodec.temporaltransformer.pipeline import Dequantizer, PerChannelWeight  # noqa: E402
from terracodec.temporaltransformer.transforms import ELICTransform  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import weights  # noqa: E402

BUDGETS = (5, 12)


def build(family, size, components=12):
    small = size == "small"
    if family == "tec-fp":
        model = FactorizedPrior(
            components,
            *{"small": (12, 16), "published": (128, 192), "large": (192, 320)}[size],
            256,
        )
    elif family == "tec-elic":
        channels = {"small": (12, 24), "published": (128, 192), "large": (192, 320)}[size]
        model = ELIC(components, *channels, 256, groups=[4, 4, 16] if small else None)
    else:
        model = TemporalTransformer(flextec=family == "flextec", in_channels=components)
        if small:
            shrink(model.model, family == "flextec", components)
    return model.eval()


def shrink(pipeline, flextec, components):
    latents = 64
    pipeline.transform = ELICTransform(components, components, channels=[12, 16, 20, latents])
    pipeline.entropy_model = TerraCodecTTEntropyModel(
        latents,
        2,
        flextec,
        flextec,
        num_layers_encoder_sep=1,
        num_layers_encoder_joint=1,
        num_layers_decoder=2,
        d_model=64,
        num_head=4,
        mlp_expansion=2,
    )
    pipeline._temporal_pad_token_maker = PerChannelWeight(latents)
    pipeline._dequantizer = Dequantizer(latents, 64)


def fill(model):
    """Give the model the weights of `weights.draw`."""
    drawn = weights.draw({k: tuple(v.shape) for k, v in model.named_parameters()})
    model.load_state_dict(
        {**model.state_dict(), **{k: torch.from_numpy(v) for k, v in drawn.items()}}
    )


def thin(x_hat):
    """Enough of a reconstruction to compare."""
    return x_hat[..., ::3, ::3]


def factorized(model, x):
    model.update(force=True)
    y = model.g_a(x)
    y_hat, _ = model.entropy_bottleneck(y)
    return {
        "y": y,
        "y_hat": y_hat,
        "x_hat": thin(model.g_s(y_hat)),
        **tables(model.entropy_bottleneck),
    }


def tables(bottleneck):
    return {
        "cdf": bottleneck._quantized_cdf,
        "cdf_length": bottleneck._cdf_length,
        "cdf_offset": bottleneck._offset,
    }


def elic(model, x):
    hyper = model.latent_codec.hyper
    model.update(force=True)
    y = model.g_a(x)
    z = hyper.h_a(y)
    params = hyper(y)["params"]
    seen = {}

    def remember(k):
        def hook(module, args, output):
            seen.setdefault(k, []).append(output)

        return hook

    groups = model.latent_codec.y.latent_codec
    hooks = [
        groups[f"y{k}"].entropy_parameters.register_forward_hook(remember(k))
        for k in range(len(groups))
    ]
    y_hat = model.latent_codec(y)["y_hat"]
    for hook in hooks:
        hook.remove()
    out = {"y": y, "z": z, "params": params, "y_hat": y_hat, "x_hat": thin(model.g_s(y_hat))}
    for k, passes in seen.items():
        out |= {f"group{k}_anchors": passes[0], f"group{k}_others": passes[1]}
    return out | tables(hyper.entropy_bottleneck)


def temporal(model, x):
    pipeline, prior = model.model, model.model.entropy_model
    prior.update(force=True)
    y = pipeline.transform.encode(x[None])[0]
    y_hat = y.round()
    before = prior.process_previous_latent_q(pipeline._temporal_pad_token_maker(y[:1].shape))
    out, state = {"y": y, "start_context": before.processed[0]}, (before,)
    stages = {
        name: []
        for name in (
            "windows",
            "context",
            "keys",
            "tokens",
            "means",
            "scales",
            "rows",
            "features",
            "refined",
        )
    }
    for t, frame in enumerate(y_hat.split(1)):
        encoded = prior._get_encoded_seqs(state)
        tokens, grid = prior.patcher(frame, prior.window_size_dec)
        means, scales, features, joint = prior._terracodec_tt_encoder_forward(
            encoded_patched=torch.cat(encoded, -2), latent_q_patched=tokens
        )
        for budget in BUDGETS if model.flextec else ():
            kept = prior.masking_inference(frame, state, budget)
            out[f"budget{budget}_{t}"] = kept.perturbed_latent
        if not model.flextec:
            cloudy = torch.zeros(1, 1, *frame.shape[-2:])
            cloudy[..., 1:6, 2:7] = 1
            out[f"inpainted_{t}"] = prior.masking_inference(
                frame, state, 0, cloud_mask=cloudy
            ).perturbed_latent
        state = pipeline._update_state(frame, None if t == 0 else state, t == 0)
        bottleneck = prior.bottleneck
        indexes = bottleneck._entropy_model._normalize_indexes(
            bottleneck._get_indexes(means, scales)
        )
        planes = prior.patcher.unpatch(features, *grid, crop=frame.shape[-2:])
        found = {
            "windows": prior.patcher(frame, prior.window_size_enc)[0],
            "context": state[-1].processed,
            "keys": prior.decoder.layers.encoder_layer_0.cross_attention.k(joint),
            "tokens": tokens,
            "means": means,
            "scales": bottleneck._scaler.from_scale_idx(
                bottleneck._scaler.to_scale_idx(bottleneck.verysoftplus(scales))
            ),
            "rows": bottleneck._entropy_model.indexes_to_cdf_indexes(
                indexes[..., 0], indexes[..., 1]
            ),
            "features": planes[0],
            "refined": pipeline._dequantizer(latent_q=frame, entropy_features=planes)[0],
        }
        for name, value in found.items():
            stages[name].append(value)
    out |= {name: torch.stack(values) for name, values in stages.items()}
    return out | {"x_hat": thin(pipeline.transform.decode(out["refined"][None], (1, *x.shape))[0])}


def clock(x, target):
    """Seconds that a TEC-TT of the published size takes for images x, and the most memory in MB,
    as a line of JSON."""
    model = build("tec-tt", "published", x.shape[1])
    model.img_dims = tuple(x.shape[-2:])
    fill(model)
    torch.save(model.state_dict(), target)
    model.setup_model_for_compression()
    found, given = {}, x
    for name in ("compress", "decompress"):
        began, busy = time.perf_counter(), time.process_time()
        given = getattr(model, name)(given)
        found |= {name: time.perf_counter() - began, f"{name}_cpu": time.process_time() - busy}
        found[f"{name}_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


RUNS = {"tec-fp": factorized, "tec-elic": elic, "tec-tt": temporal, "flextec": temporal}


@torch.no_grad()
def main(family, *args):
    if family == "shapes":
        shapes = {
            f: {k: list(v.shape) for k, v in build(f, "small").state_dict().items()} for f in RUNS
        }
        pathlib.Path(args[0]).write_text(json.dumps(shapes))
        return
    if family == "time":
        clock(torch.from_numpy(np.load(args[0])), args[1])
        return
    size, source, target = args
    x = torch.from_numpy(np.load(source))
    model = build(family, size, x.shape[1])
    fill(model)
    if size != "small":
        torch.save(model.state_dict(), pathlib.Path(target).with_suffix(".pt"))
    np.savez_compressed(target, **{k: v.numpy() for k, v in RUNS[family](model, x).items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
