"""The pages that people read, and the blocks of code in them.

Blocks of a page run in order, in one namespace. A block whose title begins with "not run" is left
out, and its reader sees why. A block of text after a block of Python is what that prints; or, where
it begins with the name of an error or a warning, what that raises.
"""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])

FENCE = re.compile(r'^```(\w*)(?: title="([^"]*)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
RAISED = re.compile(r"\w+(Error|Warning): ")


@dataclasses.dataclass(frozen=True)
class Block:
    """Code between fences: its language, title, text, and the line that it begins in."""

    language: str
    title: str
    text: str
    line: int

    @property
    def is_run(self) -> bool:
        return not self.title.startswith("not run")

    @property
    def is_message(self) -> bool:
        """Whether it is an error or a warning."""
        return RAISED.match(self.text) is not None


@dataclasses.dataclass(frozen=True)
class Step:
    """A block of Python, and the block of text that follows it at once, if there is one."""

    code: Block
    said: Block | None


def name_of(page: pathlib.Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks_of(page: pathlib.Path) -> list[Block]:
    text = page.read_text()
    found = []
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start(3)) + 1
        found.append(Block(match[1], match[2] or "", match[3], line))
    return found


def steps_of(page: pathlib.Path) -> list[Step]:
    """The Python of a page that can be run."""
    blocks = blocks_of(page)
    steps = []
    for block, after in itertools.zip_longest(blocks, blocks[1:]):
        if block.language == "python" and block.is_run:
            said = after if after is not None and after.language == "text" else None
            steps.append(Step(block, said))
    return steps


def commands_of(block: Block) -> list[str]:
    """The lines of a block of shell, those that end in a backslash put together."""
    return block.text.replace("\\\n", " ").splitlines()
