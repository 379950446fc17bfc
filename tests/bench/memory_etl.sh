#!/usr/bin/env bash
# Peak memory of `etl build cif` on two archives, one sixteen times the other: it should be the same.
#
#   tests/bench/memory_etl.sh         all settings: settings.sh (MEMORY_ROWS=800000)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/settings.sh"
need_shared
need_etl

few=$((MEMORY_ROWS / 16))
for rows in "$few" "$MEMORY_ROWS"; do
    archive=$BENCH_DIR/mp36k-$rows-rows.tar.zst
    if [ ! -e "$archive" ]; then
        echo "repeating mp36k to $rows rows ..."
        python3 "$here/repeat_archive.py" "$SHARED/mirror/mp36k.tar.zst" "$archive" --entries "$rows" >/dev/null
    fi
done

exec python3 "$here/measure.py" memory \
    --etl "$ETL" --arguments "$ETL_ARGUMENTS" --work "$BENCH_DIR" --threads 2 --json "$BENCH_DIR/memory-etl.json" \
    --input "$BENCH_DIR/mp36k-$few-rows.tar.zst" --input "$BENCH_DIR/mp36k-$MEMORY_ROWS-rows.tar.zst"
