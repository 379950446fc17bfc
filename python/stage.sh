#!/usr/bin/env bash
# The data of a wheel: programs, manual pages, completions and licences.
#
#   python/stage.sh PROGRAMS FOLDER
#
# PROGRAMS holds etl and trainer. FOLDER becomes what the folder `crystal_mmpt-VERSION.data` of a wheel is: pip puts
# `scripts` on the search path, and `data` under the root of the environment.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# = 2 ] || { echo "usage: $(basename "$0") PROGRAMS FOLDER" >&2; exit 2; }
programs=$1 folder=$2
rm -rf "$folder"
mkdir -p "$folder/data"
# The installation knows what belongs to the programs.
DESTDIR=$(realpath -m "$folder") PREFIX=/data "$here/../docs/manual/install.sh" "$programs" >/dev/null
mv "$folder/data/bin" "$folder/scripts"
# A list for `make uninstall`: pip has its own.
rm "$folder/data/share/doc/crystal-mmpt/installed"
