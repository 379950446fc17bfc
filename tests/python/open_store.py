"""Opens the folder of a store in every Parquet reader that is installed, as a user would; prints the rows that each finds.

    python tests/python/open_store.py data/textbook

Pandas and pyarrow are in `tests/requirements.txt`. Polars and Hugging Face's datasets are larger, and left out
where they are not installed.
"""

import importlib
import sys
import tempfile


def pandas(module, store):
    return len(module.read_parquet(store))


def pyarrow_dataset(module, store):
    return module.dataset(store).count_rows()


def pyarrow_parquet(module, store):
    return module.read_table(store).num_rows


def duckdb(module, store):
    return module.connect().execute(f"SELECT count(*) FROM '{store}/*.parquet'").fetchone()[0]


def polars(module, store):
    rows = len(module.read_parquet(store))
    assert module.scan_parquet(store).collect().height == rows
    return rows


def datasets(module, store):
    with tempfile.TemporaryDirectory() as cache:
        return module.load_dataset(store, cache_dir=cache)["train"].num_rows


READERS = {
    "pandas": pandas,
    "pyarrow.dataset": pyarrow_dataset,
    "pyarrow.parquet": pyarrow_parquet,
    "duckdb": duckdb,
    "polars": polars,
    "datasets": datasets,
}

for name, read in READERS.items():
    try:
        module = importlib.import_module(name)
    except ImportError:
        print(f"{name}: not installed")
        continue
    print(f"{name}: {read(module, sys.argv[1])} rows")
