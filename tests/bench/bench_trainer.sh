#!/usr/bin/env bash
# One training step of the trainer against the PyTorch reference: the same crystals in the same batches,
# in turns, in one run. Prints a table and writes bench-trainer.json. Where ../shared is missing there
# is nothing to compare with, and it says so.
#
#   tests/bench/bench_trainer.sh      settings: settings.sh and those below, from the environment
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/settings.sh"

# The program measured.
TRAINER=${TRAINER:-$root/target/release/trainer}
# Devices of the trainer, each against PyTorch on the CPU, or on the GPU for `cuda`.
DEVICES=${DEVICES:-cpu}
# Numbers of threads.
THREADS=${THREADS:-1 2}
# Crystals of a batch.
BATCHES=${BATCHES:-64}
# Steps timed in each run, and rounds of runs: ours, theirs, ours, theirs, ...
STEPS=${STEPS:-10}
ROUNDS=${ROUNDS:-3}
# Rule for neighbours that tie with the last one.
TIES=${TIES:-cut}
# A Python that has requirements-reference.txt; made in $BENCH_DIR/reference-venv when empty.
REFERENCE_PYTHON=${REFERENCE_PYTHON:-}

if [ ! -e "$SHARED/reference/bench_ref.py" ]; then
    echo "bench_trainer.sh: the PyTorch reference is part of ../shared, which is not here: nothing to compare with"
    exit 0
fi
need_shared
need "$TRAINER" "build it with 'cargo build --release -p mmpt-trainer', or name it with TRAINER=FILE"
reference=$(cd "$SHARED/reference" && pwd)
# Nothing is written beside the reference, byte code included.
export PYTHONDONTWRITEBYTECODE=1

if [ -z "$REFERENCE_PYTHON" ]; then
    REFERENCE_PYTHON=$BENCH_DIR/reference-venv/bin/python
    if [ ! -e "$BENCH_DIR/reference-venv/complete" ]; then
        echo "installing PyTorch (3 GB to download) into $BENCH_DIR/reference-venv ..."
        python3 -m venv "$BENCH_DIR/reference-venv"
        "$REFERENCE_PYTHON" -m pip install --quiet --disable-pip-version-check --require-hashes \
            -r "$here/requirements-reference.txt"
        touch "$BENCH_DIR/reference-venv/complete"
    fi
fi
need "$REFERENCE_PYTHON" "REFERENCE_PYTHON must be a Python with tests/bench/requirements-reference.txt"

# As many crystals as the largest batch; a smaller one is the first of them, on both sides.
count=$(tr ' ' '\n' <<<"$BATCHES" | sort -n | tail -1)
crystals=$BENCH_DIR/crystals-$MAX_SITES-sites-$count
store=$crystals-$TIES-store
graphs=$crystals-$TIES.pkl
if [ ! -e "$crystals.tar" ]; then
    python3 "$here/small_cells_archive.py" "$SHARED/mirror/mp36k.tar.zst" "$crystals.tar" \
        --max-sites "$MAX_SITES" --count "$count" --folder "$crystals" >/dev/null
fi
if [ ! -e "$store/manifest.json" ]; then
    need_etl
    "$ETL" build cif --input "$crystals.tar" --name bench --out "$store" --ties "$TIES" --quiet --resume
fi
if [ ! -e "$graphs" ]; then
    echo "the reference makes its graphs of the same crystals ..."
    "$REFERENCE_PYTHON" "$reference/crystals_csv.py" "$crystals" "$crystals.csv"
    "$REFERENCE_PYTHON" "$reference/bench_ref.py" --csv "$crystals.csv" --ties "$TIES" --batch "$count" \
        --steps 1 --warmup 0 --save-graphs "$graphs.part" >/dev/null
    mv "$graphs.part" "$graphs"
fi

# shellcheck disable=SC2086  # lists of words
exec python3 "$here/bench_trainer.py" --trainer "$TRAINER" --store "$store" \
    --reference "$reference/bench_ref.py" --reference-python "$REFERENCE_PYTHON" --graphs "$graphs" \
    --ties "$TIES" --devices $DEVICES --threads $THREADS --batches $BATCHES --steps "$STEPS" \
    --rounds "$ROUNDS" --json "$BENCH_DIR/bench-trainer.json"
