#!/usr/bin/env bash
# `make libtorch`: libtorch out of the wheels of PyPI, for the trainer's feature `tch`.
#
#   tests/libtorch/install.sh [--cuda] [FOLDER]
#
# FOLDER is .libtorch in the checkout unless given. Makes FOLDER/cpu, a libtorch tree for the CPU, or
# with --cuda installs torch with every library of CUDA, some 3 GB, and makes FOLDER/cuda, a link to it.
# Either is what LIBTORCH has to name, and the output says so. What is finished is left as it is; an
# interrupted installation goes on after the last wheel that it finished.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
    echo "make libtorch: $1" >&2
    exit 2
}

kind=cpu
if [ "${1:-}" = --cuda ]; then
    kind=cuda
    shift
fi
[ $# -le 1 ] && [[ ${1:-} != -* ]] || fail "usage: $(basename "$0") [--cuda] [FOLDER]"
folder=${1:-$here/../../.libtorch}
mkdir -p "$folder" || fail "cannot make $folder"
folder=$(cd "$folder" && pwd)
venv=$folder/$kind-venv
# The pinned wheels, without comments and hashes.
pins=$(sed -nE 's/^([a-z0-9.-]+==[^ ]+).*/\1/p' "$here/requirements.txt")
# Holds the pins once all is done.
stamp=$venv/complete

# Says what to export, and ends the script.
announce() {
    echo "libtorch for $kind is ready; the trainer's feature \`tch\` needs"
    printf 'export LIBTORCH=%q\n' "$(cd "$folder/$kind" && pwd "$1")"
    exit
}
# torch's libraries look for those of CUDA beside the folder they are named by, so that one has to be
# named without the link.
[ "$kind" = cuda ] && path=-P || path=-L

[ "$(cat "$stamp" 2>/dev/null)" != "$pins" ] || announce "$path"

[ "$(uname -sm)" = "Linux x86_64" ] || fail "the wheels pinned here are those of Linux on x86_64, not $(uname -sm)"
for program in python3 g++; do
    command -v "$program" >/dev/null || fail "$program is not installed"
done
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || python3 -m venv "$venv" ||
    fail "python3 -m venv failed: is python3-venv installed?"

# Installs what a list pins, and nothing but files with the hashes there, unless that was done:
# install NAME LIST OPTION...
install() {
    local installed=$venv/installed-$1
    [ ! -e "$installed" ] || return 0
    echo "installing $1 ..."
    # Whatever an interrupted installation left of it is replaced.
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --force-reinstall \
        --require-hashes "${@:3}" -r "$2" || fail "pip could not install $1"
    touch "$installed"
}

if [ "$kind" = cpu ]; then
    for pin in $pins; do
        # The pin with the lines of its hashes.
        awk -v pin="$pin" '/^[a-z]/ { here = $1 == pin } /^#/ { here = 0 } here' "$here/requirements.txt" \
            >"$venv/pinned.txt"
        install "$pin" "$venv/pinned.txt" --no-deps
    done
else
    # torch itself requires the libraries of CUDA that it was built for.
    install "$(grep '^torch==' <<<"$pins")" "$here/requirements-cuda.txt"
fi
packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# Links a file into the tree: place NAME FOLDER
place() {
    local found
    found=$(find "$packages/$2" -name "$1" -print -quit)
    [ -n "$found" ] || fail "the pinned wheels hold no $1"
    ln -sr "$found" "$folder/cpu/lib/$1"
}

rm -rf "${folder:?}/$kind"
if [ "$kind" = cuda ]; then
    ln -sr "$packages/torch" "$folder/cuda"
else
    mkdir -p "$folder/cpu/lib"
    ln -sr "$packages/torch/include" "$folder/cpu/include"
    # libtorch_cuda.so stays out: a build links it where it sees it, and the program then needs every
    # library of CUDA to start.
    for library in libtorch_cpu.so libc10.so libgomp.so.1; do
        place "$library" torch/lib
    done
    for library in libcudart.so.13 libcupti.so.13; do
        place "$library" nvidia
    done
    # The linker is told -ltorch, though nothing of it is used; the published libtorch.so is linked
    # against libtorch_cuda.so.
    g++ -shared -Wl,-soname,libtorch.so -o "$folder/cpu/lib/libtorch.so" -x c++ /dev/null
fi
printf '%s\n' "$pins" >"$stamp"
announce "$path"
