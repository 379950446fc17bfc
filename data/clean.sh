#!/usr/bin/env bash
# `make clean`: removes the finished stores in this folder, or in FOLDER.
#
#   data/clean.sh [FOLDER]
#
# Of a store what etl has written is removed, by the names in its manifest; what else lies there stays.
set -euo pipefail
shopt -s nullglob
folder=${1:-$(dirname "${BASH_SOURCE[0]}")}

for manifest in "$folder"/*/manifest.json; do
    store=${manifest%/manifest.json}
    # Other programs have files of this name, too.
    [ ! -L "$store" ] && grep -q '^  "format_version": [0-9]*,$' "$manifest" || continue
    source=$(sed -n 's|^  "source": "\([^"\\/]*\)",$|\1|p' "$manifest")
    [ -n "$source" ] || continue
    shards=()
    for shard in "$store/$source"-*.parquet; do
        number=${shard#"$store/$source-"}
        [[ $number =~ ^[0-9]{5,}\.parquet$ ]] && shards+=("$shard")
    done
    rm -f -- "${shards[@]}" "$store/rejects/rejects.parquet" "$store/.lock" "$manifest"
    rmdir -- "$store/rejects" 2>/dev/null || true
    rmdir -- "$store" 2>/dev/null || echo "make clean: $store holds other files, and stays"
done
