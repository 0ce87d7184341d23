"""The codec of Zarr format 2: `tec_zarr.TerraCodec`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numcodecs.abc import Codec

from tec_zarr.codec.layout import HOW_TO_RECHUNK
from tec_zarr.codec.settings import ALL_GROUPS, ALL_TOKENS, REFLECTANCE_PER_DN, Settings
from tec_zarr.errors import InvalidInputError
from tec_zarr.models.registry import DEFAULT
from tec_zarr.plugins.keyword import AdvisedClass


class TerraCodec(Codec, metaclass=AdvisedClass):
    """TerraCodec for chunks (time, band, y, x) of raster cubes in Zarr format 2. Lossy.

    >>> ds.to_zarr(path, zarr_format=2, encoding={"B": {"compressors": TerraCodec(quality=60)}})

    Parameters
    ----------
    model
        Name of the weights: "tec-tt", or that of a published checkpoint (`tec-zarr models list`).
    quality
        1 (smallest) to 100 (most faithful); on Sentinel-2 imagery about 30 to beyond 60 dB of PSNR (peak 10,000 DN).
        Default: 35; with `max_error` for all bands, what takes the fewest bytes.
    bands
        Names along the band axis, any texts: what `max_error` may name. Published models need those of their level.
    offset_dn
        For integer arrays, reflectance = (DN + offset_dn) * 1e-4: 0, or -1000 for products of processing baseline
        04.00 and later whose offset was not taken off. Only published models care.
    scale
        For float arrays, the value of one DN: 1e-4 for reflectance, 0.01 for kelvin to a hundredth.
    nodata
        Value in the array's units that comes back exactly; None for none. NaN and infinities always come back exactly.
    tokens
        Of a published FlexTEC: how many of the 16 tokens of each block are kept, or a number for each date of a chunk.
    max_error
        Hard bound on the error of every valid sample, in the array's units, on every machine; 0 is lossless. One
        number, or a mapping of bands to numbers; bands that are not named have no bound.
    psnr, rmse, bppb, ratio
        Instead of `quality`, one of: PSNR in dB (peak 10,000 DN), RMSE in the array's units, bits a sample, how many
        times smaller than the array. Quality is searched for each chunk until PSNR and RMSE are within 0.05 dB, size
        within 2 %.
    best_effort
        With a target that no quality gives: warn (TargetWarning), write the nearest and note it in the chunk, instead
        of raising TargetError.
    context
        What a date is predicted from: "dates", those before it in its chunk, which is smallest; "date", itself alone,
        so that any date decodes alone; "none", nothing at all: no network is needed, fastest and larger.
    key_interval
        Every so many dates of a chunk one is coded without a look at those before it, so that a late date does not
        need all of them. None: only the first one is.
    groups
        A budget: how many of the 11 groups of detail of a date are sent, coarsest first, or a number for each date of
        a chunk. What is not sent is predicted from other dates.
    effort
        1: weigh bits against error when rounding, 4 to 10 % smaller; 0: plain rounding.
    weights
        SHA-256 of the weights; written into every store, and checked when one is opened.
    device
        "auto" (a GPU where torch sees one), or a torch device. Not stored.
    allow_download
        Whether weights of a published checkpoint that are not on this machine may be downloaded now. Not stored: opening
        a store never downloads.

    Raises
    ------
    InvalidInputError
        Where an argument, or the shape or dtype of a chunk, is not of those above.
    TargetError
        When a chunk is encoded: where no quality gives the target.
    WeightsError
        Where this release does not have the weights asked for.
    """

    codec_id = "tec_zarr.terracodec"
    advice = (
        "a codec of Zarr format 2; with format 3 write encoding={name: tec_zarr.encoding(quality=...)}, which is "
        '{"serializer": TerraCodecSerializer(...), "compressors": None}; or pass zarr_format=2'
    )

    def __init__(
        self,
        model: str = DEFAULT,
        quality: float | None = None,
        bands: Iterable[str] | None = None,
        offset_dn: int = 0,
        scale: float = REFLECTANCE_PER_DN,
        nodata: float | None = 0,
        tokens: int | Iterable[int] = ALL_TOKENS,
        weights: str | None = None,
        device: str = "auto",
        *,
        max_error: float | Mapping[str, float] | None = None,
        psnr: float | None = None,
        rmse: float | None = None,
        bppb: float | None = None,
        ratio: float | None = None,
        best_effort: bool = False,
        context: str = "dates",
        key_interval: int | None = None,
        groups: int | Iterable[int] = ALL_GROUPS,
        effort: int = 1,
        allow_download: bool = False,
    ):
        if allow_download:
            from tec_zarr.models.published.checkpoints.fetch import fetch_missing

            fetch_missing(model, weights)
        self._settings = Settings(
            model=model,
            weights=weights,
            quality=quality,
            bands=bands,
            offset_dn=offset_dn,
            scale=scale,
            nodata=nodata,
            tokens=tokens,
            max_error=max_error,
            psnr=psnr,
            rmse=rmse,
            bppb=bppb,
            ratio=ratio,
            best_effort=best_effort,
            context=context,
            key_interval=key_interval,
            groups=groups,
            effort=effort,
        )
        self._device = device

    @property
    def settings(self) -> Settings:
        return self._settings

    def encode(self, buf: Any) -> bytes:
        """Encode a chunk (time, band, y, x); it is not changed. The bytes are stable (format version 2)."""
        from tec_zarr.codec.chunk import encode_chunk

        array = np.asanyarray(buf)
        if array.ndim == 4 and not array.flags.c_contiguous and array.flags.f_contiguous:
            raise InvalidInputError(f'the array has order="F"; tec_zarr needs order="C". {HOW_TO_RECHUNK}')
        return encode_chunk(array, self._settings, self._device)

    def decode(self, buf: Any, out: Any = None) -> np.ndarray:
        """The array of a chunk, C-contiguous, of the dtype that was encoded; also copied into `out` where given."""
        from tec_zarr.codec.chunk import decode_chunk

        array = decode_chunk(memoryview(buf).cast("B"), self._device)
        if out is None:
            return array
        np.copyto(np.asarray(out).view(array.dtype).reshape(array.shape), array)
        return out

    def get_config(self) -> dict[str, Any]:
        """What a store keeps: everything but the device."""
        return {"id": self.codec_id, **self._settings.to_dict()}

    def __repr__(self) -> str:
        return f"TerraCodec({self._settings.describe()})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TerraCodec) and self._settings == other._settings

    __hash__ = None

    def __getitem__(self, index: object) -> None:
        """Zarr format 3 iterates over `compressors`: tell what to write there instead."""
        raise InvalidInputError(f"TerraCodec is {self.advice}")
