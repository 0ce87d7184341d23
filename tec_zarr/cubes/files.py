"""Cubes as files bring them: Zarr, NetCDF, images in files, folders and products."""

from __future__ import annotations

import pathlib
import zipfile
from collections.abc import Iterable, Sequence

import fsspec
import xarray as xr
from zarr.storage import ZipStore

from tec_zarr.cubes.convert import to_cube
from tec_zarr.cubes.products import images_in, is_image
from tec_zarr.cubes.rasters import open_images
from tec_zarr.errors import InvalidInputError
from tec_zarr.models.bands import L2A

NETCDF = (".nc", ".nc4", ".cdf", ".h5", ".hdf5")
METADATA = ("zarr.json", ".zgroup", ".zarray", ".zmetadata")


def open_cube(
    paths: Sequence[str | pathlib.Path],
    bands: Iterable[str] | None = None,
    resolution: float | None = None,
) -> xr.Dataset:
    """The cube that `to_cube` makes of one Zarr store or NetCDF file, or of images: GeoTIFFs,
    folders of them, SAFE products.

    Nothing is read but what says what there is; files stay open until the cube is closed, as by
    `with`. Values stay as they are stored: no scaling, no masking. Twelve bands without names are
    taken for those of L2A in their order.

    Parameters
    ----------
    paths
        Files, folders and URLs.
    bands
        Names of the bands in their order, where nothing else tells them.
    resolution
        Of images of several pixel sizes: take those of this one alone.

    Raises
    ------
    InvalidInputError
        Where the files hold no cube.
    """
    if not paths:
        raise InvalidInputError("no file was given")
    texts = [str(path) for path in paths]
    for text in texts:
        if _is_url(text):
            check_url(text)
    missing = [text for text in texts if not _is_url(text) and not pathlib.Path(text).exists()]
    if missing:
        raise InvalidInputError(
            f"no such file: {', '.join(missing)}. Paths are taken from {pathlib.Path.cwd()}"
        )
    stores = [text for text in texts if not _holds_images(text)]
    data: xr.Dataset | xr.DataArray
    names = None if bands is None else list(bands)
    if not stores:
        files: list[str] = []
        for text in texts:
            files += [text] if is_image(text) else images_in(pathlib.Path(text))
        data, found = open_images(files, resolution)
        names = names or found
    elif len(texts) == 1:
        data = _open_dataset(texts[0])
    else:
        raise InvalidInputError(
            f"give one Zarr store, one NetCDF file, or images; got {len(texts)} files, of which "
            f"{', '.join(stores)} hold no images"
        )
    if names is None and _are_nameless(data):
        names = list(L2A)
    cube = to_cube(data, names)
    if cube is not data:
        cube.set_close(data.close)
    if "source" in data.encoding:
        cube.encoding["source"] = data.encoding["source"]
    return cube


def check_url(text: str) -> None:
    """Raise InvalidInputError where nothing here can open URLs of this kind."""
    protocol = text.split("::", maxsplit=1)[0].split("://", maxsplit=1)[0]
    try:
        fsspec.get_filesystem_class(protocol)
    except (ValueError, ImportError) as error:
        raise InvalidInputError(
            f"{text} cannot be opened: {error}. Give a path, or a URL such as "
            "https://example.org/cube.zarr or s3://bucket/cube.zarr (for which pip install s3fs)"
        ) from error


def _is_url(text: str) -> bool:
    return "://" in text


def _holds_images(text: str) -> bool:
    """Whether there is an image, or a folder or zip file of them; else it is a store or NetCDF."""
    path = pathlib.Path(text)
    if _is_url(text) or is_image(text):
        return is_image(text)
    if path.is_dir():
        return not any((path / name).exists() for name in METADATA)
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return not set(archive.namelist()) & set(METADATA)


def _open_dataset(text: str) -> xr.Dataset:
    path = pathlib.Path(text)
    is_netcdf = path.suffix.lower() in NETCDF and not path.is_dir()
    try:
        if is_netcdf:
            return xr.open_dataset(text, mask_and_scale=False, chunks={})
        if not _is_url(text) and not path.is_dir() and path.suffix != ".zip":
            raise InvalidInputError(
                f"{text} is no file that is known here: give a Zarr store (folder, .zip, URL), "
                f"NetCDF ({', '.join(NETCDF)}), or images (.tif, .jp2)"
            )
        store = ZipStore(path, mode="r") if path.suffix == ".zip" else text
        return xr.open_zarr(store, chunks={}, mask_and_scale=False)
    except InvalidInputError:
        raise
    except (OSError, ValueError, ImportError, zipfile.BadZipFile) as error:
        if is_netcdf and _is_no_netcdf(path):
            raise InvalidInputError(
                f"{text} is no NetCDF file, whatever its name says, or a part of one: give a file "
                "that ncdump or xr.open_dataset can read"
            ) from error
        said = " ".join(str(error).split())
        raise InvalidInputError(f"{text} cannot be opened: {said}") from error


def _is_no_netcdf(path: pathlib.Path) -> bool:
    """Whether a file begins neither as NetCDF 3 nor as HDF5."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        begin = file.read(8)
    return not begin.startswith((b"CDF", b"\x89HDF\r\n\x1a\n"))


def _are_nameless(data: xr.Dataset | xr.DataArray) -> bool:
    """Whether twelve bands are only numbered, or not even that."""
    if data.sizes.get("band") != len(L2A):
        return False
    if isinstance(data.attrs.get("long_name"), (tuple, list)):
        return False
    numbers = list(range(1, len(L2A) + 1))
    return "band" not in data.coords or data["band"].values.tolist() == numbers
