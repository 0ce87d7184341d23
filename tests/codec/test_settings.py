import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tec_zarr.bitstream.header import Target
from tec_zarr.codec.quality import DEFAULT_QUALITY
from tec_zarr.codec.settings import MAX_OFFSET_DN, Settings
from tec_zarr.errors import InvalidInputError, WeightsError
from tec_zarr.models import registry
from tec_zarr.models.bands import L2A

NAN = float("nan")


@pytest.mark.parametrize("value", [0, 0.999, 100.001, -5, NAN, math.inf, "60", True, 60j, [60]])
def test_quality_is_refused(value):
    with pytest.raises(
        InvalidInputError, match=r"quality must be 1 \(smallest\) to 100 \(most faithful\)"
    ) as error:
        Settings(quality=value)
    assert repr(value) in str(error.value)


@pytest.mark.parametrize("value", [(), ("B02", "B02"), [2, 3], ("B02", None), (("B02",),)])
def test_bands_are_refused(value):
    with pytest.raises(
        InvalidInputError, match="bands must name the band axis with distinct texts"
    ) as error:
        Settings(bands=value)
    assert str(tuple(value)) in str(error.value)


@pytest.mark.parametrize("names", [("B10", "red"), ("VV", "VH"), ("thermal",)])
def test_any_names_will_do(names):
    assert Settings(bands=names).bands == names


@pytest.mark.parametrize("value", [5, 2.5])
def test_bands_that_are_no_collection_are_refused(value):
    with pytest.raises(InvalidInputError, match="bands must name the band axis") as error:
        Settings(bands=value)
    assert repr(value) in str(error.value)


@pytest.mark.parametrize("name", ["tec-tt-s2", "tec-elic-s2", "tec-fp-s2", "flextec-s2"])
def test_codecs_of_development_versions_say_what_to_do(name):
    with pytest.raises(
        WeightsError, match=f"{name} was a codec of development versions.*model='tec-tt'"
    ):
        Settings(model=name)


@pytest.mark.parametrize(
    "value", [-1000.5, -1000.0, MAX_OFFSET_DN + 1, -MAX_OFFSET_DN - 1, "0", None, NAN]
)
def test_offset_is_refused(value):
    with pytest.raises(
        InvalidInputError, match="offset_dn must be a whole number of DN, usually 0 or -1000"
    ) as error:
        Settings(offset_dn=value)
    assert repr(value) in str(error.value)


@pytest.mark.parametrize(("name", "most"), [("tokens", 16), ("groups", 11)])
@pytest.mark.parametrize("value", [0, 17, 8.0, None, True, "8", (), (1, 0), ((1, 2),)])
def test_budgets_are_refused(name, most, value):
    said = f"{name} must be 1 to {most}, or one such number for each date of a chunk"
    with pytest.raises(InvalidInputError, match=said):
        Settings(**{name: value})


def test_tokens_need_a_model_that_has_them():
    with pytest.raises(
        InvalidInputError, match="tokens=8 needs a published FlexTEC; with tec-tt give groups"
    ):
        Settings(tokens=8)


def test_groups_of_each_date():
    assert Settings().groups_of(3) == [11, 11, 11]
    assert Settings(groups=5).groups_of(2) == [5, 5]
    each = Settings(groups=[11, 4])
    assert each.groups_of(2) == [11, 4]
    assert Settings(**json.loads(json.dumps(each.to_dict()))) == each
    with pytest.raises(
        InvalidInputError, match=r"groups=\(11, 4\) are for chunks of 2 dates; got one of 3"
    ):
        each.groups_of(3)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"context": "past"}, 'context must be "dates", "date" or "none"; got \'past\''),
        ({"effort": 2}, "effort must be 0 or 1; got 2"),
        ({"key_interval": 0}, "key_interval must be a number of dates, 1 or more, or None; got 0"),
    ],
)
def test_roles_are_refused(given, said):
    with pytest.raises(InvalidInputError, match=said):
        Settings(**given)


def test_key_dates():
    assert Settings().key_dates(4, 0) == [True, False, False, False]
    assert Settings().key_dates(2, 3) == [False, False]
    assert Settings(key_interval=2).key_dates(5, 0) == [True, False, True, False, True]
    assert Settings(key_interval=4).key_dates(3, 3) == [False, True, False]
    assert Settings(context="date").key_dates(3, 2) == [True, True, True]


@pytest.mark.parametrize("value", [0, -1e-4, NAN, math.inf, "1e-4", None, True, 1j])
def test_scale_is_refused(value):
    with pytest.raises(
        InvalidInputError, match="scale must be a positive number, 1e-4 for reflectance"
    ) as error:
        Settings(scale=value)
    assert repr(value) in str(error.value)


@pytest.mark.parametrize("value", ["none", "0", True, 1j, [0], (0,), b"\0"])
def test_nodata_is_refused(value):
    with pytest.raises(InvalidInputError, match="nodata must be a number or None") as error:
        Settings(nodata=value)
    assert repr(value) in str(error.value)


@pytest.mark.parametrize(
    "value", [-1, NAN, math.inf, "5", True, {"B02": -1}, {"B02": None}, {"B02": "1"}]
)
def test_max_error_is_refused(value):
    with pytest.raises(InvalidInputError, match=r"max_error must be 0 .* or a mapping of bands"):
        Settings(bands=L2A, max_error=value)


def test_bounds_by_name_need_names():
    with pytest.raises(
        InvalidInputError, match="max_error names the bands 'B02': name all bands with bands="
    ):
        Settings(max_error={"B02": 1})


def test_bounds_of_bands_that_are_not_there_are_refused():
    with pytest.raises(
        InvalidInputError, match="max_error names 'B10', 'B03', but the bands are B02, B08"
    ):
        Settings(bands=("B02", "B08"), max_error={"B02": 1, "B10": 2, "B03": 3})


def test_bounds_by_band():
    assert Settings(max_error=3).bounds(12) == (3,) * 12
    assert Settings(bands=("B08", "B02", "B03"), max_error={"B03": 0, "B08": 2.5}).bounds(3) == (
        2.5,
        None,
        0,
    )
    assert Settings(bands=L2A, max_error={}).max_error is None


@pytest.mark.parametrize("name", ["psnr", "rmse", "bppb", "ratio"])
@pytest.mark.parametrize("value", [0, -1, NAN, math.inf, "40", True])
def test_targets_are_refused(name, value):
    with pytest.raises(InvalidInputError, match=f"{name} must be a positive number"):
        Settings(**{name: value})


@pytest.mark.parametrize(
    "given", [{"quality": 75, "psnr": 40}, {"psnr": 40, "bppb": 1}, {"rmse": 1, "ratio": 2}]
)
def test_one_target_at_most(given):
    with pytest.raises(
        InvalidInputError, match="give exactly one of quality, psnr, rmse, bppb, ratio; got"
    ):
        Settings(**given)


def test_a_target_takes_the_place_of_quality():
    chosen = Settings(psnr=40)
    assert (chosen.quality, chosen.target) == (None, Target("psnr", 40.0))
    assert (Settings().quality, Settings().target) == (DEFAULT_QUALITY, None)
    assert "quality" not in chosen.to_dict()
    assert not {"psnr", "max_error", "best_effort"} & set(Settings().to_dict())


def test_unknown_models_are_refused_with_those_there_are():
    with pytest.raises(WeightsError, match=r"unknown model 'tec-xl'.*tec-tt-s2"):
        Settings(model="tec-xl")


@pytest.mark.parametrize("weights", ["0" * 64, "", "abc"])
def test_other_weights_are_refused_with_those_there_are(weights):
    with pytest.raises(
        WeightsError, match=f"with weights {weights} .*{registry.find(registry.DEFAULT).sha256}"
    ):
        Settings(weights=weights)


def test_defaults_name_their_weights():
    chosen = Settings()
    assert chosen.model == registry.DEFAULT
    assert chosen.weights == registry.find(registry.DEFAULT).sha256
    assert Settings(weights=chosen.weights) == chosen
    assert (chosen.bands, chosen.band_indices) == (None, None)


@st.composite
def arguments(draw):
    target = draw(st.sampled_from(["quality", "psnr", "rmse", "bppb", "ratio"]))
    bound = st.integers(0, 10_000) | st.floats(0, 1e4)
    return {
        target: draw(st.floats(1, 100) | st.integers(1, 100)),
        "best_effort": draw(st.booleans()),
        "max_error": draw(st.none() | bound),
        "bands": draw(st.lists(st.sampled_from(L2A), min_size=1, unique=True)),
        "offset_dn": draw(st.integers(-MAX_OFFSET_DN, MAX_OFFSET_DN)),
        "scale": draw(st.floats(0, exclude_min=True, allow_infinity=False)),
        "nodata": draw(st.none() | st.integers(-(2**15), 2**16) | st.floats(allow_nan=False)),
    }


@given(arguments())
@settings(deadline=None, max_examples=100)
def test_fields_round_trip_through_json(chosen):
    made = Settings(**chosen)
    fields = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    again = Settings(**fields)
    assert again == made
    assert again.to_dict() == made.to_dict() == fields
    assert hash(again) == hash(made)
    assert list(made.bands) == chosen["bands"]
    assert made.band_indices is None


def test_bounds_by_band_round_trip_through_json():
    made = Settings(bands=L2A, max_error={"B12": 0, "B02": 2.5})
    fields = json.loads(json.dumps(made.to_dict()))
    assert fields["max_error"] == {"B02": 2.5, "B12": 0}
    assert Settings(**fields) == made
    assert hash(Settings(**fields)) == hash(made)
    assert eval(f"Settings({made.describe()})") == made


def test_nodata_nan_round_trips_through_json():
    made = Settings(nodata=NAN)
    fields = json.loads(json.dumps(made.to_dict(), allow_nan=False))
    again = Settings(**fields)
    assert again.nodata == "nan"
    assert again.to_dict() == fields
    assert again == made


@pytest.mark.parametrize(
    ("name", "value", "plain"),
    [
        ("nodata", np.uint16(65535), 65535),
        ("nodata", np.float32(-9999), -9999.0),
        ("quality", np.float32(61.5), 61.5),
        ("quality", np.int64(60), 60.0),
        ("offset_dn", np.int16(-1000), -1000),
        ("scale", np.float64(1e-4), 1e-4),
    ],
)
def test_numbers_of_numpy_round_trip_through_json(name, value, plain):
    fields = json.loads(json.dumps(Settings(**{name: value}).to_dict()))
    assert fields[name] == plain
    assert Settings(**fields) == Settings(**{name: plain})


@pytest.mark.parametrize("value", [33.3, 1.0000000001, 99.9999999])
def test_quality_is_kept_as_float32(value):
    quality = Settings(quality=value).quality
    assert type(quality) is float
    assert quality == float(np.float32(value))
    assert Settings(quality=quality).quality == quality


@pytest.mark.parametrize("value", [1, 100, 1.0, 100.0])
def test_the_ends_of_quality_are_allowed(value):
    assert Settings(quality=value).quality == value


def test_one_band_may_be_named_alone():
    assert Settings(bands="B8A").bands == ("B8A",)


def test_names_keep_their_order():
    assert Settings(bands=L2A[::-1]).bands == L2A[::-1]


def test_description_makes_the_same_settings():
    made = Settings(quality=61, bands=("B04", "B03"), offset_dn=-1000, nodata=None)
    assert "weights" not in made.describe()
    assert eval(f"Settings({made.describe()})") == made


def test_settings_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().quality = 60
