import pathlib
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_example_runs(path, tmp_path):
    said = subprocess.run(
        [sys.executable, path, tmp_path], check=True, capture_output=True, text=True
    ).stdout
    assert said.count("\n") >= 2
