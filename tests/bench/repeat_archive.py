"""Writes the CIFs of an archive over and over under new names until there are N.

    repeat_archive.py SOURCE OUT --entries N

mp-1000.cif becomes mp-1000-r00.cif, mp-1000-r01.cif, ... SOURCE and OUT end in .tar or .tar.zst. The
script streams: it holds one CIF in memory, and only the (compressed) result is on disk. Prints the
number of files. Needs Python 3.9 or later and, for .zst, the command zstd.
"""

import argparse
import itertools
import pathlib
import sys
import tarfile

import archives


def entries(source, count):
    """(name, bytes) of `count` CIFs, turn after turn through the archive."""
    written = 0
    for turn in itertools.count():
        before = written
        for stem, cif in archives.cifs(source):
            if written == count:
                return
            yield f"{stem}-r{turn:02}.cif", cif
            written += 1
        if written == before:
            sys.exit(f"{source} holds no CIF")


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--entries", type=int, required=True)
    arguments = parser.parse_args()
    if not arguments.source.is_file():
        sys.exit(f"{arguments.source} is not here")

    written = 0
    with archives.writing(arguments.out) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for name, cif in entries(arguments.source, arguments.entries):
            archives.add(archive, name, cif)
            written += 1
    print(written)


if __name__ == "__main__":
    main()
