"""Processes that write folders, zip files and buckets, and are killed at random moments."""

import collections

import pytest

from tests.stores import kills

pytest.importorskip("moto.server", reason="needs moto[server], an S3 server for tests")
pytest.importorskip("s3fs", reason="needs s3fs, which writes to S3")


@pytest.mark.parametrize(
    "count", [8, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.exhaustive])]
)
def test_a_killed_process_leaves_a_store_as_it_was_or_whole(count):
    left = kills.rounds(count, seed=count)
    total = sum(left.values(), collections.Counter())
    assert sum(total.values()) == count
    assert set(total) <= {"as it was", "whole"}
    assert total["as it was"] >= count / 4
