#!/usr/bin/env bash
# CIF text to Parquet, end to end: `etl build cif` from a tar archive and from a folder against the fastest
# Python pipelines, on the same crystals and in the same run. Prints a table and writes bench-etl.json beside
# the archives.
#
#   tests/bench/bench_etl.sh          all settings: settings.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/settings.sh"
need_shared
need "$SHARED/peers/etl_peers.py" "the comparison is part of ../shared; SHARED=FOLDER names another place"
need_etl

if [ -z "$PEERS_PYTHON" ]; then
    PEERS_PYTHON=$BENCH_DIR/venv/bin/python
    if [ ! -e "$BENCH_DIR/venv/complete" ]; then
        echo "installing the Python tools into $BENCH_DIR/venv ..."
        python3 -m venv "$BENCH_DIR/venv"
        "$PEERS_PYTHON" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements.txt"
        touch "$BENCH_DIR/venv/complete"
    fi
fi
need "$PEERS_PYTHON" "PEERS_PYTHON must be a Python with tests/bench/requirements.txt"

archive=$BENCH_DIR/mp36k-$MAX_SITES-sites${COUNT:+-$COUNT}.tar
folder=${archive%.tar}
if [ ! -e "$archive" ]; then
    echo "picking the cells of at most $MAX_SITES atoms ..."
    python3 "$here/small_cells_archive.py" "$SHARED/mirror/mp36k.tar.zst" "$archive" \
        --max-sites "$MAX_SITES" ${COUNT:+--count "$COUNT"} --folder "$folder" >/dev/null
fi

exec python3 "$here/measure.py" compare \
    --etl "$ETL" --arguments "$ETL_ARGUMENTS" --input "$archive" --work "$BENCH_DIR" --runs "$RUNS" \
    --peers "$SHARED/peers/etl_peers.py" --peers-python "$PEERS_PYTHON" --folder "$folder" \
    --max-sites "$MAX_SITES" --json "$BENCH_DIR/bench-etl.json"
