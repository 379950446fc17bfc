#!/usr/bin/env bash
# `make clean`: removes the finished stores in this folder, or in FOLDER.
#
#   data/clean.sh [FOLDER]
#
# Of a store the files that its manifest lists are removed; what else lies there stays. The manifest of the store
# NAME is NAME.store/manifest.json, or NAME/manifest.json where format version 1 is meant.
set -euo pipefail
shopt -s nullglob
folder=${1:-$(dirname "${BASH_SOURCE[0]}")}

# Bytes of a manifest from its checksum's key on.
readonly SEAL_BYTES=85
readonly SEAL='^  "checksum": "([0-9a-f]{64})"$'

# Whether etl has written a manifest: other programs have files of this name, too, but not with the SHA-256
# of what stands before it.
is_sealed() {
    local size expected found
    size=$(wc -c < "$1") && [ "$size" -gt "$SEAL_BYTES" ] || return 1
    [[ $(tail -n 2 -- "$1" | head -n 1) =~ $SEAL ]] || return 1
    expected=${BASH_REMATCH[1]}
    found=$(head -c $((size - SEAL_BYTES)) -- "$1" | digest) || return 1
    [ "${found%% *}" = "$expected" ]
}

# SHA-256 of what is read.
digest() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}

# Removes a file or link, but no folder of that name.
remove() {
    if [ -f "$1" ] || [ -L "$1" ]; then rm -f -- "$1" || failed=1; fi
}

# Removes a folder if it is empty, and says so if it is not.
remove_folder() {
    [ ! -d "$1" ] || rmdir -- "$1" 2>/dev/null || echo "make clean: $1 holds other files, and stays"
}

failed=0
for manifest in "$folder"/*/manifest.json; do
    records=${manifest%/manifest.json}
    # Through a link, files elsewhere would be meant.
    [ ! -L "$records" ] && [ ! -L "$manifest" ] && [ -f "$manifest" ] && is_sealed "$manifest" || continue
    source=$(sed -n 's|^  "source": "\([^"\\/]*\)",$|\1|p' "$manifest")
    [ -n "$source" ] || continue
    case $(sed -n 's|^  "format_version": \([0-9]*\),$|\1|p' "$manifest") in
    1)
        store=$records
        rejects=rejects/rejects.parquet
        ;;
    *)
        store=${records%.store}
        rejects=rejects.parquet
        [ "$store" != "$records" ] && [ ! -L "$store" ] || continue
        ;;
    esac
    while IFS= read -r shard; do
        # The source's name is no pattern.
        number=${shard#"$source-"}
        [[ $shard = "$source-$number" && $number =~ ^[0-9]{5,}\.parquet$ ]] && remove "$store/$shard"
    done < <(sed -n '/^  "shards": \[$/,/^  \]/s|^      "file": "\([^"\\/]*\)",$|\1|p' "$manifest")
    [ -L "$records/rejects" ] || remove "$records/$rejects"
    [ -s "$records/.lock" ] || remove "$records/.lock"
    remove "$manifest"
    [ -L "$records/rejects" ] || rmdir -- "$records/rejects" 2>/dev/null || true
    remove_folder "$store"
    remove_folder "$records"
done
exit "$failed"
