"""Cubes as people bring them to one variable (time, band, y, x) beside its masks, and back to what they were."""

from __future__ import annotations

import itertools
import json
import numbers
import re
import warnings
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.errors import InvalidInputError
from tec_zarr.models.bands import L2A

DIMS = ("time", "band", "y", "x")
NAME = "B"
"""Variable that a cube is stored as."""

SOURCE = "tec_source"
"""Attribute that says, as JSON, what a cube was made of."""

AS_JSON = "tec_json"
"""Attribute of coordinates whose objects were written as JSON."""

PACKING = ("_FillValue", "missing_value", "scale_factor", "add_offset")

_COMMON = {
    "coastal": "B01", "blue": "B02", "green": "B03", "red": "B04", "rededge1": "B05", "rededge071": "B05",
    "rededge2": "B06", "rededge075": "B06", "rededge3": "B07", "rededge078": "B07", "nir": "B08", "nir08": "B8A",
    "nir09": "B09", "swir16": "B11", "swir22": "B12", "aerosol": "B01", "watervapor": "B09", "nirnarrow": "B8A",
}  # fmt: skip
"""Common names of STAC's electro-optical extension, and keys of Earth Search's assets."""

DIM_ALIASES = {"variable": "band", "bands": "band", "t": "time", "latitude": "y", "lat": "y", "longitude": "x", "lon": "x"}


def band_name(alias: object) -> str | None:
    """The L2A band that an alias like B2, b02, B02_10m, blue or nir08 stands for; None where it is none."""
    text = str(alias).strip()
    plain = re.sub(r"[-_ ]", "", re.sub(r"[_-]?(10|20|60)m$", "", text.lower()))
    if plain in _COMMON:
        return _COMMON[plain]
    match = re.fullmatch(r"b(?:and)?0*(8a|\d{1,2})", plain)
    name = match and f"B{match[1].upper().zfill(2)}"
    return name if name in L2A else None


def to_cube(data: xr.Dataset | xr.DataArray | xr.DataTree, bands: Iterable[str] | None = None) -> xr.Dataset:
    """A Dataset that holds the bands of `data` as one variable "B" (time, band, y, x), and everything else beside it.

    Takes a DataArray with the dims time, band, y and x in any order, time and band also missing; a Dataset with such a
    variable; or a Dataset with a variable a band. Band names come from the coordinate `band` or the variables' names;
    `bands` names them in their order where those say nothing. Values, dtype, coordinates, attributes and CRS stay; what a
    store cannot hold as it is becomes text, and `from_cube` undoes all of it.

    Raises
    ------
    InvalidInputError
        Where there is no cube, bands are unknown or given twice, or their grids or dtypes differ; it lists what was found.
        For a DataTree always: its groups, such as the resolutions of an EOPF product, are stored one by one.
    """
    if isinstance(data, xr.DataTree):
        raise InvalidInputError(_one_by_one(data))
    mapped = _grid_mappings(data)
    if isinstance(data, xr.DataArray):
        cube, source, rest = _one_array(data, bands), {"kind": "array", "name": data.name}, xr.Dataset()
    elif NAME in data.data_vars and SOURCE in data[NAME].attrs:
        return data
    else:
        cube, source, rest = _of_dataset(data, bands)
    cube.attrs[SOURCE] = json.dumps({**source, **json.loads(cube.attrs.pop(SOURCE)), "grid_mapping": mapped})
    whole = rest.merge(cube.to_dataset(name=NAME), combine_attrs="override", compat="override", join="override")
    places = {name if name in rest.data_vars else NAME: mapping for name, mapping in mapped.items()}
    whole = whole.assign({name: whole[name].assign_attrs(grid_mapping=mapping) for name, mapping in places.items()})
    whole.attrs = _plain_attrs(data.attrs if isinstance(data, xr.Dataset) else {})
    return _storable(whole)


def _one_by_one(tree: xr.DataTree) -> str:
    bands = {g.path: [str(n) for n, v in g.data_vars.items() if band_name(n) or _has_bands(v)] for g in tree.subtree}
    groups = {path: sorted(names) for path, names in sorted(bands.items()) if names}
    listed = "; ".join(f"{path} with {', '.join(names)}" for path, names in groups.items()) or "no group with bands"
    path = next(iter(groups), "/measurements/reflectance/r10m")
    return (
        "a tree of groups, which may have a grid each, is stored a group at a time: "
        f'tree["{path}"].to_dataset().tec.to_zarr(...), each to a store of its own; found {listed}'
    )


def _has_bands(variable: xr.DataArray) -> bool:
    return {"y", "x", "band"} <= _dims(variable)


def _grid_mappings(data: xr.Dataset | xr.DataArray) -> dict[str, str]:
    """Names of the CRS variables that encodings tell of, by variable: a store keeps them as attributes, as CF has them."""
    variables = {NAME: data} if isinstance(data, xr.DataArray) else data.data_vars
    return {str(n): v.encoding["grid_mapping"] for n, v in variables.items() if "grid_mapping" in v.encoding}


def _one_array(data: xr.DataArray, bands: Iterable[str] | None) -> xr.DataArray:
    """`data` as (time, band, y, x), with the attribute `SOURCE` about its dims, band names and attributes."""
    renamed = data.rename({d: DIM_ALIASES[d] for d in data.dims if d in DIM_ALIASES and DIM_ALIASES[d] not in data.dims})
    if not {"y", "x"} <= set(renamed.dims) or not set(renamed.dims) <= set(DIMS):
        raise InvalidInputError(f"a cube has the dims (time, band, y, x), or (band, y, x); got {data.dims}")
    names = _given_names(renamed, bands)
    scalars = [d for d in ("time", "band") if d not in renamed.dims]
    cube = renamed.expand_dims(scalars).transpose(*DIMS)
    source = {
        "dims": [str(d) for d in data.dims],
        "bands": np.atleast_1d(renamed["band"].values).tolist() if "band" in renamed.coords else None,
        "expanded": {d: d in renamed.coords for d in scalars},
        "attrs": {k: v for k, v in _plain_attrs(data.attrs).items() if k in PACKING},
    }
    cube = cube.assign_coords(band=("band", np.array(_known(names, bands), object), _attrs_of(renamed, "band")))
    cube.attrs = {k: v for k, v in _plain_attrs(data.attrs).items() if k not in PACKING} | {SOURCE: json.dumps(source)}
    return cube


def _attrs_of(data: xr.DataArray, name: str) -> dict[str, Any]:
    return data[name].attrs if name in data.coords else {}


def _given_names(data: xr.DataArray, bands: Iterable[str] | None) -> list:
    count = data.sizes.get("band", 1)
    if "band" in data.coords:
        names = np.atleast_1d(data["band"].values).tolist()
        long_names = data.attrs.get("long_name")
        if isinstance(long_names, (tuple, list)) and len(long_names) == count and not all(map(band_name, names)):
            names = list(long_names)
    else:
        names = [str(data.name)] if count == 1 and band_name(data.name) else [None] * count
    if bands is not None and len(list(bands)) != count:
        raise InvalidInputError(f"bands={tuple(bands)} names {len(list(bands))} bands, but there are {count}: {names}")
    return names


def _known(names: list, bands: Iterable[str] | None) -> list[str]:
    asked = names if bands is None else list(bands)
    numbered = bands is None and names == list(range(1, len(names) + 1))
    known = [None if numbered else band_name(name) for name in asked]
    if None in known or len(set(known)) != len(known):
        understood = ", ".join(f"{a!r} is {k or 'unknown'}" for a, k in zip(asked, known, strict=True))
        raise InvalidInputError(
            f"the bands must be distinct ones of {', '.join(L2A)} (or B2, b02, blue, nir08 …); understood was: {understood}"
            ". Name them in their order with bands=(...), or leave out what is no band with .sel(band=[...])"
        )
    return known


def _of_dataset(data: xr.Dataset, bands: Iterable[str] | None) -> tuple[xr.DataArray, dict[str, Any], xr.Dataset]:
    """Cube, what it was made of, and what stays beside it."""
    arrays = [n for n, v in data.data_vars.items() if _has_bands(v) and v.ndim in (3, 4)]
    if len(arrays) == 1:
        cube = _one_array(data[arrays[0]], bands)
        return cube, {"kind": "variable", "name": arrays[0]}, data.drop_vars([arrays[0], "band"], errors="ignore")
    found = {n: v.dims for n, v in data.data_vars.items()}
    named = {n: b for n in data.data_vars if (b := band_name(n))} if bands is None else {n: band_name(n) for n in bands}
    if arrays or not named or None in named.values() or not set(named) <= set(data.data_vars):
        raise InvalidInputError(
            "one variable with the dims (time, band, y, x) is wanted, or variables that are called like bands "
            f"({', '.join(L2A)}, or B2, b02, blue, nir08 …); found {found}, understood as bands: {named}"
        )
    _check_alike(data, named)
    attrs = {str(n): _plain_attrs(data[n].attrs) for n in named}
    shared = {k: v for k, v in attrs[next(iter(attrs))].items() if all(k in a and a[k] == v for a in attrs.values())}
    bare = [data[n].drop_vars(list(data[n].coords)) for n in named]
    stacked = xr.concat(bare, xr.Variable("band", list(named.values())), combine_attrs="drop")
    stacked = stacked.assign_coords({k: v for k, v in data.coords.items() if set(v.dims) <= set(stacked.dims)})
    stacked.attrs = shared
    cube = _one_array(stacked, None)
    each = {n: {k: v for k, v in a.items() if k not in shared} for n, a in attrs.items()}
    source = {"kind": "variables", "names": [str(n) for n in named], "each": each}
    return cube, source, data.drop_vars(list(named))


def _dims(variable: xr.DataArray) -> set[Hashable]:
    return {DIM_ALIASES.get(d, d) for d in variable.dims}


def _check_alike(data: xr.Dataset, named: dict[Hashable, str]) -> None:
    kinds = {n: (data[n].dims, data[n].shape, str(data[n].dtype)) for n in named}
    if len(set(kinds.values())) > 1 or len(set(named.values())) != len(named):
        listed = "; ".join(f"{n} ({named[n]}): {dims} {shape} {dtype}" for n, (dims, shape, dtype) in kinds.items())
        raise InvalidInputError(
            f"the bands of a cube share dims, shape and dtype, and each is there once; found {listed}. Select those of one "
            "grid, ds[[...]], and store the others apart, or bring them to one grid first"
        )


def from_cube(data: xr.Dataset) -> xr.Dataset | xr.DataArray:
    """What `to_cube` was given: its variables, names, dims and attributes.

    Raises InvalidInputError where `data` holds no cube that `to_cube` made.
    """
    if NAME not in data.data_vars or SOURCE not in data[NAME].attrs:
        raise InvalidInputError(f"no variable {NAME!r} with the attribute {SOURCE!r}; found {list(data.data_vars)}")
    data = _unstorable(data)
    source = json.loads(data[NAME].attrs[SOURCE])
    back = _taken_apart(data[NAME], data.drop_vars(NAME), source)
    for name, mapping in source.get("grid_mapping", {}).items():
        variable = back if isinstance(back, xr.DataArray) else back[name]
        variable.attrs = {k: v for k, v in variable.attrs.items() if k != "grid_mapping"}
        variable.encoding["grid_mapping"] = mapping
    return back


def _taken_apart(cube: xr.DataArray, rest: xr.Dataset, source: dict[str, Any]) -> xr.Dataset | xr.DataArray:
    attrs = {k: v for k, v in cube.attrs.items() if k != SOURCE} | source["attrs"]
    if source["kind"] == "variables":
        expanded = source["expanded"].get("time")
        frames = cube if expanded is None else cube.isel(time=0, drop=not expanded)
        dims = [d for d in source["dims"] if d != "band"]
        for i, name in enumerate(source["names"]):
            one = frames.isel(band=i, drop=True).transpose(*(DIM_ALIASES.get(d, d) for d in dims))
            one = one.rename({DIM_ALIASES.get(d, d): d for d in dims if d in DIM_ALIASES})
            one.attrs = attrs | source["each"][name]
            rest[name] = one
        rest = rest.drop_vars("band", errors="ignore")
        return rest.drop_vars("time", errors="ignore") if expanded is False else rest
    array = _as_it_was(cube, source)
    array.attrs = attrs
    if source["kind"] == "array":
        return array.rename(source["name"])
    return rest.drop_vars("band", errors="ignore").assign({source["name"]: array})


def _as_it_was(cube: xr.DataArray, source: dict[str, Any]) -> xr.DataArray:
    if source["bands"] is None:
        cube = cube.drop_vars("band")
    else:
        cube = cube.assign_coords(band=("band", np.array(source["bands"]), cube["band"].attrs))
    for dim, had in source["expanded"].items():
        cube = cube.isel({dim: 0}, drop=not had)
    original = {DIM_ALIASES.get(d, d): d for d in source["dims"]}
    return cube.transpose(*original).rename({k: v for k, v in original.items() if k != v})


def _plain_attrs(attrs: Mapping[Hashable, Any]) -> dict[str, Any]:
    return {str(k): _plain(v) for k, v in attrs.items()}


def _plain(value: Any) -> Any:
    """As JSON has it: numbers of numpy become numbers, tuples lists; what has no such form its text."""
    if isinstance(value, (str, bool, int, float)) or value is None:
        return value
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(v) for v in (sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)]
    return float(value) if isinstance(value, numbers.Real) else str(value)


def _storable(data: xr.Dataset) -> xr.Dataset:
    """Without stale encodings, and objects in coordinates as JSON."""
    data = data.drop_encoding()
    for name, coord in data.coords.items():
        variable = coord.variable.to_base_variable()
        if coord.dtype.kind == "O" and not all(isinstance(v, str) for v in coord.values.flat):
            text = [json.dumps(_plain(v)) for v in coord.values.flat]
            values = np.array([*text, None], object)[:-1].reshape(coord.shape)
            variable = xr.Variable(coord.dims, values, {**_plain_attrs(coord.attrs), AS_JSON: 1})
        elif coord.dtype.kind == "U":
            variable = xr.Variable(coord.dims, coord.values.astype(object), _plain_attrs(coord.attrs))
        else:
            variable.attrs = _plain_attrs(coord.attrs)
        data = data.assign_coords({name: variable})
    for variable in data.data_vars.values():
        variable.attrs = _plain_attrs(variable.attrs)
    return data


def _unstorable(data: xr.Dataset) -> xr.Dataset:
    for name, coord in data.coords.items():
        if coord.attrs.get(AS_JSON):
            values = np.empty(coord.size, object)
            values[:] = [json.loads(v) for v in coord.values.flat]
            attrs = {k: v for k, v in coord.attrs.items() if k != AS_JSON}
            data = data.assign_coords({name: xr.Variable(coord.dims, values.reshape(coord.shape), attrs)})
    return data


def radiometry(cube: xr.Dataset, offset_dn: int | None, scale: float | None, nodata: Any) -> dict[str, Any]:
    """`offset_dn`, `scale` and `nodata` for the codec: those given, else what the attributes say.

    Floats are reflectance (scale 1e-4) or DN (1) by their size. Integers without a word on their offset are taken for DN
    without one, with a warning.

    Raises InvalidInputError where attributes contradict each other or floats are neither.
    """
    array = cube[NAME]
    said = json.loads(array.attrs[SOURCE])
    attrs = {**array.attrs, **said["attrs"], **next(iter(said.get("each", {}).values()), {})}
    if nodata == "auto":
        given = next((attrs[k] for k in ("nodata", "_FillValue", "missing_value") if k in attrs), None)
        is_float = array.dtype.kind == "f"
        nodata = (None if is_float else 0) if given is None or (is_float and np.isnan(float(given))) else given
    if array.dtype.kind == "f":
        return {"scale": _scale(array) if scale is None else scale, "nodata": nodata}
    return {"offset_dn": _offset(cube, attrs) if offset_dn is None else offset_dn, "nodata": nodata}


def described(cube: xr.Dataset, offset_dn: int | None, scale: float | None, nodata: Any) -> dict[str, Any]:
    """What the codec is to know of a cube: its `bands`, and its `radiometry`."""
    return {"bands": tuple(str(b) for b in cube["band"].values), **radiometry(cube, offset_dn, scale, nodata)}


def _offset(cube: xr.Dataset, attrs: dict[str, Any]) -> int:
    found: dict[str, int] = {}
    for name in ("offset_dn", "BOA_ADD_OFFSET", "boa_add_offset"):
        if name in attrs:
            found[name] = int(attrs[name])
    packed = {k: attrs[k] for k in ("scale_factor", "add_offset") if k in attrs}
    if "scale_factor" in packed:
        found["scale_factor and add_offset"] = round(packed.get("add_offset", 0) / packed["scale_factor"])
    for raster in _raster_bands(cube, attrs):
        offset = raster.get("offset", 0)
        found[f"raster:bands with offset {offset:g}"] = round(offset / raster["scale"])
    if "earthsearch:boa_offset_applied" in cube.coords and bool(np.all(cube["earthsearch:boa_offset_applied"].values == 1)):
        found["earthsearch:boa_offset_applied"] = 0
    if len(set(found.values())) > 1:
        raise InvalidInputError(f"the offset is told differently by {found}: give offset_dn=0 or offset_dn=-1000")
    if found:
        return next(iter(found.values()))
    if "s2:processing_baseline" in cube.coords:
        baselines = np.atleast_1d(cube["s2:processing_baseline"].values)
        if any(float(str(b).strip('"')) >= 4 for b in baselines):
            raise InvalidInputError(
                f"processing baselines {sorted(set(map(str, baselines)))} have an offset of -1000, unless it was taken off, "
                "and no attribute tells whether it was: give offset_dn=-1000 or offset_dn=0"
            )
        return 0
    warnings.warn("no attribute tells the offset of these DN: offset_dn=0 is assumed; give it to be sure", stacklevel=4)
    return 0


def _raster_bands(cube: xr.Dataset, attrs: dict[str, Any]) -> list[dict[str, Any]]:
    """Objects of STAC's raster extension that have a scale, from an attribute or from a coordinate as stackstac makes it."""
    said = [attrs.get("raster:bands")]
    if "raster:bands" in cube.coords:
        said += list(_unstorable(cube[["raster:bands"]])["raster:bands"].values.flat)
    each = itertools.chain.from_iterable(s if isinstance(s, list) else [s] for s in said)
    return [r for r in each if isinstance(r, dict) and r.get("scale")]


def _scale(array: xr.DataArray) -> float:
    """1e-4 for reflectance, 1 for DN."""
    steps = {d: max(1, n // 64) for d, n in array.sizes.items() if d in ("y", "x")}
    sample = np.asarray(array.isel({d: slice(None, None, s) for d, s in steps.items()}).values)
    finite = np.abs(sample[np.isfinite(sample)])
    typical = float(np.percentile(finite, 90)) if finite.size else 0.0
    if typical <= 5:
        return 1e-4
    if typical >= 50:
        return 1.0
    raise InvalidInputError(
        f"90 % of the values are below {typical:.3g}: neither reflectance (0 to 1) nor DN (0 to 10000). Give "
        "scale=, the value of one DN"
    )
