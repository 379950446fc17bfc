"""Keeps the small cells of an archive of CIF files, in the order of their names.

    small_cells_archive.py SOURCE OUT [--max-sites 20] [--count N] [--folder FOLDER]

SOURCE and OUT end in .tar or .tar.zst; FOLDER gets the same files one by one, for tools that read no
archive. Prints the number of files. Needs Python 3.9 or later and, for .zst, the command zstd.
"""

import argparse
import pathlib
import sys
import tarfile

import archives


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--max-sites", type=int, default=20)
    parser.add_argument("--count", type=int)
    parser.add_argument("--folder", type=pathlib.Path)
    arguments = parser.parse_args()
    if not arguments.source.is_file():
        sys.exit(f"{arguments.source} is not here")

    cifs = archives.cifs(arguments.source)
    kept = sorted((stem, cif) for stem, cif in cifs if archives.sites(cif) <= arguments.max_sites)
    kept = kept[: arguments.count]
    if arguments.folder:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        for stem, cif in kept:
            (arguments.folder / f"{stem}.cif").write_bytes(cif)
    with archives.writing(arguments.out) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for stem, cif in kept:
            archives.add(archive, f"{stem}.cif", cif)
    print(len(kept))


if __name__ == "__main__":
    main()
