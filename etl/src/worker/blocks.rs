//! Conversion of the input stream into blocks of rows and rejects, in order and with bounded memory.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use schemas::guard::guarded;
use schemas::store::shard_schema;

use super::columns::{INPUT_NAME, InputColumns, InputRows};
use super::{WorkerError, WorkerRequest};
use crate::filter::Filter;
use crate::labels::LabelTable;
use crate::pipeline::BuildError;
use crate::pipeline::block::{ProcessedBlock, Recipe};
use crate::pipeline::rows::RowBuilder;
use crate::pipeline::source_properties::SourceProperties;
use crate::reject::{Note, Origin, Reject};
use crate::source::{
    BLOCK_BYTES, BLOCK_RECORDS, MAX_RECORD_BYTES, ParsedCrystal, PropertyValues, RawBlock, RecordError,
    RecordParser, Sink, check_identifier,
};

/// An iterator over the blocks of an input stream. It ends after the first error.
pub(super) struct Blocks<R: Read> {
    stream: StreamReader<BufReader<EndOfInput<R>>>,
    columns: InputColumns,
    /// The current batch and its next row.
    batch: Option<(InputRows, usize)>,
    /// Number of rows read so far.
    records: u64,
    number: u64,
    entries: Entries,
    schema: SchemaRef,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    /// Reads the header of a stream.
    ///
    /// # Errors
    /// Returns a [`WorkerError`] if the settings are invalid, or if it is not an Arrow IPC stream or lacks a required
    /// column.
    pub(super) fn open(request: &WorkerRequest, input: R) -> Result<Self, WorkerError> {
        request.settings.check().map_err(BuildError::from)?;
        let input = BufReader::new(EndOfInput { input, reached: false });
        let stream = guarded(|| StreamReader::try_new(input, None))
            .map_err(|source| WorkerError::Input { rows: 0, source })?;
        let columns = InputColumns::new(&stream.schema())?;
        let schema = shard_schema(&[], &columns.properties);
        let filters = request.filters.iter().map(|text| Filter::new(text, &schema));
        let recipe = Recipe {
            parser: request.format.parser(),
            settings: request.settings.clone(),
            schema: Arc::clone(&schema),
            source: request.name.clone(),
            source_properties: SourceProperties::new(&columns.properties, &[]),
            labels: Arc::new(LabelTable::default()),
            bounds: request.bounds,
            filters: filters.collect::<Result<_, _>>().map_err(BuildError::from)?,
            part: None,
            space_groups: request.space_groups,
        };
        let entries = Entries {
            parser: (recipe.parser)(),
            names_itself: request.format.has_identifier(),
            rows: RowBuilder::new(Arc::new(recipe)),
            raw: RawBlock::default(),
            properties: Vec::new(),
        };
        Ok(Self { stream, columns, batch: None, records: 0, number: 0, entries, schema, ended: false })
    }

    /// Returns the schema of the rows.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Reads the rows of the next batch.
    fn next_rows(&mut self) -> Result<Option<InputRows>, WorkerError> {
        let Self { stream, columns, .. } = self;
        let rows = guarded(|| stream.next().map(|batch| columns.rows(&batch?)).transpose());
        rows.map_err(|source| WorkerError::Input { rows: self.records, source })
    }

    /// Returns the next block, or `None` at the end of the stream. A block ends with its batch, after a number of
    /// records or bytes, or when the features of its rows take much memory.
    fn next_block(&mut self) -> Result<Option<ProcessedBlock>, WorkerError> {
        while self.batch.as_ref().is_none_or(|(rows, next)| *next == rows.len()) {
            match self.next_rows()? {
                Some(rows) => self.batch = Some((rows, 0)),
                None if self.stream.get_ref().get_ref().reached => {
                    return Err(WorkerError::CutOff { rows: self.records });
                }
                None => return Ok(None),
            }
        }
        let Some((rows, next)) = &mut self.batch else { return Ok(None) };
        let (mut records, mut bytes) = (0, 0);
        while *next < rows.len()
            && records < BLOCK_RECORDS
            && bytes < BLOCK_BYTES
            && !self.entries.rows.is_full()
        {
            self.records += 1;
            records += 1;
            bytes += rows.text(*next).map_or(0, <[u8]>::len);
            self.entries.take(rows, *next, self.records);
            *next += 1;
        }
        let mut block = self.entries.rows.take_block()?;
        block.number = self.number;
        self.number += 1;
        Ok(Some(block))
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = Result<ProcessedBlock, WorkerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let block = self.next_block().transpose();
        self.ended = !matches!(block, Some(Ok(_)));
        block
    }
}

/// Converts single entries into rows.
struct Entries {
    parser: Box<dyn RecordParser>,
    /// Whether a text has its own identifier, which that of the column replaces.
    names_itself: bool,
    rows: RowBuilder,
    raw: RawBlock,
    properties: Vec<Option<f64>>,
}

impl Entries {
    /// Processes the entry of one row, which is number `record` in the stream.
    fn take(&mut self, rows: &InputRows, row: usize, record: u64) {
        let origin = Origin { file: INPUT_NAME.into(), record, line: None };
        let id = rows.id(row).unwrap_or_default();
        let checked = check_identifier(id).and(match rows.text(row) {
            None => Err(RecordError::MissingField("text")),
            Some(text) if text.len() > MAX_RECORD_BYTES => {
                Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES })
            }
            Some(text) => Ok(text),
        });
        let text = match checked {
            Ok(text) => text,
            Err(error) => {
                let id = (!id.is_empty()).then(|| id.to_owned());
                return self.rows.reject(error.reject(id, origin));
            }
        };
        self.raw.clear();
        self.raw.push(origin, id.as_bytes(), text);
        self.properties.clear();
        self.properties.extend(rows.properties(row));
        let mut sink = Labelled {
            id: self.names_itself.then_some(id),
            properties: &self.properties,
            rows: &mut self.rows,
        };
        for record in &self.raw.records {
            self.parser.parse(&self.raw.bytes, record, &mut sink);
        }
    }
}

/// Passes crystals on with the properties and the identifier of their row.
struct Labelled<'a> {
    id: Option<&'a str>,
    properties: &'a [Option<f64>],
    rows: &'a mut RowBuilder,
}

impl<'a> Labelled<'a> {
    fn values(&self) -> PropertyValues<'a> {
        PropertyValues { values: self.properties, lists: &[] }
    }
}

impl Sink for Labelled<'_> {
    fn crystal(&mut self, origin: &Origin, crystal: ParsedCrystal<'_>) {
        let material_id = self.id.unwrap_or(crystal.material_id);
        let structure = crystal.structure;
        let properties = self.values();
        let immutable_id = crystal.immutable_id;
        self.rows.crystal(origin, ParsedCrystal { material_id, structure, properties, immutable_id });
    }

    fn reject(&mut self, reject: Reject) {
        let material_id = self.id.map(str::to_owned).or(reject.material_id);
        self.rows.reject(Reject::new(material_id, reject.origin, reject.reason, reject.message));
    }

    fn note(&mut self, note: Note) {
        let material_id = self.id.map(str::to_owned).or(note.material_id);
        self.rows.note(Note::new(material_id, note.origin, note.code, note.message));
    }

    fn max_sites(&self) -> usize {
        self.rows.max_sites()
    }

    fn adds_values(&self) -> bool {
        self.values().are_given()
    }
}

/// A reader that records the end of the input. A complete stream ends before that, with its end mark.
struct EndOfInput<R> {
    input: R,
    reached: bool,
}

impl<R: Read> Read for EndOfInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.reached |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}
