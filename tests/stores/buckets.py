"""Buckets of an S3 server on this machine, opened in the ways that people do, and what reading one
asks the server for."""

from __future__ import annotations

from typing import Any, Self

from zarr.abc.store import ByteRequest, RangeByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import FsspecStore, ObjectStore, WrapperStore

from tests.stores.kills import BUCKET


def by_fsspec(options: dict, name: str) -> FsspecStore:
    """A store by s3fs."""
    return FsspecStore.from_url(f"s3://{BUCKET}/{name}", storage_options=options)


def by_obstore(options: dict, name: str) -> ObjectStore:
    """The same store by obstore."""
    from obstore.store import S3Store

    bucket = S3Store(
        BUCKET,
        prefix=name,
        endpoint=options["endpoint_url"],
        access_key_id=options["key"],
        secret_access_key=options["secret"],
        region="us-east-1",
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
    )
    return ObjectStore(bucket)


class CountingStore(WrapperStore[Store]):
    """Takes down what is asked of a store below `prefix`: (key, range, bytes that came)."""

    def __init__(self, store: Store, prefix: str = "B/c/") -> None:
        super().__init__(store)
        self.prefix = prefix
        self.got: list[tuple[str, tuple[int, int] | None, int]] = []

    def _with_store(self, store: Store) -> Self:
        made = type(self)(store, self.prefix)
        made.got = self.got
        return made

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        found = await self._store.get(key, prototype, byte_range)
        if key.startswith(self.prefix):
            self.got.append((key, _ends(byte_range), 0 if found is None else len(found)))
        return found

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Any
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, wanted) for key, wanted in key_ranges]

    def taken(self) -> list[tuple[str, tuple[int, int] | None, int]]:
        """What was asked for since the last time."""
        got = list(self.got)
        self.got.clear()
        return got


def _ends(wanted: ByteRequest | None) -> Any:
    if isinstance(wanted, RangeByteRequest):
        return (wanted.start, wanted.end)
    return wanted
