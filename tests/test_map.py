"""docs/design/map.md names what there is."""

import importlib
import pathlib
import re

import pytest

import tec_zarr

ROOT = pathlib.Path(__file__).parents[1]
MAP = (ROOT / "docs" / "design" / "map.md").read_text()
ROOMS = [path.name for path in pathlib.Path(tec_zarr.__file__).parent.iterdir() if path.is_dir()]
NAMES = sorted(set(re.findall(rf"`((?:{'|'.join(ROOMS)})\.[\w.]+)`", MAP)))


def find(name: str) -> object:
    """A module of the package, or what is in one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(["tec_zarr", *parts[:count]]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise AttributeError(name)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_map_names_is_there(name):
    assert find(name) is not None


def test_the_map_has_every_room():
    assert len(NAMES) > 40
    rooms = {room for room in ROOMS if not room.startswith("__")}
    assert rooms == {room for room in rooms if f"{room}/" in MAP}


def test_a_name_that_there_is_not_is_seen():
    with pytest.raises(AttributeError):
        find("codec.chunk.encode_cube")
