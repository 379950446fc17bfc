//! Inputs of some kilobytes that unpack to gigabytes: every row within 10 s and 300 MiB.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, DictionaryArray, Int32Array, StringArray};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::Case;
use crate::bounds::{build, left_out, refused, write_table};
use crate::files::{caesium_chloride, folder, text};
use crate::table::{MEBIBYTE, Row};

/// The rows of this file.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("labels.csv.gz: a header of 3e7 columns", label_header).before("8.8 GiB"),
        Case::new("labels.csv.gz: a field of 60 MB", label_field).before("652 MiB"),
        Case::new("labels.csv.gz: 4,000 columns, 20,000 rows", label_fields).before("829 MiB"),
        Case::new("MatBench task of 2e7 columns", task_columns).before("1.2 GiB"),
        Case::new("Parquet table: a CIF of 900,000 sites in 64 rows", large_cifs).before("4.5 GiB"),
        Case::new("JARVIS: ten entries of 2,200,000 positions", positions).before("1.8 GiB"),
        Case::new("JARVIS: 4,000 keys, 60,000 entries", sparse_keys).before("1.08 GiB, 17 s"),
        Case::new("CSV table: 4,000 columns, 6,000 rows", wide_table).before("1.6 GiB"),
        Case::new("JARVIS: 3e7 empty entries", empty_entries).before("40 s"),
        Case::new("CSV table: 1e7 rows of one field", short_rows).before("29 s"),
    ]
}

/// Writes a text of repeated parts, packed by gzip to less than a mebibyte.
fn pack(row: &mut Row, path: &Path, parts: &[(&str, usize)]) {
    /// Bytes of a part that are written at once.
    const CHUNK_BYTES: usize = 1 << 16;
    let mut packed = GzEncoder::new(File::create(path).expect("a file"), Compression::new(6));
    for (part, times) in parts {
        let at_once = (CHUNK_BYTES / part.len().max(1)).clamp(1, (*times).max(1));
        let chunk = part.repeat(at_once);
        for _ in 0..times / at_once {
            packed.write_all(chunk.as_bytes()).expect("a writable folder");
        }
        packed.write_all(part.repeat(times % at_once).as_bytes()).expect("a writable folder");
    }
    let size = packed.finish().and_then(|file| file.metadata()).expect("a file").len();
    if size > MEBIBYTE {
        row.fault(format!("{} has {size} bytes", path.display()));
    }
}

/// Joins a table of labels to one crystal, which must be refused.
fn labels_refused(row: &mut Row, parts: &[(&str, usize)], about: &str) {
    let raw = folder();
    let (cif, labels) = (raw.path().join("m1.cif"), raw.path().join("l.csv.gz"));
    std::fs::write(&cif, caesium_chloride(4.12)).expect("a file");
    pack(row, &labels, parts);
    let ran = build("cif", &cif, &raw.path().join("store"), &["--labels", text(&labels)]);
    refused(row, &ran, about);
}

fn label_header(row: &mut Row) {
    labels_refused(row, &[("material_id,", 1), ("x,", 30_000_000)], "a row of more than");
}

fn label_field(row: &mut Row) {
    labels_refused(row, &[("material_id,x\nm1,", 1), ("x", 60_000_000)], "a row of more than");
}

fn label_fields(row: &mut Row) {
    let header: String = (0..4_000).map(|at| format!(",c{at}")).collect();
    let zeros = format!("{}\n", ",1".repeat(4_000));
    let ids: Vec<String> = (0..20_000).map(|at| format!("m{at}")).collect();
    let mut parts = vec![("material_id", 1), (header.as_str(), 1), ("\n", 1)];
    parts.extend(ids.iter().flat_map(|id| [(id.as_str(), 1), (zeros.as_str(), 1)]));
    labels_refused(row, &parts, "fields for so few bytes");
}

fn task_columns(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("matbench_x.json.gz");
    pack(
        row,
        &path,
        &[(r#"{"index":[0],"columns":["#, 1), (r#""a","#, 20_000_000), (r#""a"],"data":[]}"#, 1)],
    );
    refused(row, &build("matbench", &path, &raw.path().join("store"), &[]), "8192 columns");
}

fn large_cifs(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("t.parquet");
    let sites = "H 0 0 0.5\n".repeat(900_000);
    let head = caesium_chloride(4.12);
    let ids = StringArray::from_iter_values((0..65).map(|at| format!("m{at}")));
    let keys = Int32Array::from_iter_values((0..65).map(|at| i32::from(at == 64)));
    let cifs = StringArray::from_iter_values([format!("{head}{sites}"), head]);
    let cifs: ArrayRef = Arc::new(DictionaryArray::new(keys, Arc::new(cifs) as Arc<dyn Array>));
    write_table(&path, vec![("id".to_owned(), Arc::new(ids) as ArrayRef), ("cif".to_owned(), cifs)]);
    left_out_one_kept(row, &build("table", &path, &raw.path().join("store"), &[]), "too_many_sites");
}

/// Notes a run that must keep one crystal and leave out the others.
fn left_out_one_kept(row: &mut Row, ran: &crate::program::Ran, reason: &str) {
    left_out(row, ran, reason, &ran.stdout);
    if !ran.stdout.contains(" 1 kept") {
        row.fault(ran.stdout.clone());
    }
}

fn positions(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("jdft_3d.json.gz");
    let entry = |at: usize| {
        format!(
            r#"{{"jid":"JVASP-{at}","atoms":{{"lattice_mat":[[4,0,0],[0,4,0],[0,0,4]],"cartesian":false,"#
        )
    };
    let good = format!(r#"{}"elements":["H"],"coords":[[0,0,0]]}}}}]"#, entry(0));
    let heads: Vec<String> =
        (1..=10).map(|at| format!(r#"{}"elements":["H"],"coords":["#, entry(at))).collect();
    let mut parts = vec![("[", 1)];
    for head in &heads {
        parts.extend([(head.as_str(), 1), ("[0,0,0],", 2_200_000), ("[0,0,0]]}},", 1)]);
    }
    parts.push((good.as_str(), 1));
    pack(row, &path, &parts);
    left_out_one_kept(
        row,
        &build("jarvis", &path, &raw.path().join("store"), &["--min-contact=0"]),
        "too_many_sites",
    );
}

fn sparse_keys(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("jdft_3d.json.gz");
    let keys = |block: usize| {
        let keys: String = (0..1_000).map(|at| format!(",\"k{}\":1", 1_000 * block + at)).collect();
        format!("{{\"jid\":\"JVASP-{block}\"{keys}}},")
    };
    let many: String = (0..4).map(keys).collect();
    pack(row, &path, &[("[", 1), (many.as_str(), 1), ("{\"k0\":1},", 60_000), ("{}]", 1)]);
    refused(row, &build("jarvis", &path, &raw.path().join("store"), &[]), "with but 64000 values");
}

fn wide_table(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("t.csv.gz");
    let header: String = (0..4_000).map(|at| format!(",c{at}")).collect();
    let cif = format!(",\"{}\"{}\n", caesium_chloride(4.12), ",1".repeat(4_000));
    let ids: Vec<String> = (0..6_000).map(|at| format!("m{at}")).collect();
    let mut parts = vec![("material_id,cif", 1), (header.as_str(), 1), ("\n", 1)];
    parts.extend(ids.iter().flat_map(|id| [(id.as_str(), 1), (cif.as_str(), 1)]));
    pack(row, &path, &parts);
    let ran = build("table", &path, &raw.path().join("store"), &[]);
    row.ran(&ran);
    row.outcome("kept");
    if ran.code() != Some(0) {
        row.fault(format!("{:?} {}{}", ran.code(), ran.stdout, ran.stderr));
    }
}

fn empty_entries(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("jdft_3d.json.gz");
    pack(row, &path, &[("[", 1), ("{},", 30_000_000), ("{}]", 1)]);
    refused(row, &build("jarvis", &path, &raw.path().join("store"), &[]), "no set of crystals");
}

fn short_rows(row: &mut Row) {
    let raw = folder();
    let path = raw.path().join("t.csv.gz");
    pack(row, &path, &[("id,cif\n", 1), ("x\n", 10_000_000)]);
    refused(row, &build("table", &path, &raw.path().join("store"), &[]), "no set of crystals");
}
