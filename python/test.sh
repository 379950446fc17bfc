#!/usr/bin/env bash
# The tests of the package, in an environment in which it was just installed.
#
#   python/test.sh TARGET [PYTEST-ARGUMENT...]
#
# TARGET holds the module and the programs, as `cargo build --release --workspace` makes them. The environment,
# .venv-python, is made once; where that fails, as without a network, the tests are skipped with a line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -ge 1 ] || { echo "usage: $(basename "$0") TARGET [PYTEST-ARGUMENT...]" >&2; exit 2; }
target=$(realpath "$1")
shift
venv=$PWD/.venv-python
if ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "python/test.sh: no Python of version 3.11 or later, the tests of the package are skipped"
    exit
fi
if [ ! -e "$venv/complete" ] || [ python/requirements-test.txt -nt "$venv/complete" ]; then
    python3 -m venv "$venv"
    if ! "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile --require-hashes \
        -r python/requirements-test.txt; then
        echo "python/test.sh: PyPI cannot be reached, the tests of the package are skipped"
        exit
    fi
    touch "$venv/complete"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python/stage.sh "$target" "$work/data"
wheel=$("$venv/bin/python" python/pack.py "$target" "$work/data" "$work")
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$wheel"

# PyTorch is that of `make libtorch`, where there is one, with stubs in the place of the libraries of CUDA: the tests of
# what needs it are skipped otherwise. A module with the feature `tch` is linked against it, too.
torch=$(echo "$PWD"/.libtorch/cpu-venv/lib/python3.*/site-packages)
if [ -d "$torch/torch" ]; then
    "$venv/bin/python" python/tests/torch_stubs.py "$torch" "$work/stubs"
    export PYTHONPATH=$torch
    export LD_LIBRARY_PATH=$work/stubs:$PWD/.libtorch/cpu/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
else
    echo "python/test.sh: no libtorch (make libtorch), the tests with PyTorch are skipped"
fi
# What the modules of PyTorch are compared with.
export CRYSTAL_MMPT_ETL=$target/etl CRYSTAL_MMPT_TRAINER=$target/trainer
# As in `make test`: libtorch with several OpenMP threads collapses on cores that other tests keep busy.
export OMP_NUM_THREADS=1
root=$PWD/python
# Elsewhere, so that what is imported is what was installed.
cd "$work"
"$venv/bin/pytest" -q -p no:cacheprovider -c "$root/pyproject.toml" --rootdir "$root" "${@:-$root/tests}"
