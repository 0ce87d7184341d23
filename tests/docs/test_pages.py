"""Every block of Python in the docs runs, and says what its page says; every command is one that
the command line takes."""

import contextlib
import io
import pathlib
import re
import shlex
import warnings

import pytest

from tec_zarr.command.main import parser
from tests.docs.pages import PAGES, ROOT, Block, Step, blocks_of, commands_of, name_of, steps_of

MOST_NOT_RUN = 6
"""Blocks that need a network, or what an ordinary installation lacks."""

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
TOLERANCE = 0.03
"""Machines differ in what an encoder decides, so sizes and errors differ a little."""

SLOW = ("docs/tutorial.md", "docs/howto/clouds.md", "docs/howto/quality.md")


def _marked(page: pathlib.Path) -> object:
    marks = [pytest.mark.slow] if name_of(page) in SLOW else []
    return pytest.param(page, id=name_of(page), marks=marks)


WITH_CODE = [_marked(page) for page in PAGES if steps_of(page)]
WITH_SHELL = [
    page for page in PAGES if any(b.language in ("sh", "console") for b in blocks_of(page))
]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", WITH_CODE)
def test_code_runs_and_says_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space: dict = {}
    for step in steps_of(page):
        run(step, page, space)


def run(step: Step, page: pathlib.Path, space: dict) -> None:
    place = f"{name_of(page)}:{step.code.line}"
    # Tracebacks show the lines of the page.
    code = compile("\n" * (step.code.line - 1) + step.code.text, place, "exec")
    printed = io.StringIO()
    raised = []
    with warnings.catch_warnings(record=True) as warned, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always", UserWarning)
        try:
            exec(code, space)
        except Exception as error:
            if step.said is None or not step.said.is_message:
                raise
            raised.append(message_of(error))
    raised += [message_of(w.message) for w in warned if isinstance(w.message, UserWarning)]
    if step.said is not None and step.said.is_message:
        assert any(is_alike(step.said.text, message) for message in raised), (place, raised)
        return
    assert not raised, place
    said = "" if step.said is None else step.said.text
    assert is_alike(said, printed.getvalue()), f"{place} printed:\n{printed.getvalue()}"


def message_of(error: Warning | Exception | str) -> str:
    return f"{type(error).__name__}: {error}"


def is_alike(told: str, found: str) -> bool:
    """Whether two texts are the same but for spaces and small differences of numbers; `…` stands
    for anything."""
    parts = []
    for part in re.split("…", " ".join(told.split())):
        parts.append("".join(map(_pattern, re.split(f"({NUMBER.pattern})", part))))
    match = re.fullmatch(".*".join(parts), " ".join(found.split()))
    if match is None:
        return False
    numbers = [value for part in told.split("…") for value in NUMBER.findall(part)]
    return all(map(_is_near, numbers, match.groups()))


def _pattern(part: str) -> str:
    return f"({NUMBER.pattern})" if NUMBER.fullmatch(part) else re.escape(part)


def _is_near(told: str, found: str) -> bool:
    first, second = (float(text.replace(",", "")) for text in (told, found))
    last_digit = 10.0 ** -len(told.partition(".")[2])
    return abs(first - second) <= max(TOLERANCE * first, last_digit * ("." in told))


@pytest.mark.parametrize(
    ("told", "found", "are_alike"),
    [
        ("42.7 dB, 6 dates", "42.6  dB,\n6 dates", True),
        ("42.7 dB, 6 dates", "42.7 dB, 7 dates", False),
        ("42.7 dB", "47.2 dB", False),
        ("1,024 bytes", "1,030 bytes", True),
        ("TargetError: … no quality", "TargetError: of this chunk no quality", True),
        ("TargetError: … no quality", "TargetError: quality", False),
        ("", "something", False),
    ],
)
def test_texts_are_compared_by_words_and_numbers(told, found, are_alike):
    assert is_alike(told, found) is are_alike


def test_few_blocks_are_not_run():
    left_out = [
        f"{name_of(page)}:{block.line}"
        for page in PAGES
        for block in blocks_of(page)
        if block.language == "python" and not block.is_run
    ]
    assert len(left_out) <= MOST_NOT_RUN, left_out


def test_every_block_says_its_language():
    for page in PAGES:
        fences = [line for line in page.read_text().splitlines() if line.startswith("```")]
        known = {"```", "```text", "```sh", "```console"}
        odd = [f for f in fences if f not in known and not f.startswith("```python")]
        assert not odd, name_of(page)
        assert 2 * len(blocks_of(page)) == len(fences), name_of(page)


@pytest.mark.parametrize("page", WITH_SHELL, ids=name_of)
def test_commands_are_those_of_the_command_line(page):
    for block in blocks_of(page):
        if block.language in ("sh", "console"):
            check(block, page)


def check(block: Block, page: pathlib.Path) -> None:
    for line in commands_of(block):
        # What comes after `>` is the shell's.
        words = shlex.split(line.partition(" > ")[0], comments=True)
        if not words or pathlib.PurePath(words[0]).name != "tec-zarr":
            continue
        assert is_taken(words[1:]), f"{name_of(page)}:{block.line}: {line}"


def is_taken(arguments: list[str]) -> bool:
    """Whether the command line takes arguments; `--help` ends it, too, and without an error."""
    try:
        parser().parse_args(arguments)
    except SystemExit as stop:
        return not stop.code
    return True


def test_a_command_that_there_is_not_is_seen(capsys):
    assert is_taken(["compress", "a.nc", "b.zarr"])
    assert is_taken(["--help"])
    assert not is_taken(["compress", "a.nc", "b.zarr", "--qualty", "40"])


def test_links_lead_somewhere():
    gone = []
    for page in [*PAGES, ROOT / "tec_zarr" / "models" / "weights" / "README.md"]:
        for link in LINK.findall(page.read_text()):
            if not (page.parent / link).exists():
                gone.append(f"{name_of(page)}: {link}")
    assert not gone


def test_the_reference_has_every_command():
    page = (ROOT / "docs" / "reference" / "command.md").read_text()
    commands = parser()._subparsers._group_actions[0].choices
    missing = [name for name in commands if f"<!-- help of tec-zarr {name} -->" not in page]
    assert not missing


def test_every_example_is_listed():
    page = (ROOT / "docs" / "examples.md").read_text()
    scripts = [path.name for path in (ROOT / "examples").glob("*.py") if path.stem != "common"]
    assert len(scripts) >= 10
    assert not [name for name in scripts if f"`{name}`" not in page]
