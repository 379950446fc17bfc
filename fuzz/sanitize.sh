#!/usr/bin/env bash
# Runs the tests of the kernels and of the unsafe code beneath them under AddressSanitizer (memory that is
# not theirs) and, where it is installed, Valgrind (numbers that nobody wrote).
set -euo pipefail
cd "$(dirname "$0")/.."

# What is compiled for sanitizers lies beside what is fuzzed, and checks its arithmetic.
export CARGO_TARGET_DIR=$PWD/fuzz/target
export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true
# Reports name lines.
export CARGO_PROFILE_RELEASE_STRIP=none
# Tests alone: examples of the documentation run outside of the sanitizers' reach.
tests=(cargo test --release --package mmpt-kernels --lib)

# AddressSanitizer is an unstable option of the compiler; given a target, build scripts do without it.
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" "${tests[@]}" --target "$host"

if ! command -v valgrind >/dev/null; then
    echo "sanitize: no valgrind, memory that nobody wrote is not looked for"
    exit
fi
# Valgrind is slow, and knows the vectors of AVX2 only: the program finds these by itself then.
runner=CARGO_TARGET_$(tr a-z- A-Z_ <<<"$host")_RUNNER
export PROPTEST_CASES=8 "$runner=valgrind --quiet --error-exitcode=1 --leak-check=no"
"${tests[@]}" -- --test-threads=1
