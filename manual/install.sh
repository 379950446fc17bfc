#!/usr/bin/env bash
# `make install` and `make uninstall`: the programs with manual pages, completion scripts and licences.
#
#   manual/install.sh FOLDER        installs FOLDER/etl and FOLDER/trainer
#   manual/install.sh --remove      removes what was installed
#
# PREFIX is the tree they go into, DESTDIR the root that it is taken to lie under (of a package in the
# making). What was installed stands in a list, so that a later version or a removal leaves nothing behind
# and takes nothing away that is not ours.
set -euo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
    echo "install: $1" >&2
    exit 2
}

[ $# = 1 ] || fail "usage: $(basename "$0") FOLDER | --remove"
[[ ${PREFIX:-} == /* ]] || fail "PREFIX must be an absolute path, not '${PREFIX:-}'"
root=${DESTDIR:-}$PREFIX
documents=share/doc/crystal-mmpt
list=$documents/installed

# Removes every file of the list, and the list.
remove() {
    [ -e "$root/$list" ] || return 0
    while read -r file; do
        rm -f "$root/$file"
    done <"$root/$list"
    rm -f "$root/$list"
    rmdir "$root/$documents" 2>/dev/null || true
}

if [ "$1" = --remove ]; then
    [ -e "$root/$list" ] || fail "nothing is installed: there is no $root/$list"
    remove
    exit
fi

for program in etl trainer; do
    [ -x "$1/$program" ] || fail "$1/$program is missing: make build"
done
# Everything is made before the first file is replaced.
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
mkdir -p "$staged"/{bin,share/man/man1,share/bash-completion/completions,share/fish/vendor_completions.d} \
    "$staged"/share/zsh/site-functions "$staged/$documents"
for program in etl trainer; do
    cp "$1/$program" "$staged/bin/"
    "$1/$program" man "$staged/share/man/man1" >/dev/null
    "$1/$program" completions bash >"$staged/share/bash-completion/completions/$program"
    "$1/$program" completions fish >"$staged/share/fish/vendor_completions.d/$program.fish"
    "$1/$program" completions zsh >"$staged/share/zsh/site-functions/_$program"
done
cp "$here"/../LICENSE-* "$here/../CHANGELOG.md" "$staged/$documents/"
(cd "$staged" && find . -type f | sed 's|^\./||' | LC_ALL=C sort) >"$staged.list"
trap 'rm -rf "$staged" "$staged.list"' EXIT

remove
# The list first: whatever a killed installation leaves, the next one finds.
mkdir -p "$root/$documents"
install -m 644 "$staged.list" "$root/$list"
while read -r file; do
    mode=644
    [[ $file != bin/* ]] || mode=755
    mkdir -p "$root/$(dirname "$file")"
    install -m "$mode" "$staged/$file" "$root/$file"
done <"$staged.list"
echo "installed under $root: etl, trainer, $(grep -c '^share/man/' "$staged.list") manual pages, completions"
