//! `etl worker`: entries in, features or a part of a store out.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BinaryArray, BooleanArray, Float64Array, Int32Array, RecordBatch, StringArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use schemas::layout::StorePaths;
use schemas::manifest::Counts;

use crate::support::*;

/// Identifier, text and band gap. Some CIFs are no UTF-8.
type Entry = (String, Vec<u8>, Option<f64>);

/// Identifier and text of every CIF of the sample in the order of a build, with a property.
fn entries() -> Vec<Entry> {
    let mut names: Vec<_> = fs::read_dir(sample())
        .expect("the sample")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter_map(|name| name.strip_suffix(".cif").map(str::to_owned))
        .collect();
    names.sort();
    let entry = |(number, name): (usize, String)| {
        let text = fs::read(sample().join(format!("{name}.cif"))).expect("a CIF");
        // The values of a row are those of a single structure.
        let blocks = text.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"data_")).count();
        (name, text, (number % 3 > 0 && blocks == 1).then_some(number as f64 / 8.0))
    };
    names.into_iter().enumerate().map(entry).collect()
}

/// A boolean of an entry.
fn is_wide(gap: f64) -> bool {
    gap > 8.0
}

/// Entries as a batch with the columns `id`, `text`, `band_gap` and `wide`.
fn batch(entries: &[Entry]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(entries.iter().map(|entry| &entry.0)));
    let texts: ArrayRef = Arc::new(BinaryArray::from_iter_values(entries.iter().map(|entry| &entry.1)));
    let gaps: ArrayRef = Arc::new(entries.iter().map(|entry| entry.2).collect::<Float64Array>());
    let wide: ArrayRef = Arc::new(entries.iter().map(|entry| entry.2.map(is_wide)).collect::<BooleanArray>());
    RecordBatch::try_from_iter_with_nullable([
        ("id", ids, true),
        ("text", texts, true),
        ("band_gap", gaps, true),
        ("wide", wide, true),
    ])
    .expect("four columns")
}

/// An Arrow IPC stream of some batches.
pub(crate) fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).expect("in memory");
    batches.iter().for_each(|batch| writer.write(batch).expect("in memory"));
    writer.into_inner().expect("in memory")
}

fn start(arguments: &[&str]) -> Child {
    let mut command = Command::new(ETL);
    command.arg("worker").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

/// Runs a worker on a stream.
pub(crate) fn work(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = start(arguments);
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    // A worker that has seen enough closes the pipe.
    let feeder = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    let output = child.wait_with_output().expect("the program ends");
    feeder.join().expect("no panic");
    output
}

/// The rows of a worker's output.
pub(crate) fn read(output: &[u8]) -> RecordBatch {
    let batches = StreamReader::try_new(output, None).expect("a stream");
    let schema = batches.schema();
    let batches: Vec<RecordBatch> = batches.map(|batch| batch.expect("a batch")).collect();
    concat_batches(&schema, &batches).expect("one schema")
}

/// The rows of a build of the same entries, as a table.
fn built(entries: &[Entry], more: &[&str], status: i32) -> Folder {
    let raw = folder();
    let path = raw.path().join("crystals.csv");
    let mut table = csv::Writer::from_path(&path).expect("a file");
    table.write_record(["id", "cif", "band_gap", "wide"]).expect("a row");
    for (id, cif, gap) in entries {
        let wide = gap.map_or_else(String::new, |gap| is_wide(gap).to_string());
        let gap = gap.map_or_else(String::new, |gap| gap.to_string());
        table.write_record([id.as_bytes(), cif, gap.as_bytes(), wide.as_bytes()]).expect("a row");
    }
    table.flush().expect("a file");
    let out = folder();
    build("table", &path, out.path(), &[&["--name", "cif"], more].concat(), status);
    out
}

/// Asserts that the good rows of an output are the rows of a store, every column of it.
fn assert_features(found: &RecordBatch, store: &std::path::Path) {
    let rows = rows(store);
    let expected = concat_batches(&rows[0].schema(), &rows).expect("one schema");
    let good: Vec<bool> = found["reject_kind"].as_string::<i32>().iter().map(|kind| kind.is_none()).collect();
    let found = arrow::compute::filter_record_batch(found, &good.into()).expect("rows");
    assert_eq!(found.num_rows(), expected.num_rows());
    for field in expected.schema().fields() {
        let name = field.name().as_str();
        assert!(found[name].to_data() == expected[name].to_data(), "{name} differs");
    }
}

#[test]
fn features_are_those_of_a_build_in_batches_of_any_size() {
    let entries = entries();
    let store = built(&entries, &[], 0);
    for rows in [1, 37, 1000] {
        let batches: Vec<RecordBatch> = entries.chunks(rows).map(batch).collect();
        let output = work(&[], &stream(&batches));
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert_features(&read(&output.stdout), store.path());
    }
    for more in [
        &["--ties", "cut", "--neighbours", "8", "--cutoff", "6"][..],
        &["--neighbours", "all", "--cutoff", "4"],
    ] {
        let output = work(more, &stream(&[batch(&entries)]));
        assert_features(&read(&output.stdout), built(&entries, more, 0).path());
    }
    let output = work(&["--neighbours", "all", "--ties", "cut"], &stream(&[batch(&entries)]));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ties = cut must be shell"));
}

#[test]
fn rejects_stand_where_their_entries_stood() {
    let cubic = caesium_chloride(4.1);
    let ids = [Some("good"), Some("bad"), None, Some("good"), Some("none"), Some("pair"), Some("big")];
    let second = cubic.replace("data_CsCl", "data_b");
    let texts = [
        Some(cubic.clone()),
        Some("data_x\n".to_owned()),
        Some(cubic.clone()),
        Some(cubic.clone()),
        None,
        Some(format!("{cubic}{second}")),
        Some(cubic_cif("big", 9.0, &[("Cs", [0.0; 3]), ("Cl", [0.5; 3]), ("Cl", [0.2; 3])])),
    ];
    let ids: ArrayRef = Arc::new(StringArray::from(ids.to_vec()));
    let texts: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![7; 7]));
    let input = RecordBatch::try_from_iter_with_nullable([
        ("text", texts, true),
        ("charge", numbers, true),
        ("id", ids, true),
    ]);
    let output = work(&["--max-sites", "2", "--name", "mine"], &stream(&[input.expect("three columns")]));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let found = read(&output.stdout);
    let column = |name: &str| texts_of(&found, name);
    assert_eq!(
        column("material_id"),
        ["good", "bad", "", "good", "none", "pair#CsCl", "pair#b", "big"].map(str::to_owned)
    );
    let kinds = column("reject_kind");
    assert_eq!(kinds[2..5], ["bad_identifier", "", "missing_field"].map(str::to_owned));
    assert_eq!((kinds[0].as_str(), kinds[7].as_str()), ("", "too_many_sites"));
    // The reader of CIFs knows the limit, so that it reads no more sites.
    assert_eq!(column("reject_message")[7], "line 1: the cell holds 3 sites or more, 2 is the most");
    for (row, kind) in kinds.iter().enumerate() {
        for name in ["source", "volume", "lattice_vectors", "edge_distance", "charge"] {
            assert_eq!(found[name].is_null(row), !kind.is_empty(), "{name} of row {row}");
        }
    }
    assert_eq!(column("source")[0], "mine");
}

/// A text column, nothing for a null.
fn texts_of(batch: &RecordBatch, column: &str) -> Vec<String> {
    texts(std::slice::from_ref(batch), column).into_iter().map(Option::unwrap_or_default).collect()
}

#[test]
fn every_batch_is_answered_before_the_next_is_needed() {
    let mut child = start(&[]);
    let mut stdin = child.stdin.take().expect("a pipe");
    let stdout = child.stdout.take().expect("a pipe");
    let entries = entries();
    let mut writer = StreamWriter::try_new(&mut stdin, &batch(&[]).schema()).expect("a header");
    // Without this the header may wait in a buffer, and so may the reader below for ever.
    writer.flush().expect("a pipe");
    let mut answers = StreamReader::try_new(stdout, None).expect("a header comes at once");
    for part in entries.chunks(50) {
        writer.write(&batch(part)).expect("a pipe");
        writer.flush().expect("a pipe");
        let answer = answers.next().expect("an answer").expect("a batch");
        let expected = part.iter().map(|entry| entry.0.as_str());
        let found = texts_of(&answer, "material_id");
        let mut stems: Vec<&str> = found.iter().map(|id| id.split('#').next().unwrap_or(id)).collect();
        stems.dedup();
        assert_eq!(stems, expected.collect::<Vec<_>>());
    }
    writer.finish().expect("a pipe");
    assert!(answers.next().is_none());
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn other_formats_are_read() {
    let poscar = "CsCl\n1\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n";
    let jarvis = r#"{"jid": "JVASP-1", "atoms": {"lattice_mat": [[4,0,0],[0,4,0],[0,0,4]],
        "coords": [[0,0,0],[0.5,0.5,0.5]], "elements": ["Cs","Cl"], "cartesian": false}}"#;
    for (format, text) in [("poscar", poscar), ("jarvis", jarvis), ("cif", &caesium_chloride(4.0))] {
        let entry = ("mine".to_owned(), text.as_bytes().to_vec(), None);
        let output = work(&["--format", format], &stream(&[batch(&[entry])]));
        let found = read(&output.stdout);
        assert_eq!(texts_of(&found, "material_id"), ["mine"], "the column names the crystal: {format}");
        assert_eq!(texts_of(&found, "source"), [format]);
        assert_eq!(doubles(&[found], "volume"), [Some(64.0)], "{format}");
    }
    let refused = work(&["--format", "xyz"], &[]);
    assert!(said(&refused).contains("there are cif, poscar, jarvis, oqmd, pymatgen"), "{}", said(&refused));
}

#[test]
fn faults_of_the_stream_are_one_line() {
    let good = stream(&[batch(&entries()[..40]), batch(&entries()[40..80])]);
    let first = stream(&[batch(&entries()[..40])]);
    // Without its mark, which takes eight bytes, a stream of one batch is the beginning of a longer one.
    let cut_off = &first[..first.len() - 8];
    assert!(good.starts_with(cut_off));
    let ids: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let wrong = stream(&[RecordBatch::try_from_iter([("id", ids)]).expect("a column")]);
    for (input, message) in [
        (&b"CIF, not Arrow"[..], "no readable Arrow IPC stream, after 0 rows"),
        (b"", "no readable Arrow IPC stream, after 0 rows"),
        (&good[..good.len() / 2], "no readable Arrow IPC stream, after "),
        (cut_off, "ends after 40 rows without the mark"),
        (&wrong, "column 'id' of the input is Int32, not Utf8 or LargeUtf8"),
    ] {
        let out = folder();
        for more in [&[][..], &["--out", text(out.path()), "--part", "1/1"]] {
            let output = work(more, input);
            assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
            assert!(complaint(&output).contains(message), "{message}: {}", complaint(&output));
            assert!(!StorePaths::new(out.path()).is_finished(), "no finished store");
        }
    }
}

#[test]
fn a_part_is_what_a_build_writes() {
    let mut entries = entries();
    entries.push(entries[0].clone());
    entries.push(("bad".to_owned(), b"data_x\n".to_vec(), None));
    let polymorphs = fs::read(sample().join("ZnS-polymorphs.cif")).expect("a CIF");
    entries.push(("ZnS".to_owned(), polymorphs, Some(3.7)));
    let sizes = ["--shard-rows", "1000", "--row-group-rows", "20"];
    let store = built(&entries, &sizes, 1);
    let out = folder();
    let part = out.path().join("part");
    let arguments = [&["--out", text(&part), "--part", "1/1"], &sizes[..]].concat();
    let batches: Vec<RecordBatch> = entries.chunks(100).map(batch).collect();
    let output = work(&arguments, &stream(&batches));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));

    let (written, wanted) = (manifest(&part), manifest(store.path()));
    assert_eq!((written.shards, &written.counts), (wanted.shards, &wanted.counts), "shards by their hashes");
    assert_eq!(rejects(&part).len(), 4);
    assert_eq!(rejects(&part)[&entries[0].0].0, "duplicate_id");
    assert_eq!(rejects(&part)["ZnS#ZnS-wurtzite"].0, "several_structures");
    let receipt = read(&output.stdout);
    assert_eq!(texts_of(&receipt, "store"), [text(&part)]);
    let count = |name: &str| receipt[name].as_primitive::<Int64Type>().value(0) as u64;
    let counts = ["read", "kept", "filtered", "rejected"].map(count);
    let Counts { read, kept, filtered, rejected, .. } = written.counts;
    assert_eq!(counts, [read, kept, filtered, rejected]);

    let again = work(&arguments, &stream(&batches));
    assert!(complaint(&again).contains("a finished store is here"), "{}", complaint(&again));
    let forced = work(&[&arguments[..], &["--force"]].concat(), &stream(&batches));
    assert_eq!(forced.status.code(), Some(0));
    let merged = out.path().join("merged");
    assert!(etl(["merge", text(&part), "--out", text(&merged)]).status.success());
    let valid = etl(["validate", "--all", text(&merged)]);
    assert!(valid.status.success(), "{}", said(&valid));
}

/// Bytes of a small stream changed one by one: a line or an answer, never a panic.
#[test]
fn damaged_streams_are_one_line() {
    let entry = ("CsCl".to_owned(), caesium_chloride(4.1).into_bytes(), Some(1.5));
    let good = stream(&[batch(&[entry])]);
    let mut refused = 0;
    // Steps of 7 meet every byte of the eight-byte fields.
    for at in (0..good.len()).step_by(7) {
        for value in [0xff, 0x7f] {
            let mut damaged = good.clone();
            damaged[at] = value;
            let output = work(&[], &damaged);
            match output.status.code() {
                Some(0) => assert!(output.stderr.is_empty(), "byte {at}"),
                Some(2) => refused += usize::from(complaint(&output).starts_with("etl: ")),
                other => panic!("byte {at}: status {other:?}: {}", String::from_utf8_lossy(&output.stderr)),
            }
        }
    }
    assert!(refused > 50, "{refused}");
}

/// A worker that is killed half-way leaves no finished part, and the next one is not disturbed by it.
#[test]
fn a_killed_worker_leaves_no_part() {
    let entries = entries();
    let out = folder();
    let arguments =
        ["--out", text(out.path()), "--part", "1/1", "--shard-rows", "20", "--row-group-rows", "5"];
    let mut child = start(&arguments);
    let half = stream(&[batch(&entries[..150]), batch(&entries[150..])]);
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(&half[..half.len() - 8]).expect("a pipe");
    // The first shards are there; the stream has not ended.
    while !out.path().join("cif-00003.parquet").exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().expect("a child");
    child.wait().expect("a child");
    let mut rest = Vec::new();
    child.stdout.take().expect("a pipe").read_to_end(&mut rest).expect("a pipe");
    assert!(rest.is_empty(), "no receipt");
    assert!(!StorePaths::new(out.path()).is_finished());
    let output = work(&arguments, &half);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_features_of_part(out.path(), &entries);
}

/// Asserts that a part holds the rows of a build.
fn assert_features_of_part(part: &std::path::Path, entries: &[Entry]) {
    assert_eq!(sorted_rows(part), sorted_rows(built(entries, &[], 0).path()));
}

/// Atoms in each other are rejected and atoms without a neighbour kept, as by a build.
#[test]
fn contacts_are_checked_as_in_a_build() {
    let entry = |id: &str, edge: f64, sites: &[(&str, [f64; 3])]| {
        (id.to_owned(), cubic_cif(id, edge, sites).into_bytes(), None)
    };
    let entries = [
        entry("close", 10.0, &[("O", [0.1; 3]), ("O", [0.117, 0.1, 0.1])]),
        entry("alone", 30.0, &[("Xe", [0.1; 3])]),
        entry("nm", 0.412, &[("Cs", [0.0; 3]), ("Cl", [0.5; 3])]),
    ];
    let kinds = |more: &[&str]| {
        let output = work(more, &stream(&[batch(&entries)]));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        texts_of(&read(&output.stdout), "reject_kind")
    };
    assert_eq!(kinds(&[]), ["impossible_contact", "", "degenerate_lattice"]);
    assert_eq!(kinds(&["--min-contact", "0", "--reject-isolated"]), ["", "isolated_atom", ""]);
    let out = folder();
    let part = ["--out", text(out.path()), "--part", "1/1", "--min-contact", "0.2"];
    let output = work(&part, &stream(&[batch(&entries)]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let manifest = manifest(out.path());
    assert_eq!((&*manifest.options["min_contact"], &*manifest.options["reject_isolated"]), ("0.2", "false"));
    assert_eq!(manifest.counts.noted["isolated_atom"].count, 1);
}
