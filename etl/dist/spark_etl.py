#!/usr/bin/env python3
"""Builds a store with Apache Spark: PyPI's pyspark (4.0 or later) and pyarrow, Java 17.

    spark_etl.py --input s3a://bucket/crystals/*.parquet --out /shared/store --text-column cif -- --ties shell

Spark reads, retries and shuffles; `etl worker` makes the features, `etl merge` the store. What stands
behind `--` goes to `etl worker`. `etl` and the folder of the store are on the driver and all executors.

Every attempt of a task writes a part of its own under a hidden folder beside the store. The driver merges
the parts that finished tasks have reported and removes the folder, so that a retried, killed or speculative
task leaves nothing in the store.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import BooleanType, NumericType


class WorkerFailed(RuntimeError):
    """A worker's status and what it said."""


# What a worker reports of its part.
RECEIPT = "store string, read long, kept long, filtered long, rejected long"
# Entries that travel to a worker at once.
BATCH_ROWS = 64
# Parts for each core of the cluster: a task that is retried then costs little.
PARTS_PER_CORE = 4


def run_worker(command, schema, batches):
    """Feeds batches to a worker; gives the batches of its answer once it has ended well."""
    failures = []
    with tempfile.TemporaryFile() as errors:
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)

        def feed():
            try:
                stream = pa.ipc.new_stream(worker.stdin, schema)
                for batch in batches:
                    stream.write_batch(batch)
                stream.close()
                worker.stdin.close()
            except BrokenPipeError:
                pass  # The worker has ended; its status says why.
            except BaseException as failure:  # Spark's own, too: the worker must not take it for the end.
                failures.append(failure)
                worker.kill()

        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        try:
            answer = worker.stdout.read()  # A row: it comes when the part is finished.
            status = worker.wait()
            feeder.join()
            if failures:
                raise failures[0]
            if status != 0:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()
                raise WorkerFailed(f"{' '.join(command)}: status {status}: {said}")
            return pa.ipc.open_stream(answer).read_all().to_batches()
        finally:
            worker.kill()
            worker.wait()


def part_writer(command, schema, parts, staging):
    """What a task does: its partition into a part of the store, under a name that no other attempt has."""

    def write(batches):
        index = TaskContext.get().partitionId() + 1
        store = f"{staging}/{index:05}-{uuid.uuid4().hex}"
        yield from run_worker([*command, "--out", store, "--part", f"{index}/{parts}"], schema, batches)

    return write


def read_entries(spark, arguments):
    """The columns id and text, and every column of numbers or booleans beside them, which is a property."""
    if arguments.reader == "files":
        files = spark.read.format("binaryFile").option("recursiveFileLookup", True)
        files = files.option("pathGlobFilter", arguments.glob).load(arguments.input)
        return files.select(F.regexp_extract("path", arguments.id_pattern, 1).alias("id"), F.col("content").alias("text"))
    table = spark.read.format(arguments.reader).load(arguments.input)
    taken = (arguments.id_column, arguments.text_column)
    properties = (NumericType, BooleanType)
    labels = [f.name for f in table.schema if isinstance(f.dataType, properties) and f.name not in taken]
    named = [F.col(f"`{column}`").alias(name) for column, name in zip(taken, ("id", "text"))]
    return table.select(*named, *(F.col(f"`{label}`") for label in labels))


def make_staging(out):
    """A new hidden folder beside the store, for parts of executors that may run as other users."""
    staging = tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent)
    # As /tmp: everybody may add to it, nobody remove or rename what is another's.
    Path(staging).chmod(0o1777)
    return staging


def build(spark, arguments):
    entries = read_entries(spark, arguments)
    parts = arguments.parts or PARTS_PER_CORE * spark.sparkContext.defaultParallelism
    # Entries with one identifier meet in one part, in an order that a retried task finds again; the
    # worker keeps the first of them and rejects the others.
    entries = entries.repartition(parts, F.substring_index("id", "#", 1))
    entries = entries.sortWithinPartitions(*(f"`{column}`" for column in entries.columns))
    schema = to_arrow_schema(entries.schema)
    command = [arguments.etl, "worker", *arguments.worker]
    run_worker(command, schema, [])  # Wrong options and columns show here, before any task.
    out = Path(arguments.out).absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = make_staging(out)
    try:
        receipts = entries.mapInArrow(part_writer(command, schema, parts, staging), RECEIPT).collect()
        merge = [arguments.etl, "merge", *(receipt.store for receipt in receipts), "--out", str(out)]
        return subprocess.run(merge + ["--force"] * arguments.force).returncode
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", nargs="+", required=True, help="any path that Spark reads")
    parser.add_argument("--out", required=True, help="folder of the store, shared by all machines")
    parser.add_argument("--reader", choices=["parquet", "json", "files"], default="parquet", help="json: a line each")
    parser.add_argument("--id-column", default="id")
    parser.add_argument("--text-column", default="text")
    parser.add_argument("--glob", default="*.cif", help="files: names that are read")
    parser.add_argument("--id-pattern", default=r"([^/]+)\.[^./]+$", help="files: first group of the path is the id")
    parser.add_argument("--parts", type=int, help="number of tasks and parts")
    parser.add_argument("--etl", default="etl", help="the program, on every machine")
    parser.add_argument("--master", help="as of spark-submit")
    parser.add_argument("--force", action="store_true", help="replace a finished store")
    parser.add_argument("worker", nargs="*", help="options of etl worker, behind --")
    arguments = parser.parse_args()
    session = SparkSession.builder.appName("etl")
    spark = (session.master(arguments.master) if arguments.master else session).getOrCreate()
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", BATCH_ROWS)
    try:
        return build(spark, arguments)
    except WorkerFailed as failure:
        print(f"spark_etl: {failure}", file=sys.stderr)
        return 2
    finally:
        spark.stop()


if __name__ == "__main__":
    sys.exit(main())
