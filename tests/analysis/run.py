"""Runs the analyses of schemas/duckdb over feature stores and prints their tables.

    python tests/analysis/run.py data/sample data/oqmd
    python tests/analysis/run.py --only coordination_by_element data/oqmd
"""

import argparse
import sys
import time
from pathlib import Path

import duckdb

QUERIES = Path(__file__).resolve().parents[2] / "schemas" / "duckdb"
VIEWS = QUERIES / "views.sql"


def analyses(names):
    """The query files by name, in alphabetical order; all of them for no names."""
    files = {path.stem: path for path in sorted(QUERIES.glob("*.sql")) if path != VIEWS}
    for name in names:
        if name not in files:
            sys.exit(f"there is no analysis '{name}'; there are {', '.join(files)}")
    return {name: files[name] for name in names or files}


def title(query):
    """The comment that a query begins with."""
    return query.partition("\n")[0].removeprefix("--").strip()


def texts_of(values):
    """A column as texts: counts with thousands separated, decimals alike, nothing for NULL."""
    decimals = max((len(str(value).partition(".")[2]) for value in values if isinstance(value, float)), default=0)

    def text(value):
        if value is None:
            return ""
        if isinstance(value, float):
            return f"{value:,.{decimals}f}"
        return f"{value:,}" if isinstance(value, int) else str(value)

    return [text(value) for value in values]


def table(columns, rows):
    """Aligned lines of a table, numbers to the right."""
    texts = list(zip(*map(texts_of, zip(*rows, strict=True)), strict=True))
    numeric = [all(isinstance(row[i], (int, float, type(None))) for row in rows) for i in range(len(columns))]
    widths = [max(len(line[i]) for line in [columns, *texts]) for i in range(len(columns))]

    def line(values):
        aligned = zip(values, widths, numeric, strict=True)
        return "  ".join(value.rjust(width) if right else value.ljust(width) for value, width, right in aligned).rstrip()

    return [line(columns), "  ".join("─" * width for width in widths), *map(line, texts)]


def analyse(store, queries):
    """Prints every analysis of one store."""
    connection = duckdb.connect()
    connection.execute("SET VARIABLE store = ?", [str(store)])
    connection.execute(VIEWS.read_text(encoding="utf-8"))
    (crystals,) = connection.execute("SELECT count(*) FROM crystals").fetchone()
    (rejects,) = connection.execute("SELECT count(*) FROM rejects").fetchone()
    print(f"\n=== {store}: {crystals:,} crystals, {rejects:,} rejects (DuckDB {duckdb.__version__})")
    for name, path in queries.items():
        query = path.read_text(encoding="utf-8")
        start = time.perf_counter()
        result = connection.execute(query)
        rows = result.fetchall()
        columns = [column[0] for column in result.description]
        print(f"\n{title(query)}\n({name}.sql, {time.perf_counter() - start:.2f} s)\n")
        for line in table(columns, rows) if rows else ["nothing: no such rows in this store"]:
            print(f"  {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stores", nargs="+", type=Path, help="folders of finished stores")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="one analysis; may be repeated")
    arguments = parser.parse_args()
    queries = analyses(arguments.only)
    for store in arguments.stores:
        manifest = store.with_name(f"{store.name}.store") / "manifest.json"
        if not manifest.is_file():
            sys.exit(f"{store}: no {manifest}, so no finished store; make one with etl build")
        if not any(store.glob("*.parquet")):
            print(f"\n=== {store}: no crystals")
            continue
        analyse(store, queries)


if __name__ == "__main__":
    main()
