"""The codec of Zarr format 3: `tec_zarr.TerraCodecSerializer`."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from zarr.abc.codec import (
    ArrayBytesCodec,
    ArrayBytesCodecPartialDecodeMixin,
    ArrayBytesCodecPartialEncodeMixin,
)
from zarr.abc.store import RangeByteRequest
from zarr.storage import StorePath

from tec_zarr.codec.layout import HOW_TO_RECHUNK, check_array, check_layout
from tec_zarr.codec.settings import ALL_GROUPS, ALL_TOKENS, REFLECTANCE_PER_DN, Settings
from tec_zarr.errors import DamagedChunkError, InvalidInputError
from tec_zarr.models.registry import DEFAULT
from tec_zarr.plugins.keyword import CodecClass

if TYPE_CHECKING:
    from zarr.abc.store import ByteGetter, ByteSetter
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer
    from zarr.core.indexing import SelectorTuple

    from tec_zarr.codec.fetching import Fetch, Range
    from tec_zarr.codec.partial import Layout

NAME = "tec_zarr.terracodec"


@dataclasses.dataclass(frozen=True)
class TerraCodecSerializer(
    ArrayBytesCodec,
    ArrayBytesCodecPartialDecodeMixin,
    ArrayBytesCodecPartialEncodeMixin,
    metaclass=CodecClass,
):
    """TerraCodec for chunks (time, band, y, x) of raster cubes in Zarr format 3. Lossy.

    It takes the place of the serializer, and nothing should be compressed after it:
    `tec_zarr.encoding` gives both keywords.

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
    >>> codec = TerraCodecSerializer(quality=60)
    >>> ds.to_zarr(path, encoding={"B": {"serializer": codec, "compressors": None}})
    """

    is_fixed_size = False
    advice = (
        "a codec of Zarr format 3 for the keyword serializer=, with compressors=None; write "
        "encoding={name: tec_zarr.encoding(...)}, or with format 2 "
        "tec_zarr.encoding(zarr_format=2, ...)"
    )

    model: str = DEFAULT
    quality: float | None = None
    bands: Iterable[str] | None = None
    offset_dn: int = 0
    scale: float = REFLECTANCE_PER_DN
    nodata: float | str | None = 0
    tokens: int | Iterable[int] = ALL_TOKENS
    weights: str | None = None
    device: str = dataclasses.field(default="auto", compare=False)
    max_error: float | Mapping[str, float] | None = None
    psnr: float | None = None
    rmse: float | None = None
    bppb: float | None = None
    ratio: float | None = None
    best_effort: bool = False
    context: str = "dates"
    key_interval: int | None = None
    groups: int | Iterable[int] = ALL_GROUPS
    effort: int = 1
    allow_download: bool = dataclasses.field(default=False, compare=False)

    def __post_init__(self) -> None:
        if self.allow_download:
            from tec_zarr.models.published.checkpoints.fetch import fetch_missing

            fetch_missing(self.model, self.weights)
        names = [field.name for field in dataclasses.fields(Settings)]
        settings = Settings(**{name: getattr(self, name) for name in names})
        object.__setattr__(self, "_settings", settings)
        # What was given as a list or a mapping compares as what a store gives back.
        for name in names:
            object.__setattr__(self, name, getattr(settings, name))

    @property
    def settings(self) -> Settings:
        settings: Settings = self.__dict__["_settings"]
        return settings

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(**data.get("configuration", {}))

    def to_dict(self) -> dict[str, Any]:
        """What a store keeps: everything but the device."""
        return {"name": NAME, "configuration": self.settings.to_dict()}

    def validate(self, *, shape: tuple[int, ...], dtype: Any, chunk_grid: Any) -> None:
        """Raise InvalidInputError where an array of this shape and chunks cannot be written."""
        chunks = tuple(getattr(chunk_grid, "chunk_shape", shape))
        bands = shape[1] if len(shape) == 4 else None
        if len(chunks) != 4 or chunks[1] != bands:
            raise InvalidInputError(
                f"chunks of shape {chunks} do not hold the {bands} bands of the array. "
                f"{HOW_TO_RECHUNK}"
            )
        check_layout(chunks, dtype.to_native_dtype(), self.settings.bands)

    def evolve_from_array_spec(self, array_spec: ArraySpec) -> Self:
        # The shape is that of the array, or in a shard that of a chunk.
        check_array(array_spec.shape, array_spec.dtype.to_native_dtype(), self.settings.bands)
        return self

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        raise NotImplementedError("encoded chunks vary in size")

    def _encode_sync(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        from tec_zarr.codec.chunk import encode_chunk

        array = np.asarray(chunk_array.as_numpy_array())
        native = array.astype(_layout(chunk_spec).dtype, copy=False)
        data = encode_chunk(native, self.settings, self.device)
        return chunk_spec.prototype.buffer.from_bytes(data)

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        from tec_zarr.codec.fetching import Fetch

        fetch = Fetch(_layout(chunk_spec).times(()), is_whole=True)
        return self._read(fetch, chunk_bytes.to_bytes(), [], (), chunk_spec)

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._encode_sync, chunk_array, chunk_spec)

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        return await asyncio.to_thread(self._decode_sync, chunk_bytes, chunk_spec)

    async def _decode_partial_single(
        self, byte_getter: ByteGetter, selection: SelectorTuple, chunk_spec: ArraySpec
    ) -> NDBuffer | None:
        async def get(wanted: Range | None) -> bytes | None:
            found = await byte_getter.get(chunk_spec.prototype, _byte_range(wanted))
            return None if found is None else found.to_bytes()

        fetch = _fetch(byte_getter, selection, chunk_spec)
        start = await get(fetch.first)
        if start is None:
            return None
        ranges = fetch.missing(start)
        found = await asyncio.gather(*(get(wanted) for wanted in ranges))
        parts = list(zip(ranges, found, strict=True))
        try:
            return await asyncio.to_thread(self._read, fetch, start, parts, selection, chunk_spec)
        except DamagedChunkError:
            if not parts:
                raise
        # Who adds dates meanwhile writes the chunk anew, and the pieces are of two: now in one.
        start = await get(None)
        if start is None:
            return None
        whole = fetch.in_one()
        return await asyncio.to_thread(self._read, whole, start, [], selection, chunk_spec)

    def _decode_partial_sync(
        self, byte_getter: Any, selection: SelectorTuple, chunk_spec: ArraySpec
    ) -> NDBuffer | None:
        def get(wanted: Range | None) -> bytes | None:
            found = byte_getter.get_sync(
                prototype=chunk_spec.prototype, byte_range=_byte_range(wanted)
            )
            return None if found is None else found.to_bytes()

        fetch = _fetch(byte_getter, selection, chunk_spec)
        start = get(fetch.first)
        if start is None:
            return None
        parts = [(wanted, get(wanted)) for wanted in fetch.missing(start)]
        try:
            return self._read(fetch, start, parts, selection, chunk_spec)
        except DamagedChunkError:
            if not parts:
                raise
        # As above.
        start = get(None)
        if start is None:
            return None
        return self._read(fetch.in_one(), start, [], selection, chunk_spec)

    def _read(
        self,
        fetch: Fetch,
        start: bytes,
        parts: Sequence[tuple[Range | None, bytes | None]],
        selection: Any,
        chunk_spec: ArraySpec,
    ) -> NDBuffer:
        """What a selection holds, of bytes that were fetched."""
        from tec_zarr.codec.partial import read_part

        # What is gone meanwhile is cut short, and is told as such.
        contents = fetch.contents(start, [(wanted, data or b"") for wanted, data in parts])
        layout = _layout(chunk_spec)
        values: Any = read_part(contents, selection, layout, self.settings, self.device)
        values = values.astype(chunk_spec.dtype.to_native_dtype(), copy=False)
        return chunk_spec.prototype.nd_buffer.from_ndarray_like(values)

    async def _encode_partial_single(
        self,
        byte_setter: ByteSetter,
        chunk_array: NDBuffer,
        selection: SelectorTuple,
        chunk_spec: ArraySpec,
    ) -> None:
        existing = None
        if not _covers(selection, chunk_spec):
            existing = await byte_setter.get(chunk_spec.prototype)
        data = await asyncio.to_thread(self._write, existing, chunk_array, selection, chunk_spec)
        if data is None:
            await byte_setter.delete()
        else:
            await byte_setter.set(data)

    def _encode_partial_sync(
        self,
        byte_setter: Any,
        chunk_array: NDBuffer,
        selection: SelectorTuple,
        chunk_spec: ArraySpec,
    ) -> None:
        existing = None
        if not _covers(selection, chunk_spec):
            existing = byte_setter.get_sync(prototype=chunk_spec.prototype)
        data = self._write(existing, chunk_array, selection, chunk_spec)
        if data is None:
            byte_setter.delete_sync()
        else:
            byte_setter.set_sync(data)

    def _write(
        self,
        existing: Buffer | None,
        chunk_array: NDBuffer,
        selection: Any,
        chunk_spec: ArraySpec,
    ) -> Buffer | None:
        """A chunk after a part of it was written; None where nothing is left to store."""
        from tec_zarr.codec.partial import write_part

        data = write_part(
            None if existing is None else existing.to_bytes(),
            np.asarray(chunk_array.as_ndarray_like()),
            selection,
            _layout(chunk_spec),
            self.settings,
            self.device,
            chunk_spec.config.write_empty_chunks,
        )
        return None if data is None else chunk_spec.prototype.buffer.from_bytes(data)


def _layout(chunk_spec: ArraySpec) -> Layout:
    from tec_zarr.codec.partial import Layout

    time, band, y, x = chunk_spec.shape
    # Metadata of format 3 do not tell a byte order, and who opens the array expects the machine's.
    dtype = chunk_spec.dtype.to_native_dtype().newbyteorder("=")
    return Layout((time, band, y, x), dtype, chunk_spec.fill_value)


def _covers(selection: Any, chunk_spec: ArraySpec) -> bool:
    """Whether a selection leaves nothing of a chunk as it was."""
    return _layout(chunk_spec).is_all(selection)


def _fetch(byte_getter: Any, selection: Any, chunk_spec: ArraySpec) -> Fetch:
    from tec_zarr.codec.fetching import Fetch

    layout = _layout(chunk_spec)
    times = layout.times(selection)
    # Within a shard the bytes are here already.
    is_stored = isinstance(byte_getter, StorePath)
    return Fetch(times, len(times) == layout.shape[0] or not is_stored)


def _byte_range(wanted: Range | None) -> RangeByteRequest | None:
    return None if wanted is None else RangeByteRequest(*wanted)
