#!/usr/bin/env bash
# Counts the calls into libtorch of one training step: count_calls.sh [options of trainer bench]
#
# Two runs, of one and of three timed steps, are subtracted, so that what a run does once is left out. On the CPU the step
# takes the path of a CUDA device, whose calls it makes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
libtorch=${LIBTORCH:-$PWD/.libtorch/cpu}
trainer=${TRAINER:-target/release/trainer}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

g++ -std=c++17 -O2 -shared -fPIC -I"$libtorch/include" tests/bench/count_calls.cpp -o "$scratch/count.so" \
    -L"$libtorch/lib" -ltorch_cpu -lc10 -Wl,-rpath,"$libtorch/lib"
for steps in 1 3; do
    COUNTS=$scratch/$steps LD_PRELOAD=$scratch/count.so \
        "$trainer" bench --device libtorch-as-cuda --threads 1 --first-batch --steps "$steps" --set data.validation=none --json "$@" >"$scratch/report"
done
join -1 2 -2 2 -a 1 -e 0 -o 0,1.1,2.1 <(sort -k2 "$scratch/3") <(sort -k2 "$scratch/1") |
    awk '{ count = ($2 - $3) / 2; if (count > 0) { print count, $1; all += count } } END { print all, "all" }' | sort -rn
