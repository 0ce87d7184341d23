"""Cubes to stores: the codec's keywords, writing, appending, budgets and what to expect of them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import math
import pathlib
import shutil
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.abc.store import RangeByteRequest
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import ZipStore

from tec_zarr.bitstream import container
from tec_zarr.bitstream.header import Base, Target
from tec_zarr.codec import metrics
from tec_zarr.codec.settings import Settings
from tec_zarr.codec.targets import make_goal, search
from tec_zarr.cubes.cubes import NAME, described, to_cube
from tec_zarr.errors import InvalidInputError, TargetError, TargetWarning
from tec_zarr.plugins.encoding import encoding

CHUNKS = {"time": 4, "y": 256, "x": 256}
SAMPLE = 16
"""Chunks that estimates and budgets begin with."""

ESTIMATED, BUDGETED = 0.03, 0.015
"""Relative standard errors from which on no more chunks are coded for an estimate (bytes and RMSE) or a budget (bytes)."""

FRONT_BYTES = 512
"""Of a chunk that are read to describe it: more than header and directory of 30 dates have."""

AT_ONCE = 64
"""Chunks that are read at the same time."""


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What writing a cube would give, found from `sampled` of `chunks`: errors in the cube's units, PSNR in dB; `spread` is
    the relative standard error of bytes or RMSE, the greater one, that comes of not having coded the others."""

    bytes: int
    raw_bytes: int
    bppb: float
    psnr: float
    rmse: float
    max_error: float
    chunks: int
    sampled: int
    spread: float

    @property
    def ratio(self) -> float:
        return self.raw_bytes / self.bytes


def chunk_sizes(cube: xr.Dataset, chunks: Mapping[str, int] | None) -> dict[str, int]:
    """The codec's chunks (time, band, y, x) of a cube: `CHUNKS` unless asked otherwise, all bands, within the cube."""
    asked = {**CHUNKS, **(chunks or {})}
    if unknown := set(asked) - {"time", "band", "y", "x"}:
        raise InvalidInputError(f"chunks= names {sorted(unknown)}; give sizes of time, y and x")
    sizes = cube[NAME].sizes
    if (bands := asked.get("band", -1)) not in (-1, sizes["band"]):
        raise InvalidInputError(f"a chunk holds all {sizes['band']} bands; got chunks band={bands}")
    return {d: n if d == "band" or asked[d] == -1 else min(asked[d], n) for d, n in sizes.items()}


def cube_encoding(
    data: xr.Dataset | xr.DataArray,
    *,
    bands: Iterable[str] | None = None,
    offset_dn: int | None = None,
    scale: float | None = None,
    nodata: Any = "auto",
    chunks: Mapping[str, int] | None = None,
    zarr_format: int = 3,
    **settings: Any,
) -> dict[str, Any]:
    """`encoding` for the variable "B" of the cube that `to_cube` makes of `data`: what `to_zarr` writes it with.

    Offset, scale and nodata come from attributes unless they are given; `settings` are those of `TerraCodec`.
    """
    cube = to_cube(data, bands)
    known = described(cube, offset_dn, scale, nodata)
    shape = tuple(chunk_sizes(cube, chunks).values())
    return {NAME: encoding(zarr_format, shape, **known, **settings)}


def write_cube(
    data: xr.Dataset | xr.DataArray,
    store: Any,
    *,
    bands: Iterable[str] | None = None,
    offset_dn: int | None = None,
    scale: float | None = None,
    nodata: Any = "auto",
    chunks: Mapping[str, int] | None = None,
    zarr_format: int = 3,
    mode: str = "w-",
    progress: bool = True,
    total_bytes: float | None = None,
    bppb: float | None = None,
    ratio: float | None = None,
    best_effort: bool = False,
    **settings: Any,
) -> None:
    """Write `data`, any cube that `to_cube` takes, to a new Zarr `store`; everything but the bands is kept losslessly.

    Parameters
    ----------
    bands, offset_dn, scale, nodata
        What attributes do not tell, or to overrule them; see `to_cube` and `TerraCodec`.
    chunks
        Sizes along time, y and x; 4, 256 and 256 by default.
    mode
        "w-" refuses a store that is there, "w" replaces it.
    progress
        Show a progress bar.
    total_bytes, bppb, ratio
        One of them at most: a budget of the whole cube, in bytes, bits a sample, or times smaller. One quality is searched
        for all chunks on a sample of them, so that bits go where the content needs them.
    best_effort
        Where a target cannot be met: warn and take the nearest.
    settings
        Others of `TerraCodec`: quality, psnr, rmse, max_error, model, device.

    Raises
    ------
    InvalidInputError
        Where data or settings cannot be written; before anything is.
    TargetError
        Where a target cannot be met.
    FileExistsError
        Where there is a store already, with mode "w-".

    A store in a folder is written beside its place and moved there when it is whole: what fails leaves nothing behind, and
    with mode "w" the store that was there. A path that ends in .zip becomes a zip file, in the same way.
    """
    cube = to_cube(data, bands)
    settings |= described(cube, offset_dn, scale, nodata)
    sizes = chunk_sizes(cube, chunks)
    budget = _budget(cube, total_bytes, bppb, ratio)
    if budget is None:
        settings["best_effort"] = best_effort
    else:
        settings["quality"] = _afford(cube, sizes, budget, settings, best_effort)
    codec = {NAME: encoding(zarr_format, tuple(sizes.values()), **settings)}
    prepared = _chunked(cube, sizes)
    with _all_or_nothing(store, mode) as target, _progress(progress):
        prepared.to_zarr(
            target, mode="w" if target is not store else mode, zarr_format=zarr_format, encoding=codec, consolidated=False
        )


def _chunked(cube: xr.Dataset, sizes: dict[str, int]) -> xr.Dataset:
    chunked = cube.chunk({d: sizes.get(d, -1) for d in cube.dims})
    return chunked.assign_coords({n: v.compute() for n, v in cube.coords.items() if v.dtype.kind == "O"})


@contextlib.contextmanager
def _progress(shown: bool) -> Iterator[None]:
    from dask.diagnostics import ProgressBar

    with ProgressBar() if shown else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def _all_or_nothing(store: Any, mode: str) -> Iterator[Any]:
    """Where to write so that a folder or zip file `store` is there as a whole or stays as it was; other stores are
    themselves."""
    if mode not in ("w", "w-"):
        raise InvalidInputError(
            f'mode must be "w-" (a new store) or "w" (replace it); got {mode!r}. To add dates use append()'
        )
    if isinstance(store, ZipStore):
        raise InvalidInputError(
            f"xarray breaks zip files that it writes from Dask arrays: give the path {str(store.path)!r}, not a ZipStore"
        )
    if not isinstance(store, (str, pathlib.Path)) or "://" in str(store):
        yield store
        return
    path = pathlib.Path(store)
    if path.exists() and mode == "w-":
        raise FileExistsError(f'{path} is there already; mode="w" replaces it, append() adds dates to it')
    beside = path.with_name(f"{path.name}.writing")
    try:
        yield beside
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    if path.is_dir():
        shutil.rmtree(path)
    if path.suffix == ".zip":
        _zip(beside, path)
        shutil.rmtree(beside)
    else:
        beside.rename(path)


def _zip(folder: pathlib.Path, path: pathlib.Path) -> None:
    """A store in a folder as a zip file, as `zarr.storage.ZipStore` reads it."""
    partial = path.with_name(f"{path.name}.partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
    partial.replace(path)


def append_cube(
    data: xr.Dataset | xr.DataArray, store: Any, *, bands: Iterable[str] | None = None, progress: bool = True
) -> None:
    """Add the dates of `data` to a store that `write_cube` made, with the codec and settings it has.

    Raises
    ------
    InvalidInputError
        Where the dates before do not fill whole chunks (their last chunk would be coded a second time), or bands, dtype,
        grid, dims or variables differ, or the store is a zip file; before anything is written.
    """
    if isinstance(store, ZipStore) or pathlib.Path(str(store)).suffix == ".zip":
        raise InvalidInputError(f"{store}: dates cannot be added to a zip file; write it anew, or write into a folder")
    cube = to_cube(data, bands)
    there = xr.open_zarr(store, consolidated=False, mask_and_scale=False, chunks=None)
    if NAME not in there:
        raise InvalidInputError(f"{store} holds no variable {NAME!r}; found {list(there.data_vars)}")
    _check_fits(cube, there)
    step = there[NAME].encoding["chunks"][0]
    if there.sizes["time"] % step:
        raise InvalidInputError(
            f"the store has {there.sizes['time']} dates in chunks of {step}: the last chunk is not full, and adding to it "
            "would code its dates a second time, with a loss. Write whole chunks, or the store anew"
        )
    sizes = dict(zip(("time", "band", "y", "x"), there[NAME].encoding["chunks"], strict=True))
    beside = [n for n, v in cube.variables.items() if "time" not in v.dims]
    prepared = _chunked(cube.drop_vars(beside), sizes)
    with _progress(progress):
        prepared.to_zarr(store, mode="a", append_dim="time", consolidated=False)


def _check_fits(cube: xr.Dataset, there: xr.Dataset) -> None:
    new, old = cube[NAME], there[NAME]
    differ = {n: (a, b) for n, a, b in (("dtype", new.dtype, old.dtype), ("dims", new.dims, old.dims)) if a != b}
    for dim in ("band", "y", "x"):
        one, other = (c[dim].values if dim in c.coords else np.arange(c.sizes[dim]) for c in (cube, there))
        if not np.array_equal(one, other):
            differ[dim] = (one, other)
    timed = [{str(n) for n, v in c.variables.items() if "time" in v.dims} for c in (cube, there)]
    if timed[0] != timed[1]:
        differ["variables along time"] = tuple(map(sorted, timed))
    others = {
        n: (cube[n].dtype, there[n].dtype) for n in timed[0] & timed[1] - {NAME} if cube[n].dtype.kind != there[n].dtype.kind
    }
    if differ | others:
        listed = "; ".join(f"{n}: {a} here, {b} in the store" for n, (a, b) in (differ | others).items())
        raise InvalidInputError(f"these dates do not fit the store: {listed}")


def _budget(cube: xr.Dataset, total_bytes: float | None, bppb: float | None, ratio: float | None) -> float | None:
    """Bits a sample that may be spent; None where there is no budget."""
    given = {n: v for n, v in (("total_bytes", total_bytes), ("bppb", bppb), ("ratio", ratio)) if v is not None}
    if len(given) > 1:
        raise InvalidInputError(f"give one of total_bytes, bppb and ratio at most; got {given}")
    if not given:
        return None
    (name, value), array = *given.items(), cube[NAME]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value <= 0:
        raise InvalidInputError(f"{name} must be a positive number; got {value!r}")
    return {"total_bytes": 8 * value / array.size, "bppb": value, "ratio": 8 * array.dtype.itemsize / value}[name]


def _afford(cube: xr.Dataset, sizes: dict[str, int], budget: float, settings: dict[str, Any], best_effort: bool) -> float:
    """The quality at which the cube takes `budget` bits a sample."""
    if clash := {"quality", "psnr", "rmse"} & {n for n, v in settings.items() if v is not None}:
        raise InvalidInputError(f"a budget of the whole cube decides on quality; leave out {', '.join(sorted(clash))}")
    Settings(**{k: v for k, v in settings.items() if k != "device"})
    chunks = _Chunks(cube, sizes)
    goal, count, found = make_goal(Target("bppb", budget), 1.0, 2), SAMPLE, {}

    def measure(quality: float) -> float:
        found[quality] = chunks.expect({**settings, "quality": quality}, count)
        return math.log(found[quality].bppb)

    quality, met = search(measure, goal)
    while met and found[quality].spread > BUDGETED:
        count *= 2
        first = quality - (measure(quality) - goal.value) / goal.slope
        quality, met = search(measure, dataclasses.replace(goal, first=first))
    if not met:
        said = (
            f"{budget:.4g} bits a sample cannot be met: the nearest is {found[quality].bppb:.4g}, at quality {quality:.4g}"
        )
        if not best_effort:
            raise TargetError(f"{said}. Ask for another budget, or best_effort=True to take the nearest")
        warnings.warn(f"{said}; it was taken", TargetWarning, stacklevel=3)
    return quality


@dataclasses.dataclass(frozen=True)
class _Coded:
    """What coding a chunk gave: its bytes, and of its valid samples the squared errors, how many, and the greatest error."""

    size: int
    squares: float = 0.0
    valid: int = 0
    worst: float = 0.0


class _Chunks:
    """The chunks of a cube, to be coded a few at a time; none is coded twice with the same settings."""

    def __init__(self, cube: xr.Dataset, sizes: dict[str, int]):
        self._array, self._shape = cube[NAME], tuple(sizes.values())
        lengths = self._array.shape
        kinds: dict[tuple[bool, ...], list[tuple[int, ...]]] = {}
        for corner in itertools.product(*(range(0, n, step) for n, step in zip(lengths, self._shape, strict=True))):
            whole = tuple(c + step <= n for c, step, n in zip(corner, self._shape, lengths, strict=True))
            kinds.setdefault(whole, []).append(corner)
        self._kinds = [[places[i] for i in _spread_out(len(places))] for places in kinds.values()]
        self._coded: dict[tuple, _Coded] = {}

    @property
    def count(self) -> int:
        return sum(map(len, self._kinds))

    def expect(self, settings: dict[str, Any], sample: int | None, errors: bool = False) -> Estimate:
        """Code about `sample` chunks (None: all), in proportion from inside and from each edge, and count for the whole."""
        share = 1.0 if sample is None else min(1.0, sample / self.count)
        chosen = Settings(**{k: v for k, v in settings.items() if k != "device"})
        device = settings.get("device", "auto")
        groups = []
        for places in self._kinds:
            picked = places[: max(1, round(share * len(places)))]
            groups.append((len(places), [self._code(place, chosen, device, errors) for place in picked]))
        (size, size_off), (squares, squares_off), (valid, _) = (_total(groups, n) for n in ("size", "squares", "valid"))
        worst = max(coded.worst for _, some in groups for coded in some)
        array = self._array
        scale = chosen.scale if array.dtype.kind == "f" else 1.0
        rmse = math.sqrt(squares / valid) if valid else math.nan
        psnr = math.inf if rmse == 0 else 20 * math.log10(metrics.PEAK_DN * scale / rmse)
        bppb, spread = 8 * size / array.size, max(size_off / size, squares_off / squares / 2 if squares else 0.0)
        sampled = sum(len(some) for _, some in groups)
        return Estimate(round(size), array.nbytes, bppb, psnr, rmse, worst, self.count, sampled, spread)

    def _code(self, corner: tuple[int, ...], settings: Settings, device: str, errors: bool) -> _Coded:
        key = (corner, settings, device, errors)
        if key not in self._coded:
            self._coded[key] = self._code_anew(corner, settings, device, errors)
        return self._coded[key]

    def _code_anew(self, corner: tuple[int, ...], settings: Settings, device: str, errors: bool) -> _Coded:
        from tec_zarr.codec.chunk import decode_chunk, encode_chunk

        place = tuple(slice(c, c + step) for c, step in zip(corner, self._shape, strict=True))
        inside = np.ascontiguousarray(self._array[place].values)
        chunk = _padded(inside, self._shape, settings)
        data = encode_chunk(chunk, settings, device)
        if not errors:
            return _Coded(len(data))
        seen = metrics.measured(chunk, None if settings.nodata is None else float(settings.nodata))
        counted = np.zeros(chunk.shape, bool)
        counted[tuple(slice(0, n) for n in inside.shape)] = True
        seen &= counted
        error = chunk[seen].astype(np.float64) - decode_chunk(data, device)[seen]
        return _Coded(len(data), float(error @ error), error.size, float(np.abs(error).max(initial=0)))


def _total(groups: list[tuple[int, list[_Coded]]], name: str) -> tuple[float, float]:
    """Sum of a field over all chunks, of each group of so many of which some were coded, and its standard error."""
    total, variance = 0.0, 0.0
    for count, some in groups:
        values = [getattr(coded, name) for coded in some]
        within = np.var(values, ddof=1) if len(values) > 1 else values[0] ** 2
        total += count * float(np.mean(values))
        variance += count * (count / len(values) - 1) * float(within)
    return total, math.sqrt(variance)


def _spread_out(count: int) -> list[int]:
    """All numbers below `count`, in an order of which every beginning is spread over them evenly (by the golden ratio)."""
    return np.argsort(np.argsort(np.arange(count) * 0.6180339887498949 % 1)).tolist()


def _padded(chunk: np.ndarray, shape: tuple[int, ...], settings: Settings) -> np.ndarray:
    """As Zarr pads a chunk at an edge: with the array's fill value, which is 0, or NaN for floats."""
    if chunk.shape == shape:
        return chunk
    out = np.full(shape, np.nan if chunk.dtype.kind == "f" else 0, chunk.dtype)
    out[tuple(slice(0, n) for n in chunk.shape)] = chunk
    return out


def estimate_cube(
    data: xr.Dataset | xr.DataArray,
    *,
    bands: Iterable[str] | None = None,
    offset_dn: int | None = None,
    scale: float | None = None,
    nodata: Any = "auto",
    chunks: Mapping[str, int] | None = None,
    sample: int | None = SAMPLE,
    precision: float = ESTIMATED,
    **settings: Any,
) -> Estimate:
    """What `write_cube` would give, without writing: from coding `sample` chunks spread over the cube (None: all), and twice
    as many each time until the relative standard errors of size and RMSE are at most `precision`."""
    cube = to_cube(data, bands)
    settings |= described(cube, offset_dn, scale, nodata)
    expected = _Chunks(cube, chunk_sizes(cube, chunks))
    found = expected.expect(settings, sample, errors=True)
    while found.spread > precision:
        sample = 2 * found.sampled
        found = expected.expect(settings, sample, errors=True)
    return found


def rate_distortion(
    data: xr.Dataset | xr.DataArray,
    qualities: Iterable[float] = (10, 25, 50, 75, 95),
    *,
    sample: int | None = 4,
    ax: Any = None,
    **options: Any,
) -> xr.Dataset:
    """Bits a sample, ratio, PSNR (dB) and RMSE (the cube's units) over quality, estimated as `estimate_cube` does with
    `options`; also drawn into the axes `ax` of matplotlib where given."""
    cube = to_cube(data, options.pop("bands", None))
    qualities = list(qualities)
    known = {"sample": sample, "precision": math.inf, **options}
    found = [estimate_cube(cube, quality=quality, **known) for quality in qualities]
    columns = {n: ("quality", [getattr(e, n) for e in found]) for n in ("bppb", "ratio", "psnr", "rmse")}
    curve = xr.Dataset(columns, {"quality": qualities})
    if ax is not None:
        ax.plot(curve["bppb"], curve["psnr"], marker="o")
        ax.set_xscale("log")
        ax.set_xlabel("bits a sample")
        ax.set_ylabel("PSNR (dB)")
    return curve


def describe_store(store: Any, name: str = NAME) -> dict[str, Any]:
    """What a stored array has become: shape, dtype, bytes, ratio, bppb, the codec's settings (model, quality or target,
    guarantees); and of each chunk that is stored (none where they are in shards) its place, bytes, quality (None: it has no
    learned layer), and whether its target was met (None: it had none). Of each chunk only the first bytes are read.

    Raises InvalidInputError where the array was not written with tec_zarr.
    """
    array = zarr.open_group(store, mode="r")[name]
    codec = next((c for c in (array.serializer, *array.compressors) if hasattr(c, "settings")), None)
    if codec is None:
        raise InvalidInputError(f"{name} was not written with tec_zarr; its codecs are {array.metadata.to_dict()}")
    chunks = [] if array.shards else list(_stored_chunks(array))
    size = _bytes_in_shards(array) if array.shards else sum(chunk["bytes"] for chunk in chunks)
    samples = math.prod(array.shape)
    return {
        "shape": array.shape,
        "dtype": str(array.dtype),
        "chunk_shape": array.chunks,
        "bytes": size,
        "ratio": samples * array.dtype.itemsize / size if size else math.inf,
        "bppb": metrics.bppb(size, samples),
        **codec.settings.to_dict(),
        "chunks": chunks,
    }


def _bytes_in_shards(array: zarr.Array) -> int:
    metadata = _read(array, ["zarr.json"], None)
    weights = sync(array.store.getsize_prefix(f"{array.store_path.path}/.tec"))
    return array.nbytes_stored() - weights - sum(len(data) for data in metadata if data is not None)


def _read(array: zarr.Array, keys: Sequence[str], most: int | None) -> list[bytes | None]:
    """The first `most` bytes (None: all) under each key, all asked for at once; None where there is nothing."""
    wanted = None if most is None else RangeByteRequest(0, most)

    async def read() -> list[Buffer | None]:
        return await asyncio.gather(*((array.store_path / key).get(default_buffer_prototype(), wanted) for key in keys))

    return [None if found is None else found.to_bytes() for found in sync(read())]


def _stored_chunks(array: zarr.Array) -> Iterator[dict[str, Any]]:
    places = list(np.ndindex(*array.cdata_shape))
    for first in range(0, len(places), AT_ONCE):
        some = places[first : first + AT_ONCE]
        keys = [array.metadata.encode_chunk_key(place) for place in some]
        for place, key, begin in zip(some, keys, _read(array, keys, FRONT_BYTES), strict=True):
            if begin is not None:
                length = container.front_bytes(begin)
                front = begin if length <= len(begin) else _read(array, [key], length)[0]
                yield {"place": place, **_described(front)}


def _described(front: bytes) -> dict[str, Any]:
    header, directory, length = container.parse_front(front)
    learned = header.bounds is None or any(bound.base in (Base.NONE, Base.LEARNED) for bound in header.bounds)
    return {
        "bytes": length + sum(size for size, _ in directory),
        "quality": header.quality if learned else None,
        "target_met": None if header.target is None else header.target.met,
    }
