#!/usr/bin/env bash
# Fuzzes one reader: run.sh TARGET [libFuzzer options, such as -runs=1000000]
#
# SANITIZER=none runs without AddressSanitizer, two to four times as fast.
set -euo pipefail
cd "$(dirname "$0")"

target=${1:?usage: run.sh TARGET [libFuzzer options]}
shift

# Longest input in bytes: a few records of the kind.
case $target in
    arrow_stream | aselmdb | colabfit | lemat | parquet_table | resealed | shard) max_len=65536 ;;
    feature | symmetry) max_len=512 ;;
    archive) max_len=8192 ;;
    *) max_len=4096 ;;
esac

# Coverage and sanitizers are unstable options of the compiler.
export RUSTC_BOOTSTRAP=1
# A target writes its input to a file, as that is what the program reads: best into memory.
if [[ -z ${TMPDIR:-} && -d /dev/shm ]]; then
    export TMPDIR=/dev/shm
fi

mkdir -p "corpus/$target"
exec cargo fuzz run --fuzz-dir . --sanitizer "${SANITIZER:-address}" "$target" "corpus/$target" "seeds/$target" -- \
    -dict="dictionaries/$target.dict" -max_len="$max_len" \
    -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256 "$@"
