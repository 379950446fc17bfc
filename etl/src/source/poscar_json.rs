//! The files of AtomGen: a JSON object `{split: {identifier: POSCAR}}`. Line ends in the POSCARs are written as the
//! two characters `\n`.
//!
//! The splits become a label table, so that a store has them like any other split.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crystal::poscar::PoscarReader;
use crystal::structure::Structure;

use super::document::open_document;
use super::identifier::check_identifier;
use super::input::Progress;
use super::json::Cursor;
use super::json_stream::{Cut, JsonStream};
use super::json_string::{JsonString, unescape};
use super::poscar_comment::note_symbols;
use super::state::file_states;
use super::survey::MAX_LABEL_BYTES;
use super::{
    EmbeddedLabels, MAX_RECORD_BYTES, OpenSource, ParsedCrystal, RawBlock, RawRecord, RecordError,
    RecordParser, RecordReader, Sink, SourceError,
};
use crate::reject::Origin;

/// Largest length of an identifier or name of a split, in bytes.
const MAX_KEY_BYTES: usize = 1 << 12;
/// Header of the label table made from the splits.
const LABEL_HEADER: &[u8] = b"material_id,split\n";

/// Opens files of AtomGen.
///
/// # Errors
/// Returns a [`SourceError`] if one cannot be read or has another layout.
pub(super) fn open(inputs: &[PathBuf], name: &str) -> Result<OpenSource, SourceError> {
    let progress = Progress::default();
    let states = file_states(inputs)?;
    Ok(OpenSource {
        embedded_labels: inputs.iter().map(|path| read_splits(path)).collect::<Result<_, _>>()?,
        ..OpenSource::with_states(
            name.to_owned(),
            inputs.to_vec(),
            states,
            progress.clone(),
            Box::new(SplitReader {
                inputs: inputs.iter().cloned().collect(),
                current: None,
                record: 0,
                key: Vec::new(),
                progress,
            }),
            Arc::new(|| Box::new(TextParser::default())),
        )
    })
}

/// A position in a file.
struct Splits {
    json: JsonStream,
    first_split: bool,
    /// Whether the position is inside a split and before its first crystal.
    inside: bool,
    first_crystal: bool,
}

impl Splits {
    fn open(path: &Path, progress: &Progress) -> Result<Self, SourceError> {
        let mut json = JsonStream::new(open_document(path, &[".json"], progress)?);
        json.expect(b'{', "an object of splits")?;
        Ok(Self { json, first_split: true, inside: false, first_crystal: true })
    }

    /// Moves to the next crystal and reads its identifier into `key`. The position is then before its POSCAR. Calls
    /// `split` with the name of every split that is entered. Returns `false` at the end.
    fn next(&mut self, key: &mut Vec<u8>, mut split: impl FnMut(&[u8])) -> Result<bool, SourceError> {
        loop {
            if self.inside {
                if self.json.next_key(&mut self.first_crystal, key, MAX_KEY_BYTES)? {
                    return Ok(true);
                }
                self.inside = false;
            }
            if !self.json.next_key(&mut self.first_split, key, MAX_KEY_BYTES)? {
                self.json.end()?;
                return Ok(false);
            }
            split(key);
            self.json.expect(b'{', "an object of POSCARs")?;
            self.inside = true;
            self.first_crystal = true;
        }
    }
}

/// Returns the label table of a file's splits.
fn read_splits(path: &Path) -> Result<EmbeddedLabels, SourceError> {
    let mut splits = Splits::open(path, &Progress::default())?;
    let mut csv = LABEL_HEADER.to_vec();
    let (mut key, mut split) = (Vec::new(), Vec::new());
    while splits.next(&mut key, |name| split = name.to_vec())? {
        for (field, end) in [(&key, b','), (&split, b'\n')] {
            csv.push(b'"');
            let text = JsonString { raw: field, escaped: true }.text().replace('"', "\"\"");
            csv.extend_from_slice(text.as_bytes());
            csv.push(b'"');
            csv.push(end);
        }
        if csv.len() as u64 > MAX_LABEL_BYTES {
            let message = format!("its splits are a table of over {MAX_LABEL_BYTES} bytes");
            return Err(SourceError::layout(splits.json.file(), message));
        }
        splits.json.skip()?;
    }
    Ok(EmbeddedLabels::new(splits.json.file().to_string(), "", csv))
}

/// Reads the POSCARs of one file after another.
struct SplitReader {
    inputs: VecDeque<PathBuf>,
    current: Option<Splits>,
    record: u64,
    key: Vec<u8>,
    progress: Progress,
}

impl RecordReader for SplitReader {
    fn read_block(&mut self, block: &mut RawBlock) -> Result<bool, SourceError> {
        while !block.is_full() {
            let splits = match &mut self.current {
                Some(splits) => splits,
                None => {
                    let Some(path) = self.inputs.pop_front() else { return Ok(false) };
                    self.record = 0;
                    self.current.insert(Splits::open(&path, &self.progress)?)
                }
            };
            if !splits.next(&mut self.key, |_| {})? {
                self.current = None;
                continue;
            }
            self.record += 1;
            let line = u32::try_from(splits.json.line()).ok();
            let origin = Origin { file: splits.json.file().clone(), record: self.record, line };
            let start = block.bytes.len();
            unescape(&self.key, &mut block.bytes);
            let middle = block.bytes.len();
            match splits.json.value(&mut block.bytes, MAX_RECORD_BYTES)? {
                Cut::Whole => block.push_range(origin, start..middle, middle..block.bytes.len()),
                Cut::TooLarge => {
                    block.bytes.truncate(start);
                    let id = JsonString { raw: &self.key, escaped: true }.text().into_owned();
                    block.push_reject(
                        RecordError::TooLarge { limit: MAX_RECORD_BYTES }.reject(Some(id), origin),
                    );
                }
            }
        }
        Ok(true)
    }

    fn bytes_read(&self) -> u64 {
        self.progress.bytes()
    }
}

/// A parser of POSCARs in JSON strings.
#[derive(Debug, Default)]
struct TextParser {
    reader: PoscarReader,
    structure: Structure,
    unescaped: Vec<u8>,
    text: Vec<u8>,
}

impl TextParser {
    fn read(&mut self, name: &str, body: &[u8]) -> Result<(), RecordError> {
        check_identifier(name)?;
        let mut cursor = Cursor::new(body);
        let string = cursor.string()?;
        cursor.end()?;
        self.unescaped.clear();
        self.text.clear();
        unescape(string.raw, &mut self.unescaped);
        // Unescaping `\\n` gives the two characters `\n`. A second pass turns them into line ends.
        unescape(&self.unescaped, &mut self.text);
        Ok(self.reader.read(&self.text, &mut self.structure)?)
    }
}

impl RecordParser for TextParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let name = String::from_utf8_lossy(bytes.get(record.name.clone()).unwrap_or_default());
        let body = bytes.get(record.body.clone()).unwrap_or_default();
        match self.read(&name, body) {
            Ok(()) => {
                note_symbols(&self.reader, &self.structure, &name, &record.origin, sink);
                sink.crystal(&record.origin, ParsedCrystal::bare(&name, &self.structure));
            }
            Err(error) => {
                // Lines of the POSCAR are not lines of the file, where the POSCAR is on a single line.
                let mut reject = error.reject(Some(name.into_owned()), record.origin.clone());
                reject.origin.line = record.origin.line;
                sink.reject(reject);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceKind;
    use crate::source::tests::{read, written};

    #[test]
    fn symbols_behind_the_positions_that_differ_are_noted() {
        let poscar = |first: &str| {
            format!(
                "a\\n1.0\\n4 0 0\\n0 4 0\\n0 0 4\\nCs Cl\\n1 1\\nDirect\\n0 0 0 {first}\\n0.5 0.5 0.5 Cl\\n"
            )
        };
        let text =
            format!("{{\"train\": {{\"same\": \"{}\",\n\"other\": \"{}\"}}}}", poscar("Cs"), poscar("Cl"));
        let (_folder, path) = written("a.json", text.as_bytes());
        let found = read(SourceKind::Poscar, &[&path]).expect("readable");
        assert_eq!(found.ids(), ["same", "other"]);
        let notes: Vec<_> = found
            .notes
            .iter()
            .map(|note| (note.material_id.as_deref(), note.code, note.origin.line))
            .collect();
        assert_eq!(notes, [(Some("other"), "symbols_differ", Some(2))]);
    }

    #[test]
    fn splits_make_a_table_of_bounded_size() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.json");
        let entry = format!("\"{}\":0", "x".repeat(4000));
        let times = usize::try_from(MAX_LABEL_BYTES).expect("64 bits") / 4000;
        let text = format!("{{\"train\":{{{entry}{}}}}}", format!(",{entry}").repeat(times));
        std::fs::write(&path, text).expect("a file");
        let error = read_splits(&path).expect_err("a large table").to_string();
        assert!(error.ends_with("a.json: its splits are a table of over 134217728 bytes"), "{error}");
    }
}
