"""``crystal-mmpt PROGRAM ...`` and ``python -m crystal_mmpt PROGRAM ...``: the programs of this
installation, whatever else the search path of the shell finds under their names."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import NoReturn

from crystal_mmpt import __version__

DISTRIBUTION = "crystal-mmpt"
PROGRAMS = {
    "etl": "crystal databases into feature stores",
    "trainer": "pre-training, fine-tuning, evaluation and prediction",
}
_USAGE = "usage: crystal-mmpt PROGRAM ...\n\nPrograms:\n" + "".join(
    f"  {name:<9}{about}\n" for name, about in PROGRAMS.items()
)


def program(name: str) -> Path:
    """Path of a program of this installation.

    Raises:
        FileNotFoundError: It was installed without its programs.
    """
    try:
        installed = files(DISTRIBUTION) or []
    except PackageNotFoundError:
        installed = []
    for file in installed:
        path = Path(file.locate())
        if file.name == name and os.access(path, os.X_OK) and path.is_file():
            return path.resolve()
    raise FileNotFoundError(f"{DISTRIBUTION} is installed here without the program {name}")


def main() -> NoReturn:
    """Becomes the program that the first argument names."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--version"]:
        print(f"{DISTRIBUTION} {__version__}")
        sys.exit(0)
    if arguments[:1] in (["--help"], ["-h"]):
        print(_USAGE, end="")
        sys.exit(0)
    if not arguments or arguments[0] not in PROGRAMS:
        named = f"crystal-mmpt: there is no program {arguments[0]!r}\n" if arguments else ""
        sys.stderr.write(named + _USAGE)
        sys.exit(2)
    try:
        path = program(arguments[0])
    except FileNotFoundError as error:
        sys.exit(f"crystal-mmpt: {error}")
    os.execv(path, [str(path), *arguments[1:]])


if __name__ == "__main__":
    main()
