//! A store from a format of one's own: `own_source CRYSTALS STORE` reads lines of a name, an atomic number and the
//! edge of a simple cubic cell in Å.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crystal::structure::Structure;
use etl::pipeline::{BuildProgress, BuildRequest, BuildSummary, Position, build_from};
use etl::reject::{Origin, Reject};
use etl::source::{
    OpenSource, ParsedCrystal, PropertyValues, RawBlock, RawRecord, RecordParser, RecordReader, Sink,
    SourceError, SourceKind,
};

/// Cuts a file into lines.
struct Lines {
    path: Arc<str>,
    file: BufReader<File>,
    line: u32,
    bytes: u64,
}

impl RecordReader for Lines {
    fn read_block(&mut self, block: &mut RawBlock) -> Result<bool, SourceError> {
        while !block.is_full() {
            let mut text = String::new();
            let read = self.file.read_line(&mut text);
            match read.map_err(|source| SourceError::Read { file: self.path.to_string(), source })? {
                0 => return Ok(false),
                bytes => self.bytes += bytes as u64,
            }
            self.line += 1;
            let record = u64::from(self.line);
            let origin = Origin { file: Arc::clone(&self.path), record, line: Some(self.line) };
            let (name, body) = text.trim().split_once(' ').unwrap_or_default();
            block.push(origin, name.as_bytes(), body.as_bytes());
        }
        Ok(true)
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }
}

/// Makes a line a crystal.
struct SimpleCubic;

impl RecordParser for SimpleCubic {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let text = |range| std::str::from_utf8(&bytes[range]).unwrap_or_default();
        let name = text(record.name.clone());
        let body = text(record.body.clone());
        let numbers = body.split_once(' ').and_then(|(z, edge)| Some((z.parse().ok()?, edge.parse().ok()?)));
        let Some((z @ 1..=118, a)) = numbers else {
            let message = format!("'{body}' is no atomic number and edge");
            return sink.reject(Reject::new(None, record.origin.clone(), "no_crystal", message));
        };
        let lattice = [[a, 0.0, 0.0], [0.0, a, 0.0], [0.0, 0.0, a]];
        let structure = Structure { lattice, fractional: vec![[0.0; 3]], atomic_numbers: vec![z] };
        sink.crystal(
            &record.origin,
            ParsedCrystal {
                material_id: name,
                structure: &structure,
                properties: PropertyValues::default(),
                immutable_id: None,
            },
        );
    }
}

/// Says nothing.
struct Silent;

impl BuildProgress for Silent {
    fn position(&self, _: Position) {}
    fn entries(&self, _: u64, _: u64) {}
}

/// Builds a store of the crystals of a file.
pub(crate) fn build(crystals: PathBuf, store: PathBuf) -> Result<BuildSummary, Box<dyn Error>> {
    let path = crystals.to_string_lossy().into();
    let reader = Lines { path, file: BufReader::new(File::open(&crystals)?), line: 0, bytes: 0 };
    let parser = || Box::new(SimpleCubic) as Box<dyn RecordParser>;
    let source = OpenSource::new("cubic".to_owned(), vec![crystals], Box::new(reader), Arc::new(parser))?;
    let request = BuildRequest::new(SourceKind::Table, Vec::new(), store);
    Ok(build_from(source, &request, &Silent, &AtomicBool::new(false))?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(crystals), Some(store)) = (arguments.next(), arguments.next()) else {
        return Err("two arguments are needed: CRYSTALS STORE".into());
    };
    println!("{} crystals", build(crystals, store)?.manifest.counts.kept);
    Ok(())
}
