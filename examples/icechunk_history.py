"""A cube in Icechunk: a version for each commit, and a way back to each.

python examples/icechunk_history.py [FOLDER]
"""

import pathlib

import xarray as xr
from common import need, run

from tec_zarr.synthetic.observations import dataset


def main(folder: pathlib.Path) -> None:
    need("icechunk", install="icechunk")
    import icechunk

    repository = icechunk.Repository.create(
        icechunk.local_filesystem_storage(str(folder / "repository"))
    )
    dates = dataset(times=8, size=96)

    session = repository.writable_session("main")
    dates.isel(time=slice(0, 4)).tec.to_zarr(session.store, quality=45, progress=False)
    first = session.commit("the first four dates")

    session = repository.writable_session("main")
    dates.isel(time=slice(4, 8)).tec.append(session.store, progress=False)
    session.commit("four more")

    now = xr.open_zarr(repository.readonly_session("main").store, consolidated=False)
    then = xr.open_zarr(repository.readonly_session(snapshot_id=first).store, consolidated=False)
    print(f"now {now.sizes['time']} dates")
    print(f"then {then.sizes['time']} dates")


if __name__ == "__main__":
    run(main)
