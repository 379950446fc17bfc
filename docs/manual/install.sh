#!/usr/bin/env bash
# `make install` and `make uninstall`: the programs with manual pages, completion scripts and licences.
#
#   docs/manual/install.sh FOLDER        installs FOLDER/etl and FOLDER/trainer
#   docs/manual/install.sh --remove      removes what was installed
#
# PREFIX is the tree they go into, DESTDIR the root that it is taken to lie under (of a package in the
# making). What was installed stands in a list with its SHA-256, so that a later version or a removal
# leaves nothing behind and neither replaces nor takes away what is not ours.
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

# SHA-256 of a file.
digest() {
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi <"$1" | cut -d ' ' -f 1
}

# Whether a file is the one that was installed: SHA256 FILE.
is_ours() {
    [ -f "$root/$2" ] && [ ! -L "$root/$2" ] && [ "$(digest "$root/$2")" = "$1" ]
}

# Prints the list of what is installed, a SHA-256 and a path a line; nothing where there is none.
installed() {
    [ -e "$root/$list" ] || return 0
    local hash file
    while read -r hash file; do
        [[ $hash =~ ^[0-9a-f]{64}$ && /$file/ != */../* && $file != /* ]] ||
            fail "$root/$list: not a list of this program: $hash $file"
        printf '%s %s\n' "$hash" "$file"
    done <"$root/$list"
}

# Removes every file of the list that is still the one installed, and the list.
remove() {
    local hash file known
    known=$(installed)
    while read -r hash file; do
        [ -n "$file" ] || continue
        if is_ours "$hash" "$file"; then
            rm -f "$root/$file"
        elif [ -e "$root/$file" ] || [ -L "$root/$file" ]; then
            echo "install: $root/$file is not the file that was installed, and stays" >&2
        fi
    done <<<"$known"
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
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
staged=$work/tree
mkdir -p "$staged"/{bin,share/man/man1,share/bash-completion/completions,share/fish/vendor_completions.d} \
    "$staged"/share/zsh/site-functions "$staged/$documents"
for program in etl trainer; do
    cp "$1/$program" "$staged/bin/"
    "$1/$program" man "$staged/share/man/man1" >/dev/null
    "$1/$program" completions bash >"$staged/share/bash-completion/completions/$program"
    "$1/$program" completions fish >"$staged/share/fish/vendor_completions.d/$program.fish"
    "$1/$program" completions zsh >"$staged/share/zsh/site-functions/_$program"
done
# The trainer contains the tables and the weights, whose cards name their licences.
cp "$here"/../../LICENSE-* "$here"/../../trainer/tables/*.LICENSE.txt "$here/../../CHANGELOG.md" "$staged/$documents/"
for entry in "$here"/../../data/weights/*.toml; do
    [ ! -f "$entry" ] || cp "${entry%.toml}.md" "$staged/$documents/"
done
(cd "$staged" && find . -type f | sed 's|^\./||' | LC_ALL=C sort) >"$work/files"
while read -r file; do
    printf '%s %s\n' "$(digest "$staged/$file")" "$file"
done <"$work/files" >"$work/list"

installed >"$work/before"
foreign=()
while read -r file; do
    [ -e "$root/$file" ] || [ -L "$root/$file" ] || continue
    hash=$(awk -v file="$file" '{ hash = $1; sub(/^[^ ]* /, ""); if ($0 == file) print hash }' "$work/before")
    is_ours "$hash" "$file" || foreign+=("$root/$file")
done <"$work/files"
[ ${#foreign[@]} = 0 ] || fail "not installed by this program, move away what is to go: ${foreign[*]}"

# Puts a file into its place, whole or not at all: MODE FROM TO.
put() {
    local temporary
    mkdir -p "$(dirname "$3")"
    temporary=$(mktemp "$(dirname "$3")/.crystal-mmpt-XXXXXX")
    cat "$2" >"$temporary"
    chmod "$1" "$temporary"
    mv -f "$temporary" "$3"
}

remove
# The list first: whatever a killed installation leaves, the next one finds.
put 644 "$work/list" "$root/$list"
while read -r file; do
    mode=644
    [[ $file != bin/* ]] || mode=755
    put "$mode" "$staged/$file" "$root/$file"
done <"$work/files"
echo "installed under $root: etl, trainer, $(grep -c '^share/man/' "$work/files") manual pages, completions"
