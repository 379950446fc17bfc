#!/usr/bin/env bash
# `make wheel`: the wheel of crystal-mmpt, with both programs and the module, for the CPU.
#
#   python/wheel.sh [--portable] [FOLDER]
#
# Writes the wheel into FOLDER, target/wheels unless given. It runs where the libraries of this machine do, or with
# --portable on every Linux with glibc 2.28 and later: zig links then, and everything is compiled anew, into a target
# folder of its own. libtorch is left out: it has gigabytes, and is one of many versions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

portable=
if [ "${1:-}" = --portable ]; then
    portable=yes
    shift
fi
[ $# -le 1 ] && [[ ${1:-} != -* ]] || { echo "usage: $(basename "$0") [--portable] [FOLDER]" >&2; exit 2; }
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
out=$(realpath -m "${1:-$target/wheels}")
# A tag of a wheel, and the oldest glibc that it stands for.
tag=manylinux_2_28
triple=$(uname -m)-unknown-linux-gnu
[[ -z $portable || $(uname -s) = Linux ]] || { echo "make wheel: portable wheels are for Linux" >&2; exit 2; }

venv=.venv-wheel
if [ ! -e $venv/complete ] || [ python/requirements-wheel.txt -nt $venv/complete ]; then
    python3 -m venv $venv
    $venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r python/requirements-wheel.txt
    touch $venv/complete
fi
PATH=$PWD/$venv/bin:$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What a wheel is made of lies beside its pyproject.toml, which maturin wants.
cp LICENSE-MIT LICENSE-APACHE README.md python/
cp trainer/tables/atom_features_92.LICENSE.txt python/LICENSE-CGCNN
trap 'rm -rf "$work" python/wheel-data python/README.md python/LICENSE-*' EXIT

build=(maturin build --release --locked --quiet --manifest-path python/Cargo.toml --out "$out")
if [ -n "$portable" ]; then
    export CARGO_TARGET_DIR=$target/portable
    options=(--zig --compatibility "$tag" --target "$triple")
    # maturin packs a module or programs, and by the same builds: cargo-zigbuild's would compile everything again.
    for program in etl trainer; do
        maturin build --release --locked --quiet --manifest-path $program/Cargo.toml --bindings bin \
            "${options[@]}" --out "$work/$program"
        python3 -m zipfile -e "$work/$program"/*.whl "$work/$program"
        mkdir -p "$work/programs"
        cp "$work/$program"/*.data/scripts/$program "$work/programs/"
        chmod +x "$work/programs/$program"
    done
    build+=("${options[@]}")
else
    cargo build --release --locked --workspace
    mkdir "$work/programs"
    cp "$target/release/etl" "$target/release/trainer" "$work/programs/"
fi
strip "$work/programs"/*
python/stage.sh "$work/programs" python/wheel-data
mkdir -p "$out"
rm -f "$out"/crystal_mmpt-*.whl
"${build[@]}"
wheel=$(echo "$out"/crystal_mmpt-*.whl)
# maturin looks at the module alone; the programs may need a newer glibc than the tag says.
if [ "$(uname -s)" = Linux ]; then
    shown=$(auditwheel show "$wheel")
    needed=$(grep -oE 'manylinux_2_[0-9]+' <<<"$shown" | head -n 1)
    echo "$wheel: $(du -h "$wheel" | cut -f 1), needs ${needed:-no known glibc}"
    if [ -n "$portable" ] && [ "${needed#manylinux_2_}" -gt "${tag#manylinux_2_}" ]; then
        echo "make wheel: the programs need more than $tag" >&2
        exit 1
    fi
else
    echo "$wheel: $(du -h "$wheel" | cut -f 1)"
fi
