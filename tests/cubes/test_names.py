import numpy as np
import pytest

from tec_zarr.cubes.names import read_name, rest_of_name

SAFE = "S2A_MSIL2A_20200101T101021_N0500_R022_T32TQM_20230411T101021.SAFE"


@pytest.mark.parametrize(
    ("path", "date", "band"),
    [
        (f"{SAFE}/GRANULE/L2A/IMG_DATA/R20m/T32TQM_20200101T101021_B8A_20m.jp2",
         "2020-01-01T10:10:21", "B8A"),
        ("T32TQM_20200101T101021_B10.jp2", "2020-01-01T10:10:21", "B10"),
        ("S2A_32TQM_20200101_0_L2A/B02.tif", "2020-01-01", "B02"),
        ("HLS.S30.T31UDQ.2020032T105441.v2.0.B8A.tif", "2020-02-01T10:54:41", "B8A"),
        ("LC08_L2SP_044034_20210508_20210518_02_T1_SR_B4.TIF", "2021-05-08", "SR_B4"),
        ("2021-05-08_B02.tif", "2021-05-08", "B02"),
        ("B2.2021.05.08.tif", "2021-05-08", "B02"),
        ("blue_20210508.tif", "2021-05-08", "B02"),
        ("20210508/red_edge_1.tif", "2021-05-08", "B05"),
        ("2021/5/8/nir08.tif", "2021-05-08", "B8A"),
        ("20210508_183010_ssc1_AnalyticMS_SR.tif", "2021-05-08", None),
        ("S2_2021-05-08T10:10:21_B03.tif", "2021-05-08T10:10:21", "B03"),
        ("B04.tif", None, "B04"),
        ("B04_B08_2021-05-08.tif", "2021-05-08", None),
        ("99999999_B04.tif", None, "B04"),
        ("20211345_B04.tif", None, "B04"),
        ("tile_044034.tif", None, None),
    ],
)  # fmt: skip
def test_date_and_band(path, date, band):
    told = read_name(path)
    assert told.band == band
    assert told.date == (None if date is None else np.datetime64(date, "ns"))
    assert told.mask is None
    assert not told.is_no_band


@pytest.mark.parametrize(
    ("path", "mask"),
    [
        ("T32TQM_20200101T101021_SCL_20m.jp2", "SCL"),
        ("LC08_L2SP_044034_20210508_20210518_02_T1_QA_PIXEL.TIF", "QA_PIXEL"),
        ("HLS.S30.T31UDQ.2020032T105441.v2.0.Fmask.tif", "Fmask"),
    ],
)
def test_masks(path, mask):
    assert read_name(path).mask == mask
    assert read_name(path).band is None


@pytest.mark.parametrize("name", ["T32TQM_20200101T101021_TCI_10m.jp2", "a/thumbnail.tif"])
def test_what_is_no_band(name):
    assert read_name(name).is_no_band


def test_the_rest_of_a_name():
    assert rest_of_name("x/vv_20240101.tif") == rest_of_name("x/vv_20240113.tif") == "vv"
    assert rest_of_name("20240101.tif") == ""
