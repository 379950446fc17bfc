# Settings of the benchmarks, all in one place; every one can be overridden from the environment.
# Sourced by bench_etl.sh and memory_etl.sh.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# The folder with real data and the Python comparison, beside the project.
SHARED=${SHARED:-$root/../shared}
# The program measured, and how it is called: {input}, {out} and {threads} are filled in.
ETL=${ETL:-$root/target/release/etl}
ETL_ARGUMENTS=${ETL_ARGUMENTS:-"build cif --input {input} --out {out} --threads {threads} --allow-rejects"}
# Archives, stores and the Python environment of the comparison go here; nothing else is written.
BENCH_DIR=${BENCH_DIR:-$root/target/bench}
# Repetitions of every measurement; the medians are printed.
RUNS=${RUNS:-5}
# Largest cells of the comparison, in atoms, and how many of them (all when empty).
MAX_SITES=${MAX_SITES:-20}
COUNT=${COUNT:-}
# A Python that has requirements.txt; made in $BENCH_DIR/venv when empty.
PEERS_PYTHON=${PEERS_PYTHON:-}
# Rows of the memory run.
MEMORY_ROWS=${MEMORY_ROWS:-800000}

# Ends the script with a line that says what is missing.
need() {
    if [ ! -e "$1" ]; then
        echo "$(basename "$0"): $1 is not here: $2" >&2
        exit 2
    fi
}

need_shared() {
    need "$SHARED/mirror/mp36k.tar.zst" "the benchmarks run on the data in ../shared; SHARED=FOLDER names another place"
}

need_etl() {
    need "$ETL" "build it with 'cargo build --release -p mmpt-etl', or name it with ETL=FILE"
}
