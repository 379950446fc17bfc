"""The wheel of a checkout, of what ``cargo build --release --workspace`` has made: for the tests.

    python python/pack.py TARGET DATA FOLDER

TARGET holds the compiled module, DATA is what ``python/stage.sh`` has made. ``python/wheel.sh`` makes the
wheel that is handed on.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import sysconfig
import zipfile
from pathlib import Path

import tomllib

HERE = Path(__file__).parent
MODULE = {"linux": "libcrystal_mmpt.so", "darwin": "libcrystal_mmpt.dylib"}


def main() -> None:
    """Packs the wheel and prints its path."""
    if len(sys.argv) != 4:
        sys.exit(f"usage: {Path(sys.argv[0]).name} TARGET DATA FOLDER")
    target, data, folder = map(Path, sys.argv[1:])
    project = tomllib.loads((HERE / "pyproject.toml").read_text())["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    tag = "cp310-abi3-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    scripts = "".join(f"{script} = {function}\n" for script, function in project["scripts"].items())
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {requirement}\n" for requirement in project["dependencies"]),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: pack\nRoot-Is-Purelib: false\nTag: {tag}\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{scripts}",
    }
    files = {
        str(file.relative_to(HERE)): file
        for file in sorted((HERE / "crystal_mmpt").rglob("*"))
        if file.is_file() and file.parent.name != "__pycache__"
    }
    files["crystal_mmpt/_native.abi3.so"] = target / MODULE[sys.platform]
    for file in sorted(path for path in data.rglob("*") if path.is_file()):
        files[f"{name}-{version}.data/{file.relative_to(data)}"] = file
    record = []
    with zipfile.ZipFile(path, "w") as wheel:
        for place, content in [*texts.items(), *files.items()]:
            content = content.encode() if isinstance(content, str) else content
            mode = 0o644 if isinstance(content, bytes) else content.stat().st_mode
            read = content if isinstance(content, bytes) else content.read_bytes()
            entry = zipfile.ZipInfo(place)
            entry.external_attr = (0o100000 | mode & 0o777) << 16
            wheel.writestr(entry, read)
            digest = base64.urlsafe_b64encode(hashlib.sha256(read).digest()).rstrip(b"=").decode()
            record.append(f"{place},sha256={digest},{len(read)}\n")
        wheel.writestr(f"{info}/RECORD", "".join(record) + f"{info}/RECORD,,\n")
    print(path)


if __name__ == "__main__":
    main()
