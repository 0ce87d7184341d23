"""What a process may be asked, and told, of its codec."""

from __future__ import annotations

from tec_zarr.errors import InvalidInputError
from tec_zarr.runtime.cache import CACHE
from tec_zarr.runtime.counters import COUNTERS


def counters() -> dict[str, float]:
    """What this process has coded so far.

    Returns
    -------
    dict
        chunks, dates and bytes encoded; dates decoded, those that others needed counted, too;
        batches, and the jobs in them (a job is a date of a chunk: jobs / batches is the mean
        size); seconds in batches (network and entropy coder, summed over threads) and of
        transforms. What has not happened yet is not there.
    """
    return COUNTERS.snapshot()


def set_cache_limit(size: int) -> None:
    """How many bytes of decoded dates this process may keep, 256 MiB by default; 0 for none.

    Raises
    ------
    InvalidInputError
        Where that is no such number.
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise InvalidInputError(f"a number of bytes, 0 or more, is wanted; got {size!r}")
    CACHE.limit = size
