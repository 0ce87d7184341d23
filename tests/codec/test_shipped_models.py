"""What holds of the weights in the package."""

import hashlib

import pytest

from tec_zarr.codec.settings import Settings
from tec_zarr.errors import WeightsError
from tec_zarr.models import prior_weights, registry

MIB = 2**20


def test_all_weights_together_are_small():
    assert sum(entry.path.stat().st_size for entry in registry.entries().values()) < 24 * MIB


def test_every_file_has_its_hash():
    for entry in registry.entries().values():
        assert hashlib.sha256(entry.read()).hexdigest() == entry.sha256


def test_nothing_is_shipped_but_what_is_registered():
    listed = {entry.path.name for entry in registry.entries().values()}
    assert {path.name for path in registry.FOLDER.glob("*.safetensors")} == listed


def test_the_codec_is_the_default():
    assert Settings().model == registry.DEFAULT
    prior_weights.parse(registry.find(registry.DEFAULT).read())


@pytest.mark.parametrize("name", registry.RETIRED)
def test_codecs_of_development_versions_say_what_to_do(name):
    with pytest.raises(
        WeightsError, match=f"{name} was a codec of development versions.*write the data anew"
    ):
        Settings(name)
