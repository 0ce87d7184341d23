"""Processes that write stores and are killed at random moments: what is left must be the store as
it was, or the whole new one, and trying again must work."""

import collections
import contextlib
import dataclasses
import itertools
import logging
import multiprocessing
import os
import pathlib
import random
import shutil
import signal
import tempfile
import time
import urllib.request
from collections.abc import Iterator

import numpy as np
import xarray as xr
from zarr.storage import ZipStore

from tec_zarr.synthetic import series

OPTIONS = {"chunks": {"time": 1, "y": 24, "x": 24}, "context": "none", "progress": False}
BUCKET = "cubes"


def cube(dates: slice, seed: int = 1) -> xr.Dataset:
    times = np.datetime64("2021-01-05", "ns") + np.arange(4) * np.timedelta64(5, "D")
    bands = series(4, 48, seed=seed).isel(band=slice(0, 2)).assign_coords(time=times)
    classes = np.arange(4, dtype="u1")[:, None, None] + np.zeros((4, 48, 48), "u1")
    scl = xr.DataArray(classes, dims=("time", "y", "x"))
    made = xr.Dataset({"B": bands.assign_attrs(offset_dn=0), "SCL": scl})
    return made.isel(time=dates)


def write(place: str, options: dict | None) -> None:
    cube(slice(0, 2)).tec.to_zarr(place, storage_options=options, **OPTIONS)


def replace(place: str, options: dict | None) -> None:
    cube(slice(1, 4), seed=2).tec.to_zarr(place, mode="w", storage_options=options, **OPTIONS)


def append(place: str, options: dict | None) -> None:
    cube(slice(2, 4)).tec.append(place, storage_options=options, progress=False)


def run(action, place: str, options: dict | None, begun) -> None:
    """In a process of its own."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        begun.set()
        action(place, options)


def seen(place: str, options: dict | None) -> xr.Dataset | None:
    """What a plain reader sees; None where there is no store."""
    try:
        if place.endswith(".zip"):
            if not pathlib.Path(place).exists():
                return None
            with ZipStore(place, mode="r") as store:
                return xr.open_zarr(store).load()
        return xr.open_zarr(place, storage_options=options).load()
    except FileNotFoundError:
        return None


def is_same(one: xr.Dataset | None, other: xr.Dataset | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.identical(other)


@dataclasses.dataclass
class Kind:
    """A place and what is done to it: `before` it is there, or not."""

    name: str
    place: str
    options: dict | None
    action: object
    begins: bool
    before: xr.Dataset | None = None
    after: xr.Dataset | None = None
    names_before: frozenset[str] = frozenset()
    names_after: frozenset[str] = frozenset()
    seconds: float = 0

    def begin(self) -> None:
        remove(self.place, self.options)
        if self.begins:
            write(self.place, self.options)

    def measure(self, context) -> None:
        self.begin()
        self.before = seen(self.place, self.options)
        self.names_before = names(self.place, self.options)
        process, begun = start(context, self)
        begun.wait()
        before = time.perf_counter()
        process.join()
        self.seconds = time.perf_counter() - before
        assert process.exitcode == 0, self.name
        self.after = seen(self.place, self.options)
        self.names_after = names(self.place, self.options)
        assert not is_same(self.before, self.after)


def start(context, kind: Kind):
    begun = context.Event()
    process = context.Process(target=run, args=(kind.action, kind.place, kind.options, begun))
    process.start()
    return process, begun


def names(place: str, options: dict | None) -> frozenset[str]:
    """All files in a store and beside it."""
    if options is not None:
        import s3fs

        files = s3fs.S3FileSystem(**options)
        files.invalidate_cache()
        return frozenset(files.find(place))
    folder = pathlib.Path(place).parent
    return frozenset(str(path) for path in folder.rglob("*") if path.is_file())


def remove(place: str, options: dict | None) -> None:
    if options is not None:
        import s3fs

        files = s3fs.S3FileSystem(**options)
        files.invalidate_cache()
        if files.exists(place):
            files.rm(place, recursive=True)
        return
    path = pathlib.Path(place)
    for left in path.parent.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


@contextlib.contextmanager
def bucket() -> Iterator[dict]:
    """Options of a bucket of S3 on this machine alone."""
    import s3fs
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        # All servers of a process share their buckets: begin with none.
        urllib.request.urlopen(f"{address}/moto-api/reset", data=b"").close()
        options = {"key": "a", "secret": "b", "endpoint_url": address}
        s3fs.S3FileSystem(**options).mkdir(BUCKET)
        yield options
    finally:
        server.stop()


def kinds(folder: pathlib.Path, options: dict) -> list[Kind]:
    found = []
    for name, file in (("folder", "a.zarr"), ("zip", "a.zip")):
        (folder / name).mkdir()
        place = str(folder / name / file)
        found.append(Kind(f"write {name}", place, None, write, False))
        found.append(Kind(f"replace {name}", place, None, replace, True))
        if name == "folder":
            found.append(Kind(f"append {name}", place, None, append, True))
    url = f"s3://{BUCKET}/a.zarr"
    for action, begins in ((write, False), (replace, True), (append, True)):
        found.append(Kind(f"{action.__name__} S3", url, options, action, begins))
    return found


def one_round(context, kind: Kind, how: signal.Signals, moment: float) -> str:
    """Kill a process; says whether the store was left as it was, or whole."""
    kind.begin()
    process, begun = start(context, kind)
    begun.wait()
    time.sleep(moment)
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, how)
    process.join()
    found = seen(kind.place, kind.options)
    said = f"{kind.name} with {how.name} after {moment:.3f} of {kind.seconds:.3f} s"
    is_whole = is_same(found, kind.after)
    if how == signal.SIGINT:
        wanted = kind.names_after if is_whole else kind.names_before
        more = names(kind.place, kind.options) ^ wanted
        assert not more, f"{said} left or took away files: {sorted(more)}"
    if is_whole:
        return "whole"
    assert is_same(found, kind.before), f"{said} left neither: {found}"
    kind.action(kind.place, kind.options)
    assert is_same(seen(kind.place, kind.options), kind.after), f"{said}: another try failed"
    return "as it was"


def rounds(count: int, seed: int) -> dict[str, collections.Counter]:
    """Kill so many processes; what was left, by kind."""
    chance = random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    # So that processes begin with everything imported.
    context.set_forkserver_preload(["tests.stores.kills", "tec_zarr.stores.write", "s3fs"])
    left: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
    with tempfile.TemporaryDirectory() as folder, bucket() as options:
        wanted = kinds(pathlib.Path(folder), options)
        for kind in wanted:
            kind.measure(context)
        for number, kind in zip(range(count), itertools.cycle(wanted), strict=False):
            how = (signal.SIGKILL, signal.SIGINT)[(number + number // len(wanted)) % 2]
            # Half of them towards the end, where readers begin to see something.
            share = chance.choice([chance.uniform(0, 1), chance.uniform(0.7, 1.1)])
            what = one_round(context, kind, how, share * kind.seconds)
            left[f"{kind.name}, {how.name}"][what] += 1
            # How long it takes changes with what else the machine does.
            if what == "whole" and share < 1:
                kind.seconds *= 0.9
            elif what == "as it was" and share > 0.8:
                kind.seconds *= 1.15
    return left
