"""The page on PyTorch in the book: its examples run."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path

import pytest
from torch_golden import ROOT

PAGE = ROOT / "docs" / "src" / "python_torch.md"
TRAINER_TESTS = ROOT / "tests" / "trainer"


def examples() -> dict[str, str]:
    """The Python of the page by the names of its files."""
    blocks = re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return dict(blocks)


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    earlier = TRAINER_TESTS / "earlier"
    for source, target in {
        earlier / "gaps" / "split" / "seed-123" / "best.safetensors": "runs/gap/split/seed-123/best.safetensors",
        earlier / "pretrain" / "best.safetensors": "runs/pretrain/best.safetensors",
        TRAINER_TESTS / "store" / "sample-00000.parquet": "data/textbook/textbook-00000.parquet",
    }.items():
        (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, tmp_path / target)
    monkeypatch.chdir(tmp_path)
    assert set(examples()) == {"predict.py", "train.py"}
    for name, text in examples().items():
        Path(name).write_text(text, encoding="utf-8")
        found = runpy.run_path(name)
        if name == "train.py":
            assert found["loss"].isfinite()
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 16
    assert all(re.fullmatch(r"\S+: -?\d+\.\d\d eV", line) for line in printed), printed
