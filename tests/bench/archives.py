"""Reading and writing archives of CIF files, for the scripts beside this one."""

import contextlib
import io
import pathlib
import shutil
import subprocess
import sys
import tarfile


@contextlib.contextmanager
def reading(path):
    """The tar stream of a .tar or .tar.zst file."""
    if path.suffix != ".zst":
        with path.open("rb") as stream:
            yield stream
        return
    with subprocess.Popen([zstd(), "-dcq", str(path)], stdout=subprocess.PIPE) as process:
        yield process.stdout
        # Whoever stops early leaves zstd writing to nobody.
        process.stdout.close()
        process.wait()


@contextlib.contextmanager
def writing(path):
    """A tar stream into a .tar or .tar.zst file, which gets its name when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    if path.suffix != ".zst":
        with unfinished.open("wb") as stream:
            yield stream
    else:
        command = [zstd(), "-q", "-f", "-T0", "-", "-o", str(unfinished)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            yield process.stdin
            process.stdin.close()
            if process.wait() != 0:
                sys.exit(f"zstd failed on {unfinished}")
    unfinished.replace(path)


def zstd():
    command = shutil.which("zstd")
    if command is None:
        sys.exit("the command zstd is not installed")
    return command


def cifs(source):
    """(stem, bytes) of every CIF in an archive, in its order."""
    with reading(source) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = pathlib.PurePosixPath(member.name)
            if member.isfile() and name.suffix == ".cif":
                yield name.stem, archive.extractfile(member).read()


def sites(cif):
    """Atoms in a P1 CIF whose last loop is the atom sites: the rows after its last name."""
    rows = cif.rsplit(b"_atom_site", 1)[-1].splitlines()[1:]
    return sum(1 for row in rows if row.strip() and not row.lstrip().startswith((b"#", b"_")))


def add(archive, name, content):
    """Adds a file with no date, owner or mode of its own: the same input gives the same bytes."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
