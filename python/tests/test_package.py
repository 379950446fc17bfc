"""The distribution: version, programs, types, notebooks."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from importlib.metadata import files, version
from pathlib import Path

import pytest
from conftest import ROOT

import crystal_mmpt
from crystal_mmpt import _native

NOTEBOOKS = sorted((ROOT / "python" / "notebooks").glob("*.ipynb"))


def test_versions_are_those_of_the_workspace():
    workspace = re.search(r'\[workspace\.package\]\nversion = "(.*)"', (ROOT / "Cargo.toml").read_text())
    project = re.search(r'^version = "(.*)"$', (ROOT / "python" / "pyproject.toml").read_text(), re.MULTILINE)
    assert workspace is not None and project is not None
    assert workspace[1] == project[1] == version("crystal-mmpt") == crystal_mmpt.__version__


@pytest.mark.parametrize("program", ["etl", "trainer"])
def test_programs_start_by_every_name(program):
    scripts = Path(sys.executable).parent
    for command in (
        [scripts / program],
        [scripts / "crystal-mmpt", program],
        [sys.executable, "-m", "crystal_mmpt", program],
    ):
        said = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
        assert said.startswith(f"{program} {crystal_mmpt.__version__}"), command
        bad = subprocess.run([*command, "--no-such-option"], capture_output=True, text=True, check=False)
        assert bad.returncode == 2, command


def test_other_programs_are_refused():
    for arguments, status, stream in (([], 2, "stderr"), (["cargo"], 2, "stderr"), (["--help"], 0, "stdout")):
        done = subprocess.run(
            [sys.executable, "-m", "crystal_mmpt", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == status and "trainer" in getattr(done, stream)
    done = subprocess.run(
        [sys.executable, "-m", "crystal_mmpt", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"crystal-mmpt {crystal_mmpt.__version__}\n"


def test_manual_completions_and_licences_are_installed():
    installed = {Path(str(file)).name for file in files("crystal-mmpt") or []}
    assert {
        "etl.1",
        "trainer.1",
        "trainer-predict.1",
        "_etl",
        "trainer.fish",
        "LICENSE-MIT",
        "py.typed",
    } <= installed


def test_stubs_name_what_is_there():
    stub = ast.parse((ROOT / "python" / "crystal_mmpt" / "_native.pyi").read_text())
    declared = {}
    for node in stub.body:
        if isinstance(node, ast.ClassDef):
            declared[node.name] = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            declared[node.name] = [argument.arg for argument in node.args.args]
    public = {name for name in dir(_native) if not name.startswith("_")} - {"VERSION", "DEVICES"}
    assert public == set(declared)
    for name, members in declared.items():
        found = getattr(_native, name)
        if isinstance(members, list):
            assert list(inspect.signature(found).parameters) == members, name
        else:
            assert members - {"__init__"} <= set(dir(found)), name


def test_everything_public_is_documented():
    for name in crystal_mmpt.__all__:
        value = getattr(crystal_mmpt, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), name
            for member, function in inspect.getmembers(value, inspect.isfunction):
                assert member.startswith("_") or inspect.getdoc(function), f"{name}.{member}"


def test_types_hold():
    package = ROOT / "python" / "crystal_mmpt"
    sources = [path for path in package.glob("*.py") if path.name != "loader.py"]
    command = [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--follow-imports=silent", *sources]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=package.parent)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path, tmp_path, monkeypatch):
    notebook = json.loads(path.read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert cells and all(not cell["outputs"] and cell["execution_count"] is None for cell in cells)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRYSTAL_MMPT_CHECKOUT", str(ROOT))
    names: dict[str, object] = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        exec(compile("".join(cell["source"]), f"{path.name}, cell {number}", "exec"), names)
