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
from tec_zarr.plugins.keyword import CodecClass


class TerraCodec(Codec, metaclass=CodecClass):
    """TerraCodec for chunks (time, band, y, x) of raster cubes in Zarr format 2. Lossy.

    Parameters
    ----------
    {codec_parameters}

    Raises
    ------
    InvalidInputError
        Where an argument, or the shape or dtype of a chunk, is not of those above.
    TargetError
        When a chunk is encoded: where no quality gives the target.
    WeightsError
        Where this release does not have the weights asked for.

    Examples
    --------
    >>> ds.to_zarr(path, zarr_format=2, encoding={"B": {"compressors": TerraCodec(quality=60)}})
    """

    codec_id = "tec_zarr.terracodec"
    advice = (
        "a codec of Zarr format 2; with format 3 write encoding={name: "
        "tec_zarr.encoding(quality=...)}, which is "
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
        keywords: dict[str, Any] = {
            "model": model,
            "weights": weights,
            "quality": quality,
            "bands": bands,
            "offset_dn": offset_dn,
            "scale": scale,
            "nodata": nodata,
            "tokens": tokens,
            "max_error": max_error,
            "psnr": psnr,
            "rmse": rmse,
            "bppb": bppb,
            "ratio": ratio,
            "best_effort": best_effort,
            "context": context,
            "key_interval": key_interval,
            "groups": groups,
            "effort": effort,
        }
        self._settings = Settings(**keywords)
        self._device = device

    @property
    def settings(self) -> Settings:
        return self._settings

    def encode(self, buf: Any) -> bytes:
        """Encode a chunk (time, band, y, x); it is not changed. The bytes are stable (format
        version 3)."""
        from tec_zarr.codec.chunk import encode_chunk

        array = np.asanyarray(buf)
        if array.ndim == 4 and not array.flags.c_contiguous and array.flags.f_contiguous:
            raise InvalidInputError(
                f'the array has order="F"; tec_zarr needs order="C". {HOW_TO_RECHUNK}'
            )
        return encode_chunk(array, self._settings, self._device)

    def decode(self, buf: Any, out: Any = None) -> np.ndarray:
        """The array of a chunk, C-contiguous, of the dtype that was encoded; also copied into
        `out` where given."""
        from tec_zarr.codec.chunk import decode_chunk

        array = decode_chunk(memoryview(buf).cast("B"), self._device, self._settings)
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

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, index: object) -> None:
        """Zarr format 3 iterates over `compressors`: tell what to write there instead."""
        raise InvalidInputError(f"TerraCodec is {self.advice}")
