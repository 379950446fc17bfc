#!/usr/bin/env python3
"""Cuts the committed sample out of the published OQMD file.

    data/mirror/cut.py all_oqmd.json.zip data/mirror/oqmd/all_oqmd.json.zip

keeps the entries that entries.txt lists, in the list's order, as they are. The same list gives the same JSON; the
compressed bytes may differ with the version of zlib.
"""

import json
import sys
import zipfile
from pathlib import Path

MEMBER = "all_oqmd.json"
LIST = Path(__file__).parent / "oqmd" / "entries.txt"
# Zip archives count from here; a fixed date keeps the bytes the same from day to day.
DATE = (1980, 1, 1, 0, 0, 0)


def main(published: str, sample: str) -> None:
    wanted = [int(line) for line in LIST.read_text().split()]
    with zipfile.ZipFile(published) as archive:
        entries = {entry["_oqmd_entry_id"]: entry for entry in json.loads(archive.read(MEMBER))}
    missing = [number for number in wanted if number not in entries]
    if missing:
        sys.exit(f"cut.py: {published} has no entry {missing[0]} ({len(missing)} of {len(wanted)} are missing)")
    text = json.dumps([entries[number] for number in wanted])
    member = zipfile.ZipInfo(MEMBER, DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(sample, "w") as archive:
        archive.writestr(member, text, compresslevel=9)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
