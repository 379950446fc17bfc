//! Tests of complete sources: files are read, and crystals and rejects are compared.

mod damage;
mod detect;
mod files;
mod foreign;
mod json;
mod mirror;
mod parquet;
mod records;
mod tables;

use std::io::Write;
use std::path::{Path, PathBuf};

use crystal::structure::Structure;

use super::{OpenSource, ParsedCrystal, RawBlock, Sink, SourceError, SourceKind, SourceOptions, open};
use crate::reject::{Note, Origin, Reject};

/// A crystal as stored by a test.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) structure: Structure,
    pub(super) properties: Vec<Option<f64>>,
    pub(super) lists: Vec<Vec<f64>>,
    pub(super) immutable_id: Option<String>,
    pub(super) origin: Origin,
}

/// All results of a source.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Harvest {
    pub(super) crystals: Vec<Found>,
    pub(super) rejects: Vec<Reject>,
    pub(super) notes: Vec<Note>,
}

impl Sink for Harvest {
    fn crystal(&mut self, origin: &Origin, crystal: ParsedCrystal<'_>) {
        self.crystals.push(Found {
            id: crystal.material_id.to_owned(),
            structure: crystal.structure.clone(),
            properties: crystal.properties.values.to_vec(),
            lists: crystal.properties.lists.to_vec(),
            immutable_id: crystal.immutable_id.map(str::to_owned),
            origin: origin.clone(),
        });
    }

    fn reject(&mut self, reject: Reject) {
        self.rejects.push(reject);
    }

    fn note(&mut self, note: Note) {
        self.notes.push(note);
    }
}

impl Harvest {
    pub(super) fn ids(&self) -> Vec<&str> {
        self.crystals.iter().map(|found| found.id.as_str()).collect()
    }

    /// Returns the reason and identifier of every reject.
    pub(super) fn reasons(&self) -> Vec<(&str, Option<&str>)> {
        self.rejects.iter().map(|reject| (reject.reason, reject.material_id.as_deref())).collect()
    }
}

/// Reads a source to its end, like one thread of a pipeline.
pub(super) fn drain(mut source: OpenSource) -> Result<Harvest, SourceError> {
    let mut harvest = Harvest::default();
    let mut parser = (source.parser)();
    let mut block = RawBlock::default();
    loop {
        block.clear();
        let more = source.reader.read_block(&mut block)?;
        for record in &block.records {
            parser.parse(&block.bytes, record, &mut harvest);
        }
        harvest.rejects.extend(block.rejects.drain(..).map(|(_, reject)| reject));
        if !more {
            return Ok(harvest);
        }
    }
}

pub(super) fn open_default(kind: SourceKind, inputs: &[&Path]) -> Result<OpenSource, SourceError> {
    let inputs: Vec<PathBuf> = inputs.iter().map(|path| path.to_path_buf()).collect();
    open(kind, &inputs, &SourceOptions::default())
}

pub(super) fn read(kind: SourceKind, inputs: &[&Path]) -> Result<Harvest, SourceError> {
    open_default(kind, inputs).and_then(drain)
}

/// Writes a file into a temporary folder.
pub(super) fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(&path, bytes).expect("a file");
    (folder, path)
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

pub(super) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, body) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("in memory");
        writer.write_all(body).expect("in memory");
    }
    writer.finish().expect("in memory").into_inner()
}

pub(super) fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, body) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(body.len() as u64);
        // Written by hand: the builder refuses the names that a hostile archive has.
        let field = header.as_mut_bytes();
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, *body).expect("in memory");
    }
    builder.into_inner().expect("in memory")
}

/// Returns the path of shared test data, or `None` with a note if it is not available.
pub(super) fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")).join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared is not here");
    None
}

/// A reader that returns at most `most` bytes at a time, like a network or a decompressor.
pub(super) struct Slow {
    pub(super) bytes: Vec<u8>,
    pub(super) at: usize,
    pub(super) most: usize,
}

impl std::io::Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let count = rest.len().min(self.most).min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
