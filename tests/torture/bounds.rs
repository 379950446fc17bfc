//! Small inputs that ask for much: every row within 10 s and 300 MiB.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, Int32Array, Int64Array, ListArray, StringArray, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::Case;
use crate::files::{caesium_chloride, folder, text};
use crate::program::{Ran, etl, run_small, trainer};
use crate::table::{MEBIBYTE, Row};
use crate::trainer::{batches, member_of, shards, store, tuned_on_gaps};

/// The rows of this file.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("POSCAR of 1,000 sites within 4e-5 Å: build, predict", |row| heap(row, 1_000))
            .before("killed, 1e9 triplets"),
        Case::new("POSCAR of 9 heaps of 1,000 sites: build, predict", |row| heap(row, 9_000))
            .before("662 MiB"),
        Case::new("shard of 1e7 equal edges: every reader", equal_edges).before("1.3 GB"),
        Case::new("Parquet table: a CIF of 60 MB in 64 rows", repeated_text).before("killed"),
        Case::new("Parquet table of 50,000 columns", columns).before("1 GB"),
        Case::new("--filter of 20,000 values, 10,000 ORs, 50,000 parentheses", filters)
            .before("14 s and killed; stack overflow"),
        Case::new("tar members with names of 1 MiB", long_names).before("1.1 GB"),
        Case::new("JARVIS entry of 4,096 keys, keys of one name", keys).before("the build ended"),
        Case::new("labels.csv of 100,000 columns or splits", label_columns).before("quadratic"),
    ]
}

/// Notes a run that must leave out the hostile entry and keep the good one.
pub(crate) fn left_out(row: &mut Row, ran: &Ran, reason: &str, told: &str) {
    row.ran(ran);
    row.outcome(reason);
    if ran.code() != Some(1) || !told.contains(reason) {
        row.fault(format!("status {:?} instead of the reject {reason}: {}{told}", ran.code(), ran.stderr));
    }
}

/// A POSCAR with heaps of 1,000 hydrogen atoms, 10 Å apart.
fn heaps(sites: usize) -> String {
    let mut poscar = format!("heaps\n1.0\n100 0 0\n0 100 0\n0 0 100\nH\n{sites}\nDirect\n");
    poscar.extend((0..sites).map(|site| {
        let x = 0.1 * (site / 1_000) as f64 + (site % 1_000) as f64 * 4e-10;
        format!("{x:.12} 0.5 0.5\n")
    }));
    poscar
}

fn heap(row: &mut Row, sites: usize) {
    let (raw, out, tuned) = (folder(), folder(), tuned_on_gaps("1"));
    fs::write(raw.path().join("heap.vasp"), heaps(sites)).expect("a file");
    let reason = if sites > 1_000 { "too_many_edges" } else { "too_many_triplets" };
    let store = out.path().join("store");
    let arguments =
        ["build", "poscar", "--input", text(raw.path()), "--out", text(&store), "--min-contact=0"];
    let ran = run_small(&etl(), arguments);
    left_out(row, &ran, reason, &ran.stdout);
    fs::write(raw.path().join("good.cif"), caesium_chloride(4.12)).expect("a file");
    let (weights, table) = (member_of(&tuned, 1), out.path().join("t.csv"));
    let arguments = ["predict", text(raw.path()), "--weights", text(&weights), "--out", text(&table)];
    let ran = run_small(&trainer(), arguments.into_iter().chain(["--min-contact=0"]));
    left_out(row, &ran, reason, &read(&table.with_extension("rejects.csv")));
}

/// A file's text; nothing where there is no file.
fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Notes a run that must be refused in one line about something.
pub(crate) fn refused(row: &mut Row, ran: &Ran, about: &str) {
    row.refused(ran, about, "told");
}

/// Builds a store of a kind from a file or folder.
pub(crate) fn build(kind: &str, input: &Path, store: &Path, more: &[&str]) -> Ran {
    let arguments = ["build", kind, "--input", text(input), "--out", text(store), "--threads", "2"];
    run_small(&etl(), arguments.iter().chain(more))
}

/// Writes a Parquet file packed by zstd. With metadata it is a shard, which needs Arrow's own besides.
fn write(path: &Path, batch: &RecordBatch, metadata: Vec<KeyValue>) {
    let is_shard = !metadata.is_empty();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(metadata))
        .build();
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(!is_shard);
    let file = File::create(path).expect("a writable folder");
    let writer = ArrowWriter::try_new_with_options(file, batch.schema(), options);
    let mut writer = writer.expect("a valid schema");
    writer.write(batch).expect("a valid batch");
    writer.close().expect("a writable file");
}

/// Writes a shard whose only crystal has ten million equal edges.
fn shard_of_equal_edges(path: &Path) {
    const EDGES: usize = 10_000_000;
    let from = shards(&store()).remove(0);
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&from).expect("a shard"));
    let builder = builder.expect("Parquet");
    let metadata = builder.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let metadata = metadata.into_iter().filter(|entry| entry.key.starts_with("mmpt.")).collect();
    let batch = batches(&from).remove(0).slice(0, 1);
    let fields = batch.schema().fields().clone();
    let columns = fields.iter().zip(batch.columns()).map(|(field, column)| -> ArrayRef {
        match column.as_any().downcast_ref::<ListArray>() {
            Some(lists) if field.name().starts_with("edge_") => {
                let zeros = UInt32Array::from(vec![0; EDGES]);
                let first = arrow::compute::take(lists.values(), &zeros, None).expect("an edge");
                let arrow::datatypes::DataType::List(item) = field.data_type() else { return column.clone() };
                let offsets = OffsetBuffer::from_lengths([EDGES]);
                Arc::new(ListArray::new(Arc::clone(item), offsets, first, None))
            }
            _ => column.clone(),
        }
    });
    let batch = RecordBatch::try_new(batch.schema(), columns.collect()).expect("one row");
    write(path, &batch, metadata);
}

fn equal_edges(row: &mut Row) {
    let (raw, tuned) = (folder(), tuned_on_gaps("1"));
    let (shard, out) = (raw.path().join("bomb.parquet"), raw.path().join("out"));
    shard_of_equal_edges(&shard);
    let size = shard.metadata().expect("a file").len();
    if size > MEBIBYTE {
        row.fault(format!("the shard has {size} bytes"));
    }
    let (weights, table) = (member_of(&tuned, 1), raw.path().join("t.parquet"));
    let (shard, out, weights, table) = (text(&shard), text(&out), text(&weights), text(&table));
    for arguments in [
        vec!["pretrain", "--shards", shard, "--out", out, "--epochs", "1", "--quiet"],
        vec!["pretrain", "--shards", shard, "--dry-run", "--batch-triplets", "1000000000000"],
        vec!["embed", "--shards", shard, "--weights", weights, "--out", table],
        vec!["predict", shard, "--weights", weights, "--out", table],
    ] {
        refused(row, &run_small(&trainer(), arguments), "10000000 values");
    }
}

/// Writes a Parquet table.
pub(crate) fn write_table(path: &Path, columns: Vec<(String, ArrayRef)>) {
    write(path, &RecordBatch::try_from_iter(columns).expect("columns of one length"), Vec::new());
}

/// A column of one text.
fn texts(text: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![text]))
}

fn repeated_text(row: &mut Row) {
    let raw = folder();
    let (path, long) = (raw.path().join("t.parquet"), "#".repeat(60_000_000));
    let ids = StringArray::from_iter_values((0..64).map(|at| format!("m{at}")));
    let keys = Int32Array::from_iter_values((0..64).map(|at| i32::from(at == 63)));
    let cifs = StringArray::from_iter_values([long, caesium_chloride(4.12)]);
    let cifs = DictionaryArray::new(keys, Arc::new(cifs));
    write_table(&path, vec![("id".to_owned(), Arc::new(ids)), ("cif".to_owned(), Arc::new(cifs))]);
    let ran = build("table", &path, &raw.path().join("store"), &[]);
    left_out(row, &ran, "record_too_large", &ran.stdout);
    if !ran.stdout.contains(" 1 kept") {
        row.fault(ran.stdout);
    }
}

fn columns(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("t.parquet");
    let one: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let mut columns = vec![("id".to_owned(), texts("a")), ("cif".to_owned(), texts(&caesium_chloride(4.12)))];
    columns.extend((0..50_000).map(|at| (format!("n{at}"), Arc::clone(&one))));
    write_table(&path, columns);
    refused(row, &build("table", &path, &raw.path().join("store"), &[]), "50002 columns");
}

fn filters(row: &mut Row) {
    let raw = folder();
    fs::write(raw.path().join("a.cif"), caesium_chloride(4.12)).expect("a file");
    let out = folder();
    // The longest argument of Linux has 128 KiB.
    let list: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
    let list = format!("nsites IN ({})", list.join(","));
    let ors = vec!["nsites=2"; 10_000].join(" OR ");
    for (filter, name) in [(&list, "list"), (&ors, "ors")] {
        let ran = build("cif", raw.path(), &out.path().join(name), &["--filter", filter]);
        row.ran(&ran);
        row.outcome("kept");
        if ran.code() != Some(0) {
            row.fault(format!("{name}: {:?} {}", ran.code(), ran.stderr));
        }
    }
    let deep = format!("{}nsites=2{}", "(".repeat(50_000), ")".repeat(50_000));
    let ran = build("cif", raw.path(), &out.path().join("deep"), &["--filter", &deep]);
    refused(row, &ran, "nested too deeply at character 65");
}

fn long_names(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("names.tar.gz");
    let packed = flate2::write::GzEncoder::new(File::create(&path).expect("a file"), Default::default());
    let mut archive = tar::Builder::new(packed);
    let cif = caesium_chloride(4.12);
    let mut add = |name: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_size(cif.len() as u64);
        archive.append_data(&mut header, name, cif.as_bytes()).expect("a member");
    };
    for number in 0..400 {
        add(&format!("{}/{number}.cif", "x".repeat((1 << 20) - 100)));
    }
    add("z.cif");
    archive.into_inner().and_then(|packed| packed.finish()).expect("an archive");
    let ran = build("cif", &path, &raw.path().join("store"), &[]);
    left_out(row, &ran, "bad_identifier", &ran.stdout);
}

/// JARVIS entries of caesium chloride with more keys.
fn entries(more: &[String]) -> String {
    let entry = |(at, more): (usize, &String)| {
        format!(
            r#"{{"jid": "JVASP-{at}", "atoms": {{"lattice_mat": [[4.12, 0, 0], [0, 4.12, 0], [0, 0, 4.12]],
            "coords": [[0, 0, 0], [0.5, 0.5, 0.5]], "elements": ["Cs", "Cl"], "cartesian": false}}{more}}}"#
        )
    };
    format!("[{}]", more.iter().enumerate().map(entry).collect::<Vec<_>>().join(","))
}

fn keys(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("jdft_3d.json");
    let many: String = (0..4096).map(|key| format!(", \"k{key}\": 1")).collect();
    fs::write(&path, entries(&[many, ", \"gap\": 1".to_owned()])).expect("a file");
    let ran = build("jarvis", &path, &raw.path().join("many"), &[]);
    left_out(row, &ran, "too_many_keys", &ran.stdout);
    fs::write(&path, entries(&[", \"a b\": 1, \"a-b\": 2".to_owned()])).expect("a file");
    let ran = build("jarvis", &path, &raw.path().join("one"), &[]);
    row.ran(&ran);
    row.outcome("a key dropped");
    if ran.code() != Some(0) || !ran.stdout.contains("is left out: its column") {
        row.fault(format!("{:?} {}{}", ran.code(), ran.stdout, ran.stderr));
    }
}

fn label_columns(row: &mut Row) {
    let raw = folder();
    fs::write(raw.path().join("m1.cif"), caesium_chloride(4.12)).expect("a file");
    let labels = raw.path().join("labels.csv");
    for name in ["c", "split_"] {
        let header: String = (0..100_000).map(|at| format!(",{name}{at}")).collect();
        fs::write(&labels, format!("id{header}\nm1{}\n", ",1".repeat(100_000))).expect("a file");
        let ran = build("cif", raw.path(), &raw.path().join("store"), &[]);
        refused(row, &ran, "100001 columns");
    }
    let rows: String = (0..50_000).map(|at| format!("m{at},p{at}\n")).collect();
    fs::write(&labels, format!("id,split\n{rows}")).expect("a file");
    let ran = build("cif", raw.path(), &raw.path().join("store"), &[]);
    row.ran(&ran);
    row.outcome("joined");
    if ran.code() != Some(0) {
        row.fault(ran.stderr);
    }
}
