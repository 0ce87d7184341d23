"""Cubes as people bring them to one variable (time, band, y, x) beside its masks."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np
import xarray as xr

from tec_zarr.cubes.attributes import plain_attributes, split, storable
from tec_zarr.cubes.bands import band_name, final_names, given_names, names_of_variables
from tec_zarr.cubes.beside import bands_of_others, check_names
from tec_zarr.cubes.dims import dims_of, renamed_dims
from tec_zarr.cubes.encodings import filled_of, of_encodings
from tec_zarr.cubes.restore import NO_BAND, is_cube
from tec_zarr.cubes.stale import without_storage
from tec_zarr.cubes.terms import DIMS, NAME, SOURCE
from tec_zarr.cubes.times import with_plain_times
from tec_zarr.errors import InvalidInputError
from tec_zarr.models.bands import L2A


def to_cube(
    data: xr.Dataset | xr.DataArray | xr.DataTree, bands: Iterable[str] | None = None
) -> xr.Dataset:
    """A Dataset that holds the bands of `data` as one variable "B" (time, band, y, x), and
    everything else beside it.

    Takes a DataArray with the dims time, band, y and x in any order, time and band also missing; a
    Dataset with such a variable; or a Dataset with a variable a band. Band names come from the
    coordinate `band` or the variables' names; `bands` names them in their order where those say
    nothing. Values, dtype, coordinates, attributes and CRS stay; what a store cannot hold as it is
    becomes text, and `from_cube` undoes all of it.

    Raises
    ------
    InvalidInputError
        Where there is no cube, bands are unknown or given twice, or their grids or dtypes
        differ; it lists what was found. For a DataTree always: its groups, such as the
        resolutions of an EOPF product, are stored one by one.
    """
    if isinstance(data, xr.DataTree):
        raise InvalidInputError(_one_by_one(data))
    if not isinstance(data, (xr.Dataset, xr.DataArray)):
        raise InvalidInputError(
            f"a cube is a Dataset or DataArray of xarray; got a {type(data).__name__}. Open a "
            "store first, with xr.open_zarr(path), or name the dims of an array, with "
            'xr.DataArray(array, dims=("time", "band", "y", "x"))'
        )
    if isinstance(bands, str):
        raise InvalidInputError(
            f"bands must be a list of names, such as [{bands!r}]; got the text {bands!r}"
        )
    if isinstance(data, xr.DataArray) and SOURCE in data.attrs:
        # The variable of a cube, with all that is known of it.
        data = data.to_dataset(name=NAME)
    if isinstance(data, xr.Dataset) and is_cube(data):
        return without_storage(_whole_again(data))
    mapped = of_encodings(data, "grid_mapping")
    filled = filled_of(data)
    if isinstance(data, xr.DataArray):
        cube = _one_array(data, bands)
        source: dict[str, Any] = {"kind": "array", "name": data.name}
        rest = xr.Dataset()
    else:
        # Masks have the dims of the bands, and must go on having them.
        renamed = renamed_dims(data)
        cube, source, rest = _of_dataset(data.rename(renamed), bands)
        source["renamed"] = {new: str(old) for old, new in renamed.items()}
    cube.attrs[SOURCE] = json.dumps(
        {
            **source,
            **json.loads(cube.attrs.pop(SOURCE)),
            "grid_mapping": mapped,
            "filled": plain_attributes(filled),
        }
    )
    check_names(rest, cube)
    whole = rest.merge(
        cube.to_dataset(name=NAME), combine_attrs="override", compat="override", join="override"
    )
    places = {name if name in rest.data_vars else NAME: mapping for name, mapping in mapped.items()}
    whole = whole.assign(
        {name: whole[name].assign_attrs(grid_mapping=mapping) for name, mapping in places.items()}
    )
    whole.attrs = plain_attributes(data.attrs if isinstance(data, xr.Dataset) else {})
    return storable(with_plain_times(whole))


def _whole_again(data: xr.Dataset) -> xr.Dataset:
    """A cube with all its dims, where one band or date of it was selected; raises InvalidInputError
    where it has no pixels any more, or nothing tells which band this is."""
    cube = data[NAME]
    if cube.dims == DIMS:
        return data
    if not {"y", "x"} <= set(cube.dims):
        raise InvalidInputError(
            f"a cube has the dims {DIMS}; of this one {cube.dims} are left: select pixels with "
            "slices, such as .isel(y=slice(4, 5)), which keep them"
        )
    missing = [dim for dim in ("time", "band") if dim not in cube.dims]
    if "band" in missing and "band" not in cube.coords:
        raise InvalidInputError(NO_BAND)
    source = json.loads(cube.attrs[SOURCE])
    # Variables of one band each are taken from the dim band, whatever was selected.
    gone = [dim for dim in missing if dim == "time" or source["kind"] != "variables"]
    source["expanded"] |= {dim: dim in cube.coords for dim in gone}
    whole = cube.expand_dims(missing).transpose(*DIMS)
    whole.attrs = {**cube.attrs, SOURCE: json.dumps(source)}
    return data.drop_vars([NAME, *missing], errors="ignore").assign({NAME: whole})


def _one_by_one(tree: xr.DataTree) -> str:
    bands = {
        g.path: [str(n) for n, v in g.data_vars.items() if band_name(n) or _has_bands(v)]
        for g in tree.subtree
    }
    groups = {path: sorted(names) for path, names in sorted(bands.items()) if names}
    listed = (
        "; ".join(f"{path} with {', '.join(names)}" for path, names in groups.items())
        or "no group with bands"
    )
    path = next(iter(groups), "/measurements/reflectance/r10m")
    return (
        "a tree of groups, which may have a grid each, is stored a group at a time: "
        f'tree["{path}"].to_dataset().tec.to_zarr(...), each to a store of its own; found {listed}'
    )


def _has_bands(variable: xr.DataArray) -> bool:
    return {"y", "x", "band"} <= dims_of(variable)


def _one_array(data: xr.DataArray, bands: Iterable[str] | None) -> xr.DataArray:
    """`data` as (time, band, y, x), with the attribute `SOURCE` about its dims, band names and
    attributes."""
    renamed = data.rename(renamed_dims(data))
    if not {"y", "x"} <= set(renamed.dims) or not set(renamed.dims) <= set(DIMS):
        raise InvalidInputError(_other_dims(data, renamed))
    if data.dtype.kind not in "biuf":
        raise InvalidInputError(
            f"dtype {data.dtype} cannot be coded: convert the bands first, to uint16 or int16 "
            "(digital numbers) or float32 or float64 (reflectance), for example with "
            '.astype("float32")'
        )
    names = given_names(renamed, bands)
    final = final_names(names)
    scalars = [d for d in ("time", "band") if d not in renamed.dims]
    cube = renamed.expand_dims(scalars).transpose(*DIMS)
    # A store of Zarr format 3 says nothing of the order of bytes.
    cube = cube.astype(cube.dtype.newbyteorder("="), copy=False)
    kept, aside = split(plain_attributes(data.attrs))
    source = {
        "dims": [str(d) for d in data.dims],
        "bands": _labels_of_bands(renamed, final),
        "labels": _dtype_of_labels(renamed),
        "expanded": {d: d in renamed.coords for d in scalars},
        "attrs": aside,
    }
    cube = cube.assign_coords(band=("band", np.array(final, object), _attrs_of(renamed, "band")))
    cube.attrs = {**kept, SOURCE: json.dumps(source)}
    return cube


def _other_dims(data: xr.DataArray, renamed: xr.DataArray) -> str:
    other = [str(dim) for dim in renamed.dims if dim not in DIMS]
    free = [dim for dim in DIMS if dim not in renamed.dims]
    said = f"a cube has the dims (time, band, y, x), or (band, y, x); got {data.dims}"
    if len(other) > len(free):
        return f"{said}. Select one of the others first, such as with .isel({other[0]}=0)"
    # In their order from the last one, as y and x stand last.
    named = list(zip(other[::-1], free[::-1], strict=False))
    advice = ", ".join(f'{theirs}="{ours}"' for theirs, ours in named[::-1])
    return f"{said}. Call them so first, such as with .rename({advice})" if named else said


def _labels_of_bands(data: xr.DataArray, names: list[str]) -> dict[str, Any] | None:
    """What the coordinate `band` had for each name; None where there was none."""
    if "band" not in data.coords:
        return None
    labels = np.atleast_1d(data["band"].values).tolist()
    return dict(zip(names, labels, strict=True))


def _dtype_of_labels(data: xr.DataArray) -> str | None:
    """Of numbers alone, such as wavelengths."""
    is_of_numbers = "band" in data.coords and data["band"].dtype.kind in "iuf"
    return str(data["band"].dtype) if is_of_numbers else None


def _attrs_of(data: xr.DataArray, name: str) -> dict[str, Any]:
    return data[name].attrs if name in data.coords else {}


def _of_dataset(
    data: xr.Dataset, bands: Iterable[str] | None
) -> tuple[xr.DataArray, dict[str, Any], xr.Dataset]:
    """Cube, what it was made of, and what stays beside it."""
    arrays = [n for n, v in data.data_vars.items() if _has_bands(v) and v.ndim in (3, 4)]
    if len(arrays) == 1:
        cube = _one_array(data[arrays[0]], bands)
        return (
            cube,
            {"kind": "variable", "name": arrays[0]},
            data.drop_vars([arrays[0], "band"], errors="ignore"),
        )
    found = {n: v.dims for n, v in data.data_vars.items()}
    if len(arrays) > 1:
        raise InvalidInputError(
            f"several variables have the dims y, x and band, and a store holds one of them: "
            f'{found}. Select one, such as ds[["{arrays[0]}"]], and store the others apart'
        )
    named = _variables_of_bands(data, bands)
    if not named or not set(named) <= set(data.data_vars):
        raise InvalidInputError(
            "one variable with the dims (time, band, y, x) is wanted, or variables that are "
            f"called like bands ({', '.join(L2A)}, or B2, b02, blue, nir08 …); found {found}, "
            f"understood as bands: {named}. Rename dims or variables, or name the variables that "
            "are bands with bands=[...]"
        )
    _check_alike(data, named)
    label = _label_of_bands(data)
    data = data.drop_vars({"band"} & set(data.coords))
    attrs = {str(n): plain_attributes(data[n].attrs) for n in named}
    shared = {
        k: v
        for k, v in attrs[next(iter(attrs))].items()
        if all(k in a and a[k] == v for a in attrs.values())
    }
    bare = [data[n].drop_vars(list(data[n].coords)) for n in named]
    stacked = xr.concat(bare, xr.Variable("band", list(named.values())), combine_attrs="drop")
    stacked = stacked.assign_coords(
        {k: v for k, v in data.coords.items() if set(v.dims) <= set(stacked.dims)}
    )
    stacked.attrs = shared
    cube = _one_array(stacked, list(named.values()))
    each = {n: {k: v for k, v in a.items() if k not in shared} for n, a in attrs.items()}
    names = {band: str(name) for name, band in named.items()}
    source = {"kind": "variables", "names": names, "each": each, "label": label}
    return cube, source, data.drop_vars(list(named))


def _label_of_bands(data: xr.Dataset) -> Any:
    """The scalar coordinate `band` that rioxarray's files of one band leave; None where there is
    none, as the names of the variables tell which band is which."""
    if "band" in data.dims or ("band" in data.coords and data["band"].ndim):
        found = (
            "the dim band"
            if "band" in data.dims
            else f"the coordinate band, along {data['band'].dims}"
        )
        raise InvalidInputError(
            f"{found}, is called like a part of a cube: rename or drop it first, such as with "
            '.rename(band="band_")'
        )
    if "band" not in data.coords:
        return None
    return plain_attributes({"band": data["band"].item()})["band"]


def _variables_of_bands(data: xr.Dataset, bands: Iterable[str] | None) -> dict[Hashable, str]:
    """Names of bands by variable: of those asked for, else of those that are called like bands, of
    Sentinel-2 or, where none is, of another product."""
    if bands is not None:
        asked = list(bands)
        return dict(zip(asked, final_names(asked), strict=True))
    return names_of_variables(data) or bands_of_others(data)


def _check_alike(data: xr.Dataset, named: dict[Hashable, str]) -> None:
    kinds = {n: (data[n].dims, data[n].shape, str(data[n].dtype)) for n in named}
    if len(set(kinds.values())) > 1 or len(set(named.values())) != len(named):
        listed = "; ".join(
            f"{n} ({named[n]}): {dims} {shape} {dtype}" for n, (dims, shape, dtype) in kinds.items()
        )
        raise InvalidInputError(
            "the bands of a cube share dims, shape and dtype, and each is there once; found "
            f"{listed}. {_way_to_alike(data, named)}"
        )


def _way_to_alike(data: xr.Dataset, named: dict[Hashable, str]) -> str:
    dims = [data[name].dims for name in named]
    if len({frozenset(one) for one in dims}) == 1 < len(set(dims)):
        return f"Bring their dims into one order, with .transpose({str(dims[0])[1:-1]}, ...)"
    return (
        "Select those of one grid, ds[[...]], and store the others apart, or bring them to one "
        "grid first"
    )
