"""The Python of the README and of the book's page, and what they show of its output."""

from __future__ import annotations

import contextlib
import io
import re
import shutil

import pytest
from conftest import ROOT

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(page: str):
    """Scripts of a page that use the package, with the output that is shown below them."""
    blocks = BLOCK.findall((ROOT / page).read_text())
    for (language, script), (_, shown) in zip(blocks, blocks[1:]):
        if language == "python" and "import crystal_mmpt" in script:
            yield script, shown


@pytest.mark.parametrize("page", ["README.md", "docs/src/python.md"])
def test_pages_show_what_comes(page, tuned, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sample").symlink_to(ROOT / "data" / "sample")
    # In the place of that of `make demo`: other numbers, and the same crystals.
    shutil.copytree(tuned.folder, tmp_path / "runs" / "demo" / "band_gap")
    found = list(examples(page))
    assert found
    for script, shown in found:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(script, page, "exec"), {"__name__": "__main__"})
        numbers = re.compile(r"-?\d+\.\d+")
        words = [numbers.sub("N", text).split() for text in (printed.getvalue(), shown)]
        assert words[0] == words[1], printed.getvalue()
