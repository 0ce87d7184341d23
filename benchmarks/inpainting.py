"""What `ds.tec.inpaint` makes of clouds, against what they are replaced with otherwise.

    python benchmarks/inpainting.py --data FOLDER --out inpainting.json [--plot FOLDER] [--names
    NAME …] [--shapes FOLDER] python benchmarks/inpainting.py --allclear test.json --root FOLDER
    --out allclear.json [--samples 100]

The first runs on a folder of corpus files: real clouds, taken from cloudy dates of the folder
`--shapes` (or of `--data`), are pasted as masks on the clearest dates of each series and pair, by
cover (10, 30, 50, 80 % and the whole date) and by gap length (how many dates in a row have the same
cloud, 30 %). Real clouds of the other dates are masked too. The second reads AllClear's own JSON
and GeoTIFFs: three inputs with their masks, and a target of which nothing is given (L1C without
B10, center crop).

Scored are pixels of the target that no real cloud hides: all of them, and those that were
masked. MAE, RMSE and PSNR are of reflectance cut to 0 … 1 (peak 1), SSIM has an 11 x 11 Gaussian
window, SAM is in degrees: between spectra, and, as AllClear's code has it, between the rows of
an image. Figures are means over cases. Baselines are in `gapfillers.py`; what they leave empty
is taken from the date nearest in time, then from the surroundings.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys
import time
import warnings
from collections.abc import Callable, Iterator

import allclear
import clouds
import locations
import measures
import numpy as np
import options
import pictures
import torch
from gapfillers import BASELINES, nearest

from tec_zarr.clouds import arrays, latents, regression
from tec_zarr.clouds.arrays import inpaint_array, temporal
from tec_zarr.codec.gaps import fill
from tec_zarr.codec.samples import gather
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.standardize import reconstructed_dn, standardized
from tec_zarr.models import registry

COVERS = (0.1, 0.3, 0.5, 0.8, 1.0)
GAP_COVER = 0.3
MIN_CLEAR = 0.6
"""Of a date's pixels, for it to be a target."""

OURS = "tec.inpaint"
DRAWN = (OURS, "filling alone", "linear in time", "nearest date")
Method = Callable[[np.ndarray, np.ndarray, int, np.ndarray], np.ndarray]


def settings(bands: tuple[str, ...]) -> Settings:
    """Of float32 DN without gaps."""
    return Settings(bands=bands, scale=1.0, nodata=None)


def ours(bands: tuple[str, ...], model: str, mode: str) -> Method:
    def method(dn: np.ndarray, usable: np.ndarray, t: int, days: np.ndarray) -> np.ndarray:
        made = inpaint_array(dn, ~usable, days, settings(bands), mode, model=model)
        return np.where(made.origin[t] == regression.UNFILLED, np.nan, made.array[t])

    return method


def filling_alone(dn: np.ndarray, usable: np.ndarray, t: int, days: np.ndarray) -> np.ndarray:
    """Ours without the model."""
    return regression.fill_date(list(dn), usable, t, days, range(len(dn))).dn


def means_alone(bands: tuple[str, ...], model: str) -> Method:
    """The paper's way: masked latents are the prior's means, from dates before, those filled
    from the nearest date."""

    def method(dn: np.ndarray, usable: np.ndarray, t: int, days: np.ndarray) -> np.ndarray:
        loaded = temporal(model, "cpu")
        frames = np.stack(
            [
                np.where(usable[s], dn[s], completed(nearest, dn, usable, s, days))
                for s in range(len(dn))
            ]
        )
        gathered = gather(frames, settings(bands))
        known = arrays.band_indices(bands, len(bands), loaded)
        header = dataclasses.replace(gathered.header, quality=arrays.QUALITY, bands=known)
        gathered = dataclasses.replace(gathered, header=header)
        condition = loaded.condition(gathered.header)
        x = standardized(gathered, loaded.statistics)
        y = torch.cat([latents.analyzed(loaded, frame, condition) for frame in x])
        means, _ = latents.predict(loaded, y, condition)
        x_hat = latents.synthesized(loaded, means[t : t + 1], condition, dn.shape[2:])
        return reconstructed_dn(x_hat, gathered.header, loaded.statistics)

    return method


def completed(
    method: Method, dn: np.ndarray, usable: np.ndarray, t: int, days: np.ndarray
) -> np.ndarray:
    """What a method says of date `t`, clear pixels as they are; what it leaves empty from the
    nearest date, then from around."""
    out = np.where(usable[t], dn[t], method(dn, usable, t, days))
    if not np.isfinite(out).all():
        out = np.where(np.isfinite(out), out, nearest(dn, usable, t, days))
    return np.stack([fill(band.astype(np.float32), np.isfinite(band), 0.0) for band in out])


def scores(truth: np.ndarray, found: np.ndarray, pixels: np.ndarray) -> dict[str, float]:
    """Measures of DN found (band, y, x) over pixels (y, x), on reflectance cut to 0 … 1."""
    a, b = (np.clip(v, 0, 1e4) for v in (truth, found))
    error = (a - b)[:, pixels].astype(np.float64) / 1e4
    valid = np.broadcast_to(pixels, a.shape)[None]
    b = np.where(pixels, b, a)
    rmse = float(np.sqrt((error**2).mean()))
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": rmse,
        "psnr": -20 * float(np.log10(max(rmse, 1e-9))),
        "ssim": measures.ssim(a[None], b[None], valid),
        "sam": measures.sam(a[None], b[None], valid),
        "sam_rows": sam_rows(a, b, pixels),
    }


def sam_rows(a: np.ndarray, b: np.ndarray, pixels: np.ndarray) -> float:
    """As AllClear's code takes it: angles between what a column of a band's image holds along
    its rows, in degrees."""
    a, b = (np.where(pixels, v, 0).astype(np.float64) for v in (a, b))
    used = pixels.any(0)
    u, v = (
        x[..., used] / np.maximum(np.linalg.norm(x[..., used], axis=1, keepdims=True), 1e-9)
        for x in (a, b)
    )
    angles = 2 * np.arctan2(np.linalg.norm(u - v, axis=1), np.linalg.norm(u + v, axis=1))
    return float(np.degrees(angles.mean()))


def cases(
    series: clouds.Series,
    shapes: list[np.ndarray],
    covers: list[float],
    most: int,
    rng: np.random.Generator,
) -> Iterator[dict]:
    """Pasted clouds: `hidden` bool (time, y, x), the date `t`, and how the case is called."""
    times, size = len(series.dn), series.dn.shape[2:]
    clear = 1 - series.cloudy.mean((1, 2))
    middle = [abs(t - (times - 1) / 2) for t in range(times)]
    targets = sorted(sorted(range(times), key=lambda t: (-round(clear[t], 2), middle[t]))[:most])
    targets = [t for t in targets if clear[t] >= MIN_CLEAR]

    def pasted(cover: float) -> np.ndarray:
        return clouds.paste(shapes[rng.integers(len(shapes))], cover, size, int(rng.integers(4)))

    for t in targets:
        for cover in covers:
            hidden = np.zeros(series.cloudy.shape, bool)
            hidden[t] = pasted(cover)
            yield {"t": t, "cover": cover, "gap": 1, "hidden": hidden}
    if times >= 4 and targets and GAP_COVER in covers:
        t, cloud = targets[len(targets) // 2], pasted(GAP_COVER)
        for length in range(2, times):
            start = min(max(0, t - length // 2), times - length)
            hidden = np.zeros(series.cloudy.shape, bool)
            hidden[start : start + length] = cloud
            yield {"t": t, "cover": GAP_COVER, "gap": length, "hidden": hidden}


def methods(bands: tuple[str, ...], model: str, case: dict) -> dict[str, Method]:
    """All of them; the slower ones of only some cases."""
    every = {OURS: ours(bands, model, "bidirectional"), "filling alone": filling_alone, **BASELINES}
    if case["cover"] in (GAP_COVER, 1.0):
        every |= {
            f"{OURS}, causal": ours(bands, model, "causal"),
            "TEC-TT means alone": means_alone(bands, model),
        }
    return every


def run(series: clouds.Series, case: dict, model: str) -> tuple[dict, dict[str, np.ndarray]]:
    """A record of one case, and what each method made of it."""
    t, usable = case["t"], ~(series.cloudy | case["hidden"])
    given = np.where(case["hidden"][:, None], np.float32(1e4), series.dn)
    valid = ~series.cloudy[t]
    pixels = valid & case["hidden"][t]
    made, record = (
        {},
        {
            "location": series.name,
            "dates": len(series.dn),
            "kind": "series" if len(series.dn) > 2 else "pair",
        },
    )
    record |= {k: case[k] for k in ("t", "cover", "gap")} | {
        "pixels": int(pixels.sum()),
        "scores": {},
        "seconds": {},
    }
    if pixels.sum() < 100:
        return record, made
    for name, method in methods(series.bands, model, case).items():
        began = time.perf_counter()
        if name == "harmonic":
            empty = ~np.isfinite(method(given, usable, t, series.days)).all(0)
            if empty[pixels].mean() > 0.5:
                continue
        made[name] = completed(method, given, usable, t, series.days)
        record["seconds"][name] = time.perf_counter() - began
        found = {
            "masked": scores(series.dn[t], made[name], pixels),
            "valid": scores(series.dn[t], made[name], valid),
        }
        record["scores"][name] = found
    return record, made


def summary(records: list[dict]) -> dict:
    """Means over cases by kind, cover and gap, and how ours stands to the best baseline of each
    case."""
    out = {}
    for key in sorted({(r["kind"], r["cover"], r["gap"]) for r in records}):
        chosen = [r for r in records if (r["kind"], r["cover"], r["gap"]) == key and r["scores"]]
        if not chosen:
            continue
        names = sorted(
            {n for r in chosen for n in r["scores"]}, key=list(chosen[0]["scores"]).index
        )
        rows = {}
        for name in names:
            having = [r["scores"][name] for r in chosen if name in r["scores"]]
            measured = {
                f"{m}_{where}": [h[where][m] for h in having]
                for where in having[0]
                for m in having[0][where]
            }
            rows[name] = {"cases": len(having)} | {
                m: float(np.mean(values)) for m, values in measured.items()
            }
        margin = {m: [_margin(r, m) for r in chosen] for m in ("psnr", "sam")}
        out["{} cover {:.0%} gap {}".format(*key)] = {
            "methods": rows,
            "margin_psnr_db": {
                "mean": float(np.mean(margin["psnr"])),
                "least": float(min(margin["psnr"])),
            },
            "margin_sam_degrees": {
                "mean": float(np.mean(margin["sam"])),
                "least": float(min(margin["sam"])),
            },
            "cases_better_in_both": sum(
                p > 0 and s > 0 for p, s in zip(*margin.values(), strict=True)
            ),
            "cases": len(chosen),
        }
    return out


def _margin(record: dict, measure: str) -> float:
    """By how much ours is better than the best baseline of a case, over masked pixels."""
    sign, there = 1 if measure == "psnr" else -1, record["scores"]
    mine, *others = (there[n]["masked"][measure] for n in (OURS, *BASELINES) if n in there)
    return float(min(sign * (mine - other) for other in others))


def report(found: dict) -> None:
    for key, group in found.items():
        print(
            f"\n{key}: better than every baseline in both in {group['cases_better_in_both']} of "
            f"{group['cases']} cases"
        )
        print(
            f"margin on the best baseline: {group['margin_psnr_db']}, {group['margin_sam_degrees']}"
        )
        for name, row in group["methods"].items():
            figures = "  ".join(
                f"{m} {row[f'{m}_masked']:.4g}"
                for m in ("psnr", "sam", "mae", "rmse", "ssim", "sam_rows")
            )
            valid = f"valid: psnr {row['psnr_valid']:.4g} ssim {row['ssim_valid']:.4g}"
            print(f"  {name:22} {figures}  | {valid}  ({row['cases']})")


def run_allclear(args: argparse.Namespace) -> list[dict]:
    """Records of AllClear's samples; a target is predicted as a date that is wholly hidden."""
    records = []
    for series, t in allclear.samples(args.allclear, args.root, args.crop, args.samples):
        hidden = np.zeros(series.cloudy.shape, bool)
        hidden[t] = True
        case = {"t": t, "cover": 1.0, "gap": 1, "hidden": hidden}
        record, _ = run(series, case, args.model)
        records.append(record)
    return records


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = options.parser(__doc__)
    parser.add_argument("--data", type=pathlib.Path, help="folder of *.zip corpus files")
    parser.add_argument(
        "--allclear", type=pathlib.Path, help="a JSON of AllClear's, test_tx3_….json"
    )
    parser.add_argument(
        "--root", type=pathlib.Path, help="where AllClear's folders of places (roi…) are"
    )
    parser.add_argument("--samples", type=int, default=100, help="of AllClear")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON to write")
    parser.add_argument("--plot", type=pathlib.Path, help="folder for pictures")
    parser.add_argument("--names", nargs="*", help="only these locations")
    parser.add_argument(
        "--shapes", type=pathlib.Path, help="folder of corpus files to take clouds from"
    )
    parser.add_argument("--crop", type=int, default=256, help="pixels along each side")
    parser.add_argument(
        "--covers", type=float, nargs="+", default=list(COVERS), help="shares of a date to hide"
    )
    parser.add_argument(
        "--targets", type=int, default=2, help="dates of a location to paste clouds on"
    )
    parser.add_argument("--model", default=registry.INPAINTING)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    if not args.data and not (args.allclear and args.root):
        parser.error("--data, or --allclear and --root, are needed")
    return args


def run_folder(args: argparse.Namespace) -> list[dict]:
    paths = locations.find(args.data, args.names)
    shapes = clouds.fields(sorted(args.shapes.glob("*.zip")) if args.shapes else paths, args.crop)
    real = bool(shapes)
    if not real:
        print(
            "no partly cloudy date to take clouds from: they are drawn; name a folder with "
            "--shapes",
            file=sys.stderr,
        )
        shapes = clouds.drawn(args.crop)
    records = []
    for path in paths:
        try:
            series = clouds.load(path, args.crop)
        except Exception as error:
            print(f"left out {path.stem}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        if len(series.dn) < 2:
            print(f"left out {path.stem}: a single date", file=sys.stderr)
            continue
        rng = np.random.default_rng([args.seed, *path.stem.encode()])
        for case in cases(series, shapes, args.covers, args.targets, rng):
            record, made = run(series, case, args.model)
            if not record["scores"]:
                continue
            records.append(record | {"real_clouds": real})
            said = {n: round(s["masked"]["psnr"], 2) for n, s in record["scores"].items()}
            print(
                f"{series.name} date {case['t']} cover {case['cover']:.0%} gap {case['gap']}: "
                f"{said}",
                file=sys.stderr,
            )
            if args.plot:
                args.plot.mkdir(parents=True, exist_ok=True)
                name = (
                    f"{series.name}_{case['t']}_{case['cover']:.0%}_gap{case['gap']}.jpg".replace(
                        "%", ""
                    )
                )
                pictures.draw(series, case, record, made, list(DRAWN), args.plot / name)
    return records


def main(arguments: list[str] | None = None) -> None:
    args = parse(arguments)
    warnings.filterwarnings("ignore", category=RuntimeWarning)
    records = run_allclear(args) if args.allclear else run_folder(args)
    found = {
        "command": [
            "python",
            "benchmarks/inpainting.py",
            *(sys.argv[1:] if arguments is None else arguments),
        ],
        "summary": summary(records),
        "records": records,
    }
    args.out.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    report(found["summary"])


if __name__ == "__main__":
    main()
