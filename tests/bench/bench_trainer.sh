#!/usr/bin/env bash
# One training step of the trainer against the PyTorch reference: the same crystals in the same batches,
# in turns, in one run. MMPT's pre-training comes first, then the other systems on one thread. Prints two
# tables and writes bench-trainer.json and bench-systems.json. Where ../shared is missing there is
# nothing to compare with, and it says so.
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
# What is timed: mmpt, and the systems of systems.py.
SYSTEMS=${SYSTEMS:-mmpt cgcnn schnet megnet alignn matformer crystal-twins infograph}
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
if [ ! -e "$crystals.csv" ]; then
    "$REFERENCE_PYTHON" "$reference/crystals_csv.py" "$crystals" "$crystals.csv.part"
    mv "$crystals.csv.part" "$crystals.csv"
fi

# build_store FOLDER OPTION...   the options of etl build for its edges
build_store() {
    if [ ! -e "$1.store/manifest.json" ]; then
        need_etl
        "$ETL" build cif --input "$crystals.tar" --name bench --out "$1" "${@:2}" --quiet --resume
    fi
}
build_store "$store" --ties "$TIES"

systems=" $SYSTEMS "
if [[ $systems == *" mmpt "* ]]; then
    if [ ! -e "$graphs" ]; then
        echo "the reference makes its graphs of the same crystals ..."
        "$REFERENCE_PYTHON" "$reference/bench_ref.py" --csv "$crystals.csv" --ties "$TIES" --batch "$count" \
            --steps 1 --warmup 0 --save-graphs "$graphs.part" >/dev/null
        mv "$graphs.part" "$graphs"
    fi
    # shellcheck disable=SC2086  # lists of words
    python3 "$here/bench_trainer.py" --trainer "$TRAINER" --store "$store" \
        --reference "$reference/bench_ref.py" --reference-python "$REFERENCE_PYTHON" --graphs "$graphs" \
        --ties "$TIES" --devices $DEVICES --threads $THREADS --batches $BATCHES --steps "$STEPS" \
        --rounds "$ROUNDS" --json "$BENCH_DIR/bench-trainer.json"
    echo
fi

systems=${systems/ mmpt / }
if [ -z "${systems// /}" ]; then
    exit 0
fi
if [ ! -e "$SHARED/baselines/reference/baselines_ref" ]; then
    echo "bench_trainer.sh: no PyTorch reference of the other systems in $SHARED/baselines"
    exit 0
fi
baselines=$(cd "$SHARED/baselines/reference" && pwd)
build_store "$crystals-r5-store" --neighbours all --cutoff 5
if [ ! -e "$crystals-cells.pkl" ]; then
    echo "the reference reads the same crystals ..."
    "$REFERENCE_PYTHON" "$here/systems_reference.py" "$baselines" "$crystals-cells.pkl.part" \
        --from-csv "$crystals.csv"
    mv "$crystals-cells.pkl.part" "$crystals-cells.pkl"
fi
# shellcheck disable=SC2086  # lists of words
exec python3 "$here/bench_systems.py" --trainer "$TRAINER" --store "knn12=$store" "r5=$crystals-r5-store" \
    --reference "$baselines" --reference-python "$REFERENCE_PYTHON" --crystals "$crystals-cells.pkl" \
    --ties "$TIES" --devices $DEVICES --systems $systems --batch "$count" --steps "$STEPS" \
    --rounds "$ROUNDS" --json "$BENCH_DIR/bench-systems.json"
