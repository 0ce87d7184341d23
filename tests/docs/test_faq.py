"""Messages of the FAQ that no few lines of Python provoke."""

import dataclasses
import zlib

import numpy as np
import pytest
from zarr.core.sync import sync
from zarr.storage import LocalStore

from tec_zarr.bitstream import container
from tec_zarr.bitstream.frame import Frame
from tec_zarr.codec.chunk import decode_chunk, encode_chunk
from tec_zarr.codec.settings import Settings
from tec_zarr.errors import DesyncError, StoreInUseError, UnsupportedVersionError
from tec_zarr.stores.marks import Mark
from tec_zarr.synthetic.observations import dataset, series
from tests.docs.pages import ROOT, blocks_of
from tests.docs.test_pages import is_alike, message_of

FAQ = ROOT / "docs" / "faq.md"


@pytest.fixture(scope="module")
def chunk() -> bytes:
    return encode_chunk(np.asarray(series(2, 32).values), Settings(quality=30), "cpu")


def is_in_faq(error: Exception) -> bool:
    told = [block.text for block in blocks_of(FAQ) if block.is_message]
    return any(is_alike(text, message_of(error)) for text in told)


def test_other_table_rows(chunk):
    contents = container.parse(chunk)
    first, *others = contents.sections
    frame = Frame.parse(first.data)
    coded = dataclasses.replace(frame.coded, rows_crc=frame.coded.rows_crc ^ 1)
    changed = dataclasses.replace(frame, coded=coded).pack()
    section = dataclasses.replace(first, data=changed)
    data = container.pack(dataclasses.replace(contents, sections=(section, *others)))
    with pytest.raises(DesyncError) as error:
        decode_chunk(data, "cpu")
    assert is_in_faq(error.value)


def test_another_format_version(chunk):
    front = container.front_bytes(chunk)
    header = bytearray(chunk[: front - 4])
    header[4] = 2
    data = bytes(header) + zlib.crc32(header).to_bytes(4, "big") + chunk[front:]
    with pytest.raises(UnsupportedVersionError) as error:
        decode_chunk(data, "cpu")
    assert is_in_faq(error.value)


def test_a_store_that_somebody_else_writes(tmp_path):
    dates = dataset(2, 32)
    path = tmp_path / "cube.zarr"
    dates.isel(time=[0]).tec.to_zarr(path, progress=False)
    sync(Mark.of("").put(LocalStore(path)))
    with pytest.raises(StoreInUseError) as error:
        dates.isel(time=[1]).tec.append(path, progress=False)
    assert is_in_faq(error.value)


def test_a_message_that_it_has_not_is_seen():
    assert not is_in_faq(DesyncError("something else"))
