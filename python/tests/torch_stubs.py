"""Makes `import torch` work on the CPU without the libraries of CUDA.

    python python/tests/torch_stubs.py SITE_PACKAGES FOLDER

SITE_PACKAGES holds torch's wheel for CUDA and none of the libraries that it is linked against but cudart and cupti,
as `make libtorch` installs it: `.libtorch/cpu-venv/lib/python3.X/site-packages`. The dynamic linker refuses such a
torch because libraries are missing, though no function of them is called on a machine without a GPU. This script links
a library of a few kilobytes in place of each, in which every function aborts. They are written to FOLDER, where
LD_LIBRARY_PATH has to lead. Needs `g++` and `nm`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

# The file that a missing library has, by the version of its symbols, or by the beginning of symbols without a version.
VERSIONED = {
    "libcublas.so.13": "libcublas.so.13",
    "libcublasLt.so.13": "libcublasLt.so.13",
    "libcudnn.so.9": "libcudnn.so.9",
    "libcufft.so.12": "libcufft.so.12",
    "libcusparse.so.12": "libcusparse.so.12",
    "NVSHMEM": "libnvshmem_host.so.3",
}
UNVERSIONED = {
    "cuFile": "libcufile.so.0",
    "curand": "libcurand.so.10",
    "cusparseLt": "libcusparseLt.so.0",
    "nccl": "libnccl.so.2",
}
# Libraries of torch's wheel that are loaded with it.
LOADED = ["libc10_cuda.so", "libtorch_nvshmem.so", "libtorch_cuda.so", "libtorch_python.so"]


def undefined(library: Path) -> list[str]:
    """The symbols that a library needs of others, as `name` or `name@version`."""
    listing = subprocess.run(
        ["nm", "--dynamic", "--undefined-only", library], check=True, capture_output=True, text=True
    )
    return [line.split()[-1] for line in listing.stdout.splitlines()]


def wanted(libraries: list[Path]) -> dict[str, tuple[str | None, set[str]]]:
    """The missing libraries by the names of their files: the version of their symbols, and the symbols."""
    found: dict[str, tuple[str | None, set[str]]] = {}
    for file in UNVERSIONED.values():
        found[file] = (None, set())
    for version, file in VERSIONED.items():
        found[file] = (version, set())
    for symbol in {symbol for library in libraries for symbol in undefined(library)}:
        name, _, version = symbol.partition("@")
        beginnings = [beginning for beginning in UNVERSIONED if name.startswith(beginning)]
        if version in VERSIONED:
            found[VERSIONED[version]][1].add(name)
        elif not version and beginnings:
            found[UNVERSIONED[beginnings[0]]][1].add(name)
    return found


def link(file: Path, version: str | None, symbols: set[str]) -> None:
    """Links a library in which every function aborts."""
    with tempfile.TemporaryDirectory() as folder:
        source, exports = (Path(folder) / name for name in ("stub.c", "exports"))
        functions = "".join(f"void {name}(void) {{ abort(); }}\n" for name in sorted(symbols))
        source.write_text("#include <stdlib.h>\n" + functions)
        options = [f"-Wl,-soname,{file.name}"]
        if version is not None:
            exports.write_text(f"{version} {{ global: *; }};\n")
            options.append(f"-Wl,--version-script={exports}")
        command = ["g++", "-shared", "-fPIC", "-w", "-fno-builtin", *options, "-o", file, "-x", "c", source]
        subprocess.run([str(word) for word in command], check=True)


def main() -> None:
    """Reads the arguments and links the libraries."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: {Path(sys.argv[0]).name} SITE_PACKAGES FOLDER")
    packages, folder = map(Path, sys.argv[1:])
    libraries = [packages / "torch" / "lib" / name for name in LOADED]
    missing = [str(library) for library in libraries if not library.is_file()]
    if missing:
        sys.exit(f"{missing[0]}: no such file; SITE_PACKAGES must hold torch with CUDA")
    folder.mkdir(parents=True, exist_ok=True)
    for name, (version, symbols) in wanted(libraries).items():
        link(folder / name, version, symbols)


if __name__ == "__main__":
    main()
