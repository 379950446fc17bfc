#!/usr/bin/env bash
# `make etl`: fetches each source, from the network or from MIRROR, and builds its store under data/.
# With neither, builds the embedded sample instead and says so.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${ETL:=target/release/etl}" "${SOURCES:=oqmd jarvis matbench}" "${MIRROR:=}" "${MATBENCH_TASK:=jdft2d}" "${JARVIS_TASK:=dft_3d}"

from=()
[ -z "$MIRROR" ] || from=(--mirror "$MIRROR")

# Prints the paths of the fetched files of a database, one a line.
fetch() {
    local listing
    listing=$("$ETL" fetch "$@" "${from[@]}" --to data/raw --json) || return
    sed -n 's/^ *"path": "\(.*\)",$/\1/p' <<<"$listing"
}

# Builds a store; rejected entries (status 1) are in its table of rejects and no failure here.
build() {
    "$ETL" build "$@" --allow-rejects --resume
}

unreachable=()
for source in $SOURCES; do
    case $source in
    oqmd)
        files=$(fetch oqmd) || { unreachable+=("$source"); continue; }
        build oqmd --input "$files" --out data/oqmd || exit
        ;;
    jarvis)
        files=$(fetch jarvis "$JARVIS_TASK") || { unreachable+=("$source"); continue; }
        splits=$(fetch jarvis splits) || splits=
        mapfile -t labels < <(printf '%s' "$splits" | grep "$JARVIS_TASK" || true)
        build jarvis --input "$files" --out data/jarvis ${labels:+--labels "${labels[@]}"} || exit
        ;;
    matbench)
        files=$(fetch matbench "$MATBENCH_TASK") || { unreachable+=("$source"); continue; }
        build matbench --input "$(grep 'json.gz$' <<<"$files")" --labels "$(grep 'folds.csv$' <<<"$files")" \
            --out data/matbench || exit
        ;;
    *)
        echo "make etl: SOURCES may hold oqmd, jarvis and matbench, not '$source'" >&2
        exit 2
        ;;
    esac
done

if [ ${#unreachable[@]} -gt 0 ]; then
    if [ -n "$MIRROR" ]; then
        echo "make etl: ${unreachable[*]}: not in the mirror $MIRROR" >&2
        exit 2
    fi
    echo "make etl: ${unreachable[*]}: no network here, and no MIRROR=dir with the published files."
    echo "make etl: building the embedded sample of textbook crystals instead."
    build cif --input data/sample --name textbook --out data/textbook
fi
