"""Filling from other dates: what it must find, and what it must never look at."""

import numpy as np
import pytest

from tec_zarr.clouds import regression

SIZE = 64


@pytest.fixture
def dates() -> list[np.ndarray]:
    """Four dates of three bands; the third is a linear function of the first, the others have
    little to do with it."""
    rng = np.random.default_rng(0)
    first, second, last = (
        rng.uniform(500, 3000, (3, SIZE, SIZE)).astype(np.float32) for _ in range(3)
    )
    mixed = (
        np.tensordot(np.array([[0.5, 0.2, 0], [0, 0.8, 0.1], [0.3, 0, 0.9]], np.float32), first, 1)
        + 200
    )
    return [first, second, mixed, last]


@pytest.fixture
def usable() -> np.ndarray:
    clear = np.ones((4, SIZE, SIZE), bool)
    clear[2, 20:40, 10:50] = False
    return clear


def test_finds_what_another_date_tells(dates, usable):
    found = regression.fill_date(dates, usable, 2, np.arange(4.0), range(4))
    gap = ~usable[2]
    error = np.sqrt(np.mean((found.dn - dates[2])[:, gap] ** 2))
    assert error < 0.1 * dates[2].std()
    assert found.error[gap].mean() < 0.1 * dates[2].std()
    assert set(np.unique(found.origin[gap])) == {regression.FITTED}
    np.testing.assert_array_equal(found.dn[:, ~gap], dates[2][:, ~gap])


def test_never_reads_what_is_not_usable(dates, usable):
    usable[0, :, :8] = usable[1, 30:] = False
    days = np.array([0.0, 10, 30, 35])
    clean = regression.fill_date(dates, usable, 2, days, range(4))
    dirty = [np.where(u, d, 1e6).astype(np.float32) for d, u in zip(dates, usable, strict=True)]
    again = regression.fill_date(dirty, usable, 2, days, range(4))
    np.testing.assert_array_equal(clean.dn[:, ~usable[2]], again.dn[:, ~usable[2]])


def test_takes_another_date_where_the_best_is_cloudy(dates, usable):
    usable[0, 20:30] = False
    found = regression.fill_date(dates, usable, 2, np.arange(4.0), [0, 1])
    assert (found.date[20:30, 10:50] == 1).all()
    assert (found.date[30:40, 10:50] == 0).all()
    assert found.error[25, 30] > found.error[35, 30]


def test_interpolates_in_time_where_nothing_is_clear(dates, usable):
    usable[2] = False
    found = regression.fill_date(dates, usable, 2, np.array([0.0, 10, 15, 30]), range(4))
    np.testing.assert_allclose(found.dn, 0.75 * dates[1] + 0.25 * dates[3], rtol=1e-5)
    assert (found.origin == regression.INTERPOLATED).all()
    assert (found.date == 1).all()


def test_takes_the_nearest_date_where_there_is_one_side_only(dates, usable):
    usable[2] = usable[3] = False
    found = regression.fill_date(dates, usable, 2, np.arange(4.0), range(4))
    np.testing.assert_array_equal(found.dn, dates[1])


def test_continues_the_surroundings_where_no_date_is_clear(dates, usable):
    usable[:, 20:40, 10:50] = False
    plain = [np.full_like(d, 700) for d in dates]
    found = regression.fill_date(plain, usable, 2, np.arange(4.0), range(4))
    np.testing.assert_allclose(found.dn, 700, rtol=1e-5)
    assert (found.origin[~usable[2]] == regression.CONTINUED).all()
    assert (found.date[~usable[2]] == -1).all()


def test_stays_within_the_values_of_clear_pixels(dates, usable):
    dates[0][:, 25, 25] = 60_000
    found = regression.fill_date(dates, usable, 2, np.arange(4.0), range(2))
    clear = dates[2][:, usable[2]]
    reach = np.ptp(clear)
    assert found.dn.max() < clear.max() + reach
    assert found.dn.min() > clear.min() - reach
