import html.parser
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
import xarray as xr

import tec_zarr  # noqa: F401 (it registers ds.tec)
from tec_zarr.errors import InvalidInputError
from tec_zarr.report import sample
from tec_zarr.synthetic.observations import dataset

pytest.importorskip("matplotlib", reason="draws reports")


class Page(html.parser.HTMLParser):
    """What a page holds: its texts, the addresses that it names, and whether every tag ends."""

    VOID = ("meta", "link", "img", "br", "path", "use", "rect")

    def __init__(self, content):
        super().__init__()
        self.texts = []
        self.addresses = []
        self.open = []
        self.tags = []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href"):
                self.addresses.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())

    @property
    def said(self):
        return " ".join(filter(None, self.texts))


@pytest.fixture(scope="module")
def cube():
    return dataset(3, (64, 80), seed=3)


@pytest.fixture(scope="module")
def store(cube, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "cube.zarr"
    cube.tec.to_zarr(path, context="none", progress=False)
    return path


@pytest.fixture(scope="module")
def written(cube, store, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    cube.tec.report(path, xr.open_zarr(store), title="Fields & <rivers>")
    return path


@pytest.fixture(scope="module")
def page(written):
    return Page(written.read_text())


def test_the_page_needs_nothing_else(written, page):
    assert page.open == []
    outside = [a for a in page.addresses if not a.startswith(("data:", "#"))]
    assert outside == []
    assert not re.search(r"url\((?!#)", written.read_text())
    assert [f.name for f in written.parent.iterdir()] == ["report.html"]


def test_what_it_shows(page, cube):
    first = str(cube["time"].values[0])[:10]
    assert page.tags.count("img") == 3 * 3 + 3  # three dates and a detail, before, after, error
    assert page.tags.count("svg") == 2 * 4  # a spectrum and a series of each of four pixels
    for said in (f"{first}, before", "Fields & <rivers>", "tec-tt", "NDVI", "Where it is worst"):
        assert said in page.said
    assert "rivers" not in page.tags


def test_its_figures_are_those_of_compare(cube, store, page):
    found = cube.tec.compare(xr.open_zarr(store))
    for band in ("B02", "B12"):
        one = found.sel(band=band)
        row = f"{band} {float(one['psnr']):.2f} {float(one['rmse']):.4g}"
        assert row in page.said
    assert f"{float(found['psnr_all']):.2f} PSNR" in page.said
    ratio = xr.open_zarr(store).tec.info()["ratio"]
    assert f"{ratio:.1f} × smaller" in page.said


def test_without_another_cube_it_compresses_what_it_shows(cube, tmp_path):
    cube.tec.report(tmp_path / "r.html", quality=90)
    said = Page((tmp_path / "r.html").read_text()).said
    assert "Nothing was written" in said
    assert "quality 90" in said
    assert [f.name for f in tmp_path.iterdir()] == ["r.html"]


def test_a_curve_where_it_is_asked_for(cube, store, tmp_path):
    cube.tec.report(tmp_path / "r.html", xr.open_zarr(store), curve=True)
    page = Page((tmp_path / "r.html").read_text())
    assert "Rate and distortion" in page.said
    assert page.tags.count("svg") == 9


def test_of_a_large_cube_only_a_window_is_read(monkeypatch, tmp_path):
    monkeypatch.setattr(sample, "MOST", 2 * 2 * 32 * 32)
    monkeypatch.setattr(sample, "DATES", 2)
    read = []

    def block(block_info=None):
        place = block_info[None]["array-location"]
        read.append(place)
        values = np.random.default_rng(place[0][0]).integers(1000, 3000, (1, 2, 16, 16))
        return values.astype("uint16")

    import dask.array as da

    chunks = ((1,) * 6, (2,), (16,) * 20, (16,) * 20)
    array = da.map_blocks(block, chunks=chunks, dtype="uint16")
    cube = xr.DataArray(
        array, dims=("time", "band", "y", "x"), coords={"band": ["B04", "B08"]}
    ).to_dataset(name="B")
    cube["B"].attrs["offset_dn"] = 0
    cube.tec.report(tmp_path / "r.html", cube)
    assert "2 of 6 dates, and 32 × 32 pixels" in Page((tmp_path / "r.html").read_text()).said
    touched = {place[2][0] // 16 for place in read}
    assert len(touched) <= 3
    assert 0 < len(read) < 0.05 * 6 * 20 * 20


def test_pixels_that_are_asked_for(cube, store, tmp_path):
    opened = xr.open_zarr(store)
    cube.tec.report(tmp_path / "r.html", opened, pixels=[(10, 70)])
    assert "Pixel 1: row 10, column 70" in Page((tmp_path / "r.html").read_text()).said
    with pytest.raises(InvalidInputError, match=r"\(70, 10\) is not within the 64 x 80"):
        cube.tec.report(tmp_path / "no.html", opened, pixels=[(70, 10)])
    assert not (tmp_path / "no.html").exists()


def test_bands_in_another_order_are_compared_by_name(cube, store, tmp_path, page):
    turned = xr.open_zarr(store).isel(band=slice(None, None, -1), y=slice(None, None, -1))
    cube.tec.report(tmp_path / "r.html", turned, title="Fields & <rivers>")
    other = Page((tmp_path / "r.html").read_text())
    figures = page.said[page.said.index("By band") : page.said.index("Pixels")]
    assert figures in other.said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda ds: ds.isel(time=slice(0, 2)), "differ along time: 3 and 2"),
        (lambda ds: ds.assign_coords(y=ds["y"] + 10), "other coordinates along y"),
    ],
)
def test_other_cubes_are_refused(cube, tmp_path, change, said):
    with pytest.raises(InvalidInputError, match=said):
        cube.tec.report(tmp_path / "r.html", change(cube))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["reflectance", "kelvin", "two bands", "nothing", "same"])
def test_other_kinds_of_cubes(kind, tmp_path):
    values = np.random.default_rng(0).uniform(0.1, 0.5, (2, 3, 40, 40)).astype("float32")
    cube = xr.DataArray(values, dims=("time", "band", "y", "x"), coords={"band": list("abc")})
    keywords = {"scale": 1e-4}
    if kind == "kelvin":
        cube = cube * 100 + 250
        keywords = {"scale": 0.01}
    elif kind == "two bands":
        cube = cube.isel(band=[0, 1], time=[0])
    elif kind == "nothing":
        cube[:] = np.nan
    other = cube if kind == "same" else cube + 0.01
    cube.tec.report(tmp_path / "r.html", other, **keywords)
    page = Page((tmp_path / "r.html").read_text())
    assert "nan" not in page.said.lower()
    assert ("exact" in page.said) == (kind == "same")
    assert ("svg" in page.tags) == (kind != "nothing")


def test_without_matplotlib_it_says_what_to_install(cube, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(InvalidInputError, match=re.escape("pip install 'tec_zarr[demo]'")):
        cube.tec.report(tmp_path / "r.html", cube)


def test_a_browser_shows_all_of_it(written, tmp_path):
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("needs the browser chromium")
    # The page says at its end how many of its images were loaded, and what went wrong.
    check = """<script>
    const wrong = [];
    window.addEventListener("error", event => wrong.push(event.message || "a file"), true);
    window.addEventListener("load", () => {
      const images = [...document.images];
      const whole = images.filter(image => image.complete && image.naturalWidth > 0).length;
      const drawn = [...document.querySelectorAll("svg")];
      const seen = drawn.filter(svg => svg.getBoundingClientRect().height > 50).length;
      const wide = document.documentElement.scrollWidth > window.innerWidth;
      document.title = `${whole} of ${images.length}, ${seen} of ${drawn.length}, ${wide}, ` +
        `${wrong.length} ${wrong}`;
    });
    </script>"""
    checked = tmp_path / "checked.html"
    checked.write_text(written.read_text().replace("<title>", check + "<title>", 1))
    quiet = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ]  # fmt: skip
    for width in (1200, 500):
        shown = subprocess.run(
            [
                browser,
                *quiet,
                f"--user-data-dir={tmp_path / str(width)}",
                f"--window-size={width},3000",
                "--enable-logging=stderr",
                "--dump-dom",
                checked.as_uri(),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        title = re.search("<title>(.*?)</title>", shown.stdout)[1]
        assert title == "12 of 12, 8 of 8, false, 0 "
        assert "CONSOLE" not in shown.stderr


def test_a_link_to_a_page_goes_on_to_be_one(cube, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "report.html").symlink_to("there/page.html")
    cube.tec.report(tmp_path / "report.html")
    assert (tmp_path / "report.html").is_symlink()
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["page.html"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_not_replaced_by_a_page(cube, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidInputError, match="is no file"):
        cube.tec.report(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("name", ["", ".", "folder", "folder/"])
def test_a_folder_is_no_place_for_a_page(cube, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidInputError, match="needs the name of a file"):
        cube.tec.report(name)
