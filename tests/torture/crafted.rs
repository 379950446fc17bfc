//! Files that no program writes in good faith.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write, repeat};
use std::path::Path;

use serde_json::{Value, json};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::files::caesium_chloride;

/// Operations of the space group P m -3 m.
pub(crate) const CUBIC_OPERATIONS: usize = 48;
/// Sizes of a model that its metadata name.
pub(crate) const SIZES: [&str; 9] = [
    "hidden",
    "structure_width",
    "interaction_blocks",
    "interaction_width",
    "layers_after_skip",
    "output_width",
    "output_layers",
    "lattice_width",
    "lattice_feed_forward",
];
/// Bytes before the header of a safetensors file.
const LENGTH_BYTES: usize = 8;
/// Signatures of a zip archive's directory and of its end, and the lengths of the latter.
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

/// A file whose middle is one byte again and again.
pub(crate) struct Giant<'a> {
    /// Before it.
    pub(crate) head: &'a str,
    /// The byte.
    pub(crate) filling: u8,
    /// How many of them.
    pub(crate) bytes: u64,
    /// Behind it.
    pub(crate) tail: &'a str,
}

impl Giant<'_> {
    /// Writes it, never holding it.
    pub(crate) fn write(&self, path: &Path) {
        let mut file = BufWriter::new(File::create(path).expect("a writable folder"));
        file.write_all(self.head.as_bytes()).expect("room on the disk");
        std::io::copy(&mut repeat(self.filling).take(self.bytes), &mut file).expect("room on the disk");
        file.write_all(self.tail.as_bytes()).expect("room on the disk");
    }
}

/// A CIF of many iron atoms, each one a line or the images of one.
pub(crate) fn many_sites(sites: usize, by_symmetry: bool) -> String {
    let mut cif = caesium_chloride(400.0);
    if by_symmetry {
        cif = cif.replacen("loop_", "_symmetry_space_group_name_H-M 'P m -3 m'\nloop_", 1);
    }
    let step = |site: usize, prime: usize| (site % prime) as f64 / prime as f64;
    cif.extend((0..sites).map(|site| {
        let (x, y, z) = (step(site, 10_007), step(site, 9_973), step(site, 99_991));
        format!("Fe {x:.6} {y:.6} {z:.6}\n")
    }));
    cif
}

/// Writes a zip archive of members with so many bytes of zeros; without a number it is a good CIF.
pub(crate) fn zip(path: &Path, members: &[(&str, Option<u64>)]) {
    let mut writer = ZipWriter::new(File::create(path).expect("a writable folder"));
    for (name, zeros) in members {
        writer.start_file(*name, SimpleFileOptions::default().large_file(true)).expect("a member");
        match zeros {
            Some(zeros) => {
                std::io::copy(&mut repeat(0).take(*zeros), &mut writer).map(drop).expect("a member");
            }
            None => writer.write_all(caesium_chloride(4.12).as_bytes()).expect("a member"),
        }
    }
    writer.finish().expect("an archive");
}

/// Writes a zip archive of members with these bodies.
pub(crate) fn zip_of(path: &Path, members: &[(&str, &[u8])]) {
    let mut writer = ZipWriter::new(File::create(path).expect("a writable folder"));
    for (name, body) in members {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a member");
        writer.write_all(body).expect("a member");
    }
    writer.finish().expect("an archive");
}

/// Lists the only member of an archive again and again: all share one body.
pub(crate) fn share_body(path: &Path, members: u16) {
    let whole = fs::read(path).expect("an archive");
    let find = |what: &[u8]| {
        let found = whole.windows(what.len()).rposition(|window| window == what);
        found.expect("a directory and its end")
    };
    let (central, end) = (find(CENTRAL), find(END));
    let directory = &whole[central..end];
    let mut record = whole[end..].to_vec();
    // Entries on this disk, entries in all, bytes of the directory (APPNOTE 4.3.16).
    record[8..10].copy_from_slice(&members.to_le_bytes());
    record[10..12].copy_from_slice(&members.to_le_bytes());
    let bytes = u32::try_from(directory.len()).expect("a short directory") * u32::from(members);
    record[12..16].copy_from_slice(&bytes.to_le_bytes());
    let archive = [&whole[..central], &directory.repeat(usize::from(members)), &record].concat();
    fs::write(path, archive).expect("a writable folder");
}

/// A JARVIS entry of caesium chloride.
fn jarvis(id: usize, lattice: &str, coordinates: &str) -> String {
    format!(
        r#"{{"jid": "JVASP-{id}", "optb88vdw_bandgap": 1.0, "atoms": {{"lattice_mat": {lattice},
            "coords": {coordinates}, "elements": ["Cs", "Cl"], "cartesian": false}}}}"#
    )
}

/// JARVIS entries whose numbers are none, and one that is good.
pub(crate) fn jarvis_cells() -> String {
    let good = ("[[4, 0, 0], [0, 4, 0], [0, 0, 4]]", "[[0, 0, 0], [0.5, 0.5, 0.5]]");
    let mut entries = vec![jarvis(0, good.0, good.1)];
    for number in ["NaN", "Infinity", "1e308", "1e999", "0", "\"4\"", "null", "[]", "-1e-320"] {
        let lattice = format!("[[4, 0, 0], [0, {number}, 0], [0, 0, 4]]");
        entries.push(jarvis(entries.len(), &lattice, good.1));
    }
    for number in ["NaN", "1e308", "1e999", "null"] {
        let coordinates = format!("[[0, 0, 0], [0.5, {number}, 0.5]]");
        entries.push(jarvis(entries.len(), good.0, &coordinates));
    }
    entries.push(jarvis(entries.len(), "[[4, 0, 0], [8, 0, 0], [0, 0, 4]]", good.1));
    format!("[{}]", entries.join(",\n"))
}

/// A document of a source's kind with some values where structures should be, and a good one behind them.
pub(crate) fn entries(kind: &str, values: &[String]) -> String {
    let (lattice, coordinates) = ("[[4, 0, 0], [0, 4, 0], [0, 0, 4]]", "[[0, 0, 0], [0.5, 0.5, 0.5]]");
    if kind == "matbench" {
        let good = json!({
            "@module": "pymatgen.core.structure", "@class": "Structure",
            "lattice": {"matrix": [[4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]]},
            "sites": [
                {"species": [{"element": "Cs", "occu": 1}], "abc": [0.0, 0.0, 0.0]},
                {"species": [{"element": "Cl", "occu": 1}], "abc": [0.5, 0.5, 0.5]},
            ],
        });
        let index: Vec<String> = (0..=values.len()).map(|row| row.to_string()).collect();
        let rows: Vec<String> =
            values.iter().chain([&good.to_string()]).map(|value| format!("[{value}, 1.0]")).collect();
        return format!(
            r#"{{"index": [{}], "columns": ["structure", "exfoliation_en"], "data": [{}]}}"#,
            index.join(", "),
            rows.join(", ")
        );
    }
    let id = if kind == "oqmd" { "_oqmd_entry_id" } else { "jid" };
    // Without an energy OQMD's own filter has nothing to ask for.
    let energy = r#""_oqmd_delta_e": 0.0"#;
    let entry = |number: usize, atoms: &str| format!(r#"{{"{id}": "{number}", {energy}, "atoms": {atoms}}}"#);
    let good = format!(
        r#"{{"lattice_mat": {lattice}, "coords": {coordinates}, "elements": ["Cs", "Cl"], "cartesian": false}}"#
    );
    let mut all: Vec<String> = values.iter().enumerate().map(|(row, value)| entry(row + 1, value)).collect();
    all.push(entry(0, &good));
    format!("[{}]", all.join(",\n"))
}

/// Writes a safetensors file whose header claims a length.
pub(crate) fn safetensors(path: &Path, length: u64, header: &str) {
    fs::write(path, [&length.to_le_bytes()[..], header.as_bytes(), &[0; 64]].concat())
        .expect("a writable folder");
}

/// Headers that cannot be, with the lengths that are claimed of them.
pub(crate) fn impossible_headers() -> Vec<(u64, String)> {
    let tensor = |shape: &str, begin: u64, end: u64| {
        format!(r#"{{"x":{{"dtype":"F32","shape":{shape},"data_offsets":[{begin},{end}]}}}}"#)
    };
    let mut headers: Vec<(u64, String)> = [
        tensor("[1099511627776,1099511627776]", 0, 64),
        tensor("[18446744073709551615,2]", 0, 64),
        tensor("[16]", 0, 1 << 60),
        tensor("[16]", 1 << 60, (1 << 60) + 64),
        tensor("[16]", 64, 0),
        "[".repeat(100_000),
        r#"{"a":"#.repeat(100_000),
        " ".repeat(1 << 20),
    ]
    .map(|header| (header.len() as u64, header))
    .into();
    for length in [u64::MAX, 1 << 60, 1 << 40, 99_999_999] {
        headers.push((length, tensor("[16]", 0, 64)));
    }
    headers
}

/// Weights whose metadata are changed, without the checksum that would tell.
fn changed(whole: &[u8], change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Vec<u8> {
    let (length, rest) = whole.split_first_chunk::<LENGTH_BYTES>().expect("safetensors");
    let length = usize::try_from(u64::from_le_bytes(*length)).expect("a short header");
    let (header, numbers) = rest.split_at(length);
    let mut header: Value = serde_json::from_slice(header).expect("a header");
    let metadata = header["__metadata__"].as_object_mut().expect("metadata");
    metadata.remove("content_sha256");
    change(metadata);
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), numbers].concat()
}

/// Weights with another value in their metadata.
pub(crate) fn with_metadata(whole: &[u8], key: &str, value: &str) -> Vec<u8> {
    changed(whole, |metadata| metadata[key] = json!(value))
}

/// Weights whose metadata name another size of the model.
pub(crate) fn with_size(whole: &[u8], key: &str, size: u64) -> Vec<u8> {
    changed(whole, |metadata| {
        let config = metadata["mmpt.config"].as_str().expect("a configuration");
        let mut config: Value = serde_json::from_str(config).expect("JSON");
        config[key] = json!(size);
        metadata["mmpt.config"] = json!(config.to_string());
    })
}

/// A manifest with another number behind every key of that name, without the checksum that would tell.
pub(crate) fn with_number(manifest: &str, key: &str, number: u64) -> String {
    let mut manifest: Value = serde_json::from_str(manifest).expect("JSON");
    manifest.as_object_mut().expect("an object").remove("checksum");
    change(&mut manifest, key, number);
    manifest.to_string()
}

fn change(value: &mut Value, key: &str, number: u64) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name == key { *value = json!(number) } else { change(value, key, number) }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| change(value, key, number)),
        _ => {}
    }
}
