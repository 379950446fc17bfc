#!/usr/bin/env bash
# The check of a CUDA device in under five minutes: goldens, the speed of a step beside PyTorch's, a minute of
# pre-training with the share of time that the GPU is busy, and embeddings. Prints one table.
#
#   tests/bench/gpu.sh        settings from the environment, below
#
# It needs the two programs, an archive of cells and, for its parts, the goldens, a pickle of the reference's graphs
# (bench_ref.py --save-graphs) and a Python with PyTorch. A part without its input is left out with a word. With
# DEVICE=libtorch-as-cuda it runs where there is no GPU, on the same path.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

DEVICE=${DEVICE:-cuda:0}
ETL=${ETL:-$root/target/release/etl}
TRAINER=${TRAINER:-$root/target/release/trainer}
SHARED=${SHARED:-$root/../shared}
# Archive of cells: a CGCNN folder.
CELLS=${CELLS:-$SHARED/mirror-full/mp2018.tar.zst}
GOLDEN=${GOLDEN:-$SHARED/golden}
REFERENCE=${REFERENCE:-$SHARED/reference/bench_ref.py}
# Graphs for the reference, made by it of the first cells of the store, and the Python to run it.
GRAPHS=${GRAPHS:-}
PYTHON=${PYTHON:-python3}
# Crystals in a batch of pre-training, and of the step beside PyTorch's.
BATCH=${BATCH:-128}
STEP_BATCH=${STEP_BATCH:-64}
# Seconds of pre-training; the first third is not counted.
SECONDS_OF_TRAINING=${SECONDS_OF_TRAINING:-60}
# Threads that build batches.
WORKERS=${WORKERS:-$(($(nproc) > 4 ? $(nproc) - 4 : 1))}
OUT=${OUT:-$(mktemp -d)}
# `nvidia-smi` numbers GPUs in this order.
export CUDA_DEVICE_ORDER=PCI_BUS_ID
# PyTorch knows neither `libtorch` nor `libtorch-as-cuda`.
case $DEVICE in
    cuda:*) torch_device=$DEVICE gpu=${DEVICE#cuda:} ;;
    *) torch_device=cpu gpu=0 ;;
esac

work=$OUT/gpu
mkdir -p "$work"
say() { echo "$*" >>"$work/table"; }
: >"$work/table"

# Runs a command whose output nobody reads unless it fails.
quietly() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
}

rm -rf "$work/store" "$work/store.store"
quietly "$work/etl.txt" "$ETL" build cif --input "$CELLS" --name cells --out "$work/store" --allow-rejects

if [ -e "$GOLDEN" ]; then
    if "$TRAINER" verify "$GOLDEN" --device "$DEVICE" >"$work/verify.txt" 2>&1; then
        say "goldens	all within their limits"
    else
        say "goldens	FAILED: $(tail -n 1 "$work/verify.txt")"
    fi
else
    say "goldens	left out: no $GOLDEN"
fi

bench() { "$TRAINER" bench --shards "$work/store" --device "$DEVICE" --set data.validation=none --json "$@"; }
bench --first-batch --batch "$STEP_BATCH" --steps 30 >"$work/first.json"
bench --batch "$BATCH" --steps 30 --set "data.workers=$WORKERS" >"$work/drawn.json"
if [ -n "$GRAPHS" ] && [ -e "$REFERENCE" ]; then
    "$PYTHON" "$REFERENCE" --graphs "$GRAPHS" --device "$torch_device" --batch "$STEP_BATCH" --steps 30 >"$work/reference.json" ||
        say "PyTorch	FAILED"
fi

# How busy the GPU is, twice a second.
: >"$work/busy.txt"
if command -v nvidia-smi >/dev/null; then
    nvidia-smi -i "$gpu" --query-gpu=utilization.gpu --format=csv,noheader,nounits -lms 500 >"$work/busy.txt" 2>/dev/null &
    sampler=$!
    trap 'kill $sampler 2>/dev/null || true' EXIT
fi
timeout --signal INT --kill-after 60 "$SECONDS_OF_TRAINING" "$TRAINER" pretrain --shards "$work/store" --device "$DEVICE" \
    --batch "$BATCH" --set "data.workers=$WORKERS" --set data.validation=none --epochs 1000 --quiet \
    --out "$work/run" --overwrite >"$work/pretrain.txt" 2>&1 || true
[ -z "${sampler:-}" ] || kill "$sampler" 2>/dev/null || true

begun=$(date +%s.%N)
"$TRAINER" embed --shards "$work/store" --device "$DEVICE" --weights "$work/run/last/checkpoint.safetensors" --batch 512 \
    --set "data.workers=$WORKERS" --out "$work/embeddings.parquet" --overwrite >"$work/embed.txt" 2>&1 ||
    say "embeddings	FAILED: $(tail -n 1 "$work/embed.txt")"
ended=$(date +%s.%N)

"$PYTHON" "$root/tests/bench/gpu_table.py" "$work" "$begun" "$ended"
