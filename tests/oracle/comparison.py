"""Our models against the oracle's outputs, stage by stage: each stage starts from the oracle's
results of the one before."""

import numpy as np
import torch

from tec_zarr.models.published.coding import exact
from tec_zarr.models.published.patching import from_blocks, repack, to_blocks, to_windows
from tec_zarr.models.published.temporal_prior import context_pair

RELATIVE = 1e-5
"""Of the largest number of a stage, in float32."""

BUDGETS = (5, 12)


def close(ours, theirs, what):
    theirs = torch.as_tensor(theirs)
    error = ((ours - theirs).abs().max() / theirs.abs().max()).item()
    assert error < RELATIVE, f"{what}: relative error {error:.2e}"


class Recorder:
    """A walk's coder that keeps what each step was told."""

    def __init__(self):
        self.steps = []

    def step(self, means, scales, values):
        self.steps.append((scales, values))
        return values.round()

    def step_rows(self, rows, values):
        return values.round()


def same_tables(prior, outputs):
    """Cumulative frequencies, which the oracle rounds on its own way from float32: within a few
    of 65,536."""
    rows = prior.tables.tables()
    for row, (cdf, length) in enumerate(zip(outputs["cdf"], outputs["cdf_length"], strict=True)):
        ours = rows.cumulative[rows.begin[row] : rows.begin[row + 1]]
        assert len(ours) == length
        assert np.abs(ours - cdf[:length]).max() <= length
    np.testing.assert_array_equal(rows.first, outputs["cdf_offset"])


def compare_factorized(model, outputs, x, none):
    close(model.analyze(x, none), outputs["y"], "latents")
    y = torch.from_numpy(outputs["y"])
    y_hat = model.prior.walk(Recorder(), model.unit(none), none, tuple(y.shape[-2:]), y)
    close(y_hat, outputs["y_hat"], "rounded latents")
    close(
        model.synthesize(y_hat, y_hat[:, :0], none)[..., ::3, ::3],
        outputs["x_hat"],
        "reconstruction",
    )
    same_tables(model.prior, outputs)


def compare_elic(model, outputs, x, none):
    close(model.analyze(x, none), outputs["y"], "latents")
    y = torch.from_numpy(outputs["y"])
    close(model.prior.h_a(y), outputs["z"], "hyper-latents")
    recorder, size = Recorder(), tuple(y.shape[-2:])
    close(model.prior.hyper(recorder, none, size, y), outputs["params"], "hyper features")
    y_hat = model.prior.walk(recorder, model.unit(none), none, size, y)
    near_edge = sum(((0.5 - (v - v.round()).abs()) < 1e-4).sum().item() for _, v in recorder.steps)
    assert ((y_hat - torch.from_numpy(outputs["y_hat"])).abs() > 0.01).sum() <= near_edge
    truth = torch.from_numpy(outputs["y_hat"])
    anchors = (torch.arange(size[0])[:, None] + torch.arange(size[1])) % 2 == 0
    hyper = torch.from_numpy(outputs["params"])
    for k, (channels, group) in enumerate(
        zip(model.prior.channels, model.prior.groups, strict=True)
    ):
        known = truth[:, channels] * anchors
        for name, seen, at in (("anchors", False, anchors), ("others", True, ~anchors)):
            means, scales = group(hyper, truth[:, : channels.start], known, seen)
            theirs = torch.from_numpy(outputs[f"group{k}_{name}"]).chunk(2, 1)
            close(means[..., at], theirs[0][..., at], f"means of group {k}")
            close(scales[..., at], theirs[1].clamp(min=0.11)[..., at], f"scales of group {k}")
    close(
        model.synthesize(truth, truth[:, :0], none)[..., ::3, ::3],
        outputs["x_hat"],
        "reconstruction",
    )
    same_tables(model.prior, outputs)


def compare_temporal(model, outputs, x, none):
    prior, config = model.prior, model.prior.config
    close(model.analyze(x, none), outputs["y"], "latents")
    y_hat = torch.from_numpy(outputs["y"]).round()
    blocks = outputs["tokens"].shape[1]
    unit, none = model.unit(none[:1])[:, None].expand(blocks, -1, -1), none[:1].expand(blocks, -1)
    constant = (prior.first_frame * unit).expand(-1, config.window**2, -1)
    start = prior.frame_context(constant, unit, none)
    close(start[0], outputs["start_context"], "context of the constant frame")
    opening = prior.opening(none[:1])
    seen = []
    for t, frame in enumerate(y_hat.split(1)):
        windows, tokens = to_windows(frame, config.window), prior.arrange(to_blocks(frame))
        close(repack(windows) if config.repack else windows, outputs["windows"][t], "windows")
        close(tokens, outputs["tokens"][t], "tokens")
        context = prior.context(context_pair(seen)) if seen else opening
        keys = (
            torch.from_numpy(outputs["keys"][t]).unflatten(-1, (config.heads, -1)).transpose(1, 2)
        )
        ours, _ = next(prior.keys_values(context, blocks))
        close(ours, keys, "keys of the joint context")
        features = prior.features(tokens, context, prior.token_unit(unit), none)
        means, scales = prior.distribution(features, unit)
        close(means, outputs["means"][t], "means")
        close(scales, outputs["scales"][t], "scales")
        same_rows(means.double().numpy(), scales.double().numpy(), outputs["rows"][t])
        planes = from_blocks(prior.arrange(features), *frame.shape[-2:])
        close(planes[0], outputs["features"][t], "features")
        close(
            frame[0] + model.refinement(planes, none[:1])[0],
            outputs["refined"][t],
            "refined latents",
        )
        predicted_as_they_are(model, context, outputs, t)
        seen.append(prior.frame_context(windows, unit, none))
        close(seen[-1], outputs["context"][t], "context")
    close(
        model.synthesis(torch.from_numpy(outputs["refined"]), none)[..., ::3, ::3],
        outputs["x_hat"],
        "reconstruction",
    )
    decoded_features_refine(model, outputs)


def same_rows(means, scales, rows, means_grid=100, scales_grid=256, floor=0.01, top=256.0):
    """The oracle's table rows, floors of its grids, wherever ours in float64 is off the edges."""
    fraction = (means - np.round(means) + 0.5) * means_grid
    scale = np.log(scales / floor) / np.log(top / floor + 1) * (scales_grid - 1)
    clear = (np.abs(fraction - np.round(fraction)) > 0.01) & (
        np.abs(scale - np.round(scale)) > 0.01
    )
    ours = np.clip(np.floor(fraction), 0, means_grid - 1) * scales_grid + np.clip(
        np.floor(scale), 0, scales_grid - 1
    )
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(ours[clear], rows[clear])


def predicted_as_they_are(model, context, outputs, t):
    """Tokens that the oracle drops, or paints in, come back as our rounded means of the tokens
    before them."""
    prior = model.prior
    for name in [
        n for n in outputs if n.endswith(f"_{t}") and n.startswith(("budget", "inpainted"))
    ]:
        tokens = prior.arrange(to_blocks(torch.from_numpy(outputs[name])))
        unit = model.unit(tokens.new_empty(len(tokens), 0))[:, None]
        features = prior.features(
            tokens, context, prior.token_unit(unit), tokens.new_empty(len(tokens), 0)
        )
        means, _ = prior.distribution(features, unit)
        original = torch.from_numpy(outputs["tokens"][t])
        if name.startswith("budget"):
            kept = int(name.removeprefix("budget").partition("_")[0])
            predicted = torch.arange(16).expand(len(tokens), -1) >= kept
        else:
            predicted = (tokens != original).any(-1)
            assert predicted.any()
        assert torch.equal(tokens[~predicted], original[~predicted])
        clear = ((means - means.round()).abs() < 0.499) & predicted[..., None]
        assert clear.any()
        assert torch.equal(means.round()[clear], tokens[clear])


def decoded_features_refine(model, outputs):
    """What our coder decodes, in float64, gives the oracle's refined latents."""
    coder = exact(model)
    y, none = torch.from_numpy(outputs["y"])[None].double(), torch.empty(1, 0, dtype=torch.float64)
    (frames,) = coder.compress(y, none, [[16] * y.shape[1]])
    decoder = coder.decoder(none, *y.shape[-2:])
    for t, frame in enumerate(frames):
        y_hat, features = decoder.decompress([frame])
        assert torch.equal(y_hat[0], y[0, t].round())
        close(features[0].float(), outputs["features"][t], "decoded features")
        refined = y_hat.float() + model.refinement(features.float(), none.float())
        close(refined[0], outputs["refined"][t], "refined decoded latents")


COMPARISONS = {
    "tec-fp": compare_factorized,
    "tec-elic": compare_elic,
    "tec-tt": compare_temporal,
    "flextec": compare_temporal,
}


@torch.inference_mode()
def compare(model, outputs, x):
    """Hold every stage of a model to the oracle's outputs of images x (times, components, H, W)."""
    x = torch.from_numpy(x)
    COMPARISONS[model.config.family](model, outputs, x, x.new_empty(len(x), 0))
