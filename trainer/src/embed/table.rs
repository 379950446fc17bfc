//! Tables of embeddings as Parquet, CSV, JSON or JSON lines.

use std::io::{self, Write};
use std::iter::once;
use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use schemas::text::cell;
use serde::Serialize;

use crate::table::{JsonRows, TableFormat, parquet_properties};

/// Widths of the embeddings, and whether those of single atoms are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Width of `h_s` and of its mean and maximum.
    pub(super) structure: usize,
    /// Width of `h_l`; 0 for encoders without it, whose tables have no `h_l`.
    pub(super) lattice: usize,
    /// Whether `h_s` is written.
    pub(super) per_atom: bool,
}

/// Embeddings of B crystals with N atoms, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Embeddings {
    /// Identifiers, `[B]`.
    pub(super) identifiers: Vec<String>,
    /// Index of every crystal's first atom, then N, `[B + 1]`.
    pub(super) offsets: Vec<usize>,
    /// `h_l`, `[B, lattice]`.
    pub(super) lattice: Vec<f32>,
    /// Mean of `h_s`, `[B, structure]`.
    pub(super) mean: Vec<f32>,
    /// Maximum of `h_s`, `[B, structure]`.
    pub(super) max: Vec<f32>,
    /// `h_s`, `[N, structure]`.
    pub(super) atoms: Vec<f32>,
}

impl Embeddings {
    /// Returns the identifier of the first crystal with a number that is not finite.
    pub(super) fn not_finite(&self) -> Option<&str> {
        let Self { identifiers, offsets, lattice, mean, max, atoms } = self;
        let is_broken = |numbers: &[f32]| numbers.iter().any(|number| !number.is_finite());
        if ![lattice, mean, max, atoms].into_iter().any(|numbers| is_broken(numbers)) {
            return None;
        }
        let of = |numbers: &[f32], rows: usize, first: usize, last: usize| {
            let width = numbers.len() / rows.max(1);
            is_broken(numbers.get(width * first..width * last).unwrap_or_default())
        };
        let (crystals, sites) = (identifiers.len(), offsets.last().copied().unwrap_or_default());
        let mut rows = identifiers.iter().zip(offsets.windows(2)).enumerate();
        let broken = rows.find(|(row, (_, ends))| {
            [lattice, mean, max].into_iter().any(|numbers| of(numbers, crystals, *row, row + 1))
                || of(atoms, sites, ends[0], ends[1])
        });
        broken.map(|(_, (material_id, _))| material_id.as_str())
    }
}

/// A row of the table with its vectors as lists.
#[derive(Debug, Serialize)]
struct Line<'a> {
    material_id: &'a str,
    #[serde(skip_serializing_if = "<[f32]>::is_empty")]
    h_l: &'a [f32],
    h_s_mean: &'a [f32],
    h_s_max: &'a [f32],
    #[serde(skip_serializing_if = "Option::is_none")]
    h_s: Option<Vec<&'a [f32]>>,
}

/// Writer of a table of embeddings.
pub(super) struct EmbeddingWriter<W: Write + Send> {
    writer: Writer<W>,
    shape: Shape,
}

enum Writer<W: Write + Send> {
    Parquet(Box<ArrowWriter<W>>),
    Csv(Box<csv::Writer<W>>),
    Json(JsonRows<W>),
}

impl<W: Write + Send> EmbeddingWriter<W> {
    /// Begins a table. `metadata` are those of Parquet. A CSV has no `h_s`.
    ///
    /// # Errors
    /// If writing fails.
    pub(super) fn new<'a>(
        out: W,
        format: TableFormat,
        shape: Shape,
        metadata: impl IntoIterator<Item = (&'a str, String)>,
    ) -> io::Result<Self> {
        let writer = match format {
            TableFormat::Parquet => {
                let properties = parquet_properties(metadata);
                Writer::Parquet(Box::new(ArrowWriter::try_new(out, schema(shape), Some(properties))?))
            }
            TableFormat::Csv => {
                let mut rows = csv::Writer::from_writer(out);
                let vectors =
                    [("h_l", shape.lattice), ("h_s_mean", shape.structure), ("h_s_max", shape.structure)];
                let numbers = vectors
                    .into_iter()
                    .flat_map(|(name, width)| (0..width).map(move |index| format!("{name}_{index}")));
                rows.write_record(once("material_id".to_owned()).chain(numbers))?;
                Writer::Csv(Box::new(rows))
            }
            TableFormat::Json => Writer::Json(JsonRows::new(out, false)?),
            TableFormat::JsonLines => Writer::Json(JsonRows::new(out, true)?),
        };
        Ok(Self { writer, shape })
    }

    /// Appends the rows of a batch.
    ///
    /// # Errors
    /// If writing fails.
    pub(super) fn write(&mut self, embeddings: &Embeddings) -> io::Result<()> {
        let Self { writer, shape } = self;
        match writer {
            Writer::Parquet(writer) => {
                writer.write(&batch(embeddings, *shape).map_err(io::Error::other)?)?;
            }
            Writer::Csv(writer) => {
                for Line { material_id, h_l, h_s_mean, h_s_max, .. } in lines(embeddings, *shape) {
                    let numbers = [h_l, h_s_mean, h_s_max].into_iter().flatten().map(f32::to_string);
                    writer.write_record(once(cell(material_id).into_owned()).chain(numbers))?;
                }
            }
            Writer::Json(writer) => {
                lines(embeddings, *shape).try_for_each(|line| writer.write(&line))?;
            }
        }
        Ok(())
    }

    /// Ends the table.
    ///
    /// # Errors
    /// If writing fails.
    pub(super) fn finish(self) -> io::Result<()> {
        match self.writer {
            Writer::Parquet(rows) => Ok(rows.close().map(drop)?),
            Writer::Csv(mut rows) => rows.flush(),
            Writer::Json(rows) => rows.finish(),
        }
    }
}

/// Returns the rows of the table, one per crystal.
fn lines(embeddings: &Embeddings, shape: Shape) -> impl Iterator<Item = Line<'_>> {
    let Shape { structure, lattice, per_atom } = shape;
    let crystals = embeddings.identifiers.iter().zip(embeddings.offsets.windows(2)).enumerate();
    crystals.map(move |(row, (material_id, atoms))| Line {
        material_id,
        h_l: vector(&embeddings.lattice, lattice, row),
        h_s_mean: vector(&embeddings.mean, structure, row),
        h_s_max: vector(&embeddings.max, structure, row),
        h_s: per_atom
            .then(|| (atoms[0]..atoms[1]).map(|atom| vector(&embeddings.atoms, structure, atom)).collect()),
    })
}

/// Returns row `row` of a row-major matrix with `width` columns.
fn vector(numbers: &[f32], width: usize, row: usize) -> &[f32] {
    numbers.get(width * row..width * (row + 1)).unwrap_or_default()
}

/// Returns the embeddings of a batch as columns of the Parquet table.
fn batch(embeddings: &Embeddings, shape: Shape) -> Result<RecordBatch, ArrowError> {
    let Shape { structure, lattice, per_atom } = shape;
    let list = |values: &[f32], width: usize| -> Result<FixedSizeListArray, ArrowError> {
        FixedSizeListArray::try_new(item(), width as i32, Arc::new(Float32Array::from(values.to_vec())), None)
    };
    let mut columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from_iter_values(&embeddings.identifiers))];
    if lattice > 0 {
        columns.push(Arc::new(list(&embeddings.lattice, lattice)?));
    }
    columns.push(Arc::new(list(&embeddings.mean, structure)?));
    columns.push(Arc::new(list(&embeddings.max, structure)?));
    if per_atom {
        let atoms = list(&embeddings.atoms, structure)?;
        let lengths = embeddings.offsets.windows(2).map(|pair| pair[1] - pair[0]);
        let lengths = OffsetBuffer::from_lengths(lengths);
        columns.push(Arc::new(ListArray::try_new(site(structure), lengths, Arc::new(atoms), None)?));
    }
    RecordBatch::try_new(schema(shape), columns)
}

/// Returns the field of a number.
fn item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Float32, false))
}

/// Returns the field of an atom's vector.
fn site(width: usize) -> Arc<Field> {
    Arc::new(Field::new("item", DataType::FixedSizeList(item(), width as i32), false))
}

/// Returns the schema of the Parquet table.
fn schema(shape: Shape) -> Arc<Schema> {
    let vector =
        |name: &str, width: usize| Field::new(name, DataType::FixedSizeList(item(), width as i32), false);
    let mut fields = vec![Field::new("material_id", DataType::Utf8, false)];
    if shape.lattice > 0 {
        fields.push(vector("h_l", shape.lattice));
    }
    fields.extend([vector("h_s_mean", shape.structure), vector("h_s_max", shape.structure)]);
    if shape.per_atom {
        fields.push(Field::new("h_s", DataType::List(site(shape.structure)), false));
    }
    Arc::new(Schema::new(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns two crystals, of one atom and of two.
    fn embeddings() -> Embeddings {
        Embeddings {
            identifiers: vec!["a,b".to_owned(), "@c".to_owned()],
            offsets: vec![0, 1, 3],
            lattice: vec![0.1, 1e-20],
            mean: vec![1.0, 2.0, 3.0, 4.0],
            max: vec![5.0, 6.0, 7.0, 8.0],
            atoms: vec![1.0, 2.0, 2.0, 3.0, 4.0, 5.0],
        }
    }

    fn metadata() -> [(&'static str, String); 2] {
        [("weights", "w".to_owned()), ("weights_sha256", "0".to_owned())]
    }

    fn written(format: TableFormat, per_atom: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let shape = Shape { structure: 2, lattice: 1, per_atom };
        let mut writer = EmbeddingWriter::new(&mut out, format, shape, metadata()).expect("begun");
        writer.write(&embeddings()).expect("written");
        writer.finish().expect("ended");
        out
    }

    #[test]
    fn the_first_crystal_with_no_number_is_named() {
        assert_eq!(embeddings().not_finite(), None);
        let second = Embeddings { mean: vec![1.0, 2.0, f32::NAN, 4.0], ..embeddings() };
        assert_eq!(second.not_finite(), Some("@c"));
        let first = Embeddings { lattice: vec![f32::INFINITY, 1.0], ..second };
        assert_eq!(first.not_finite(), Some("a,b"));
        let of_atom = Embeddings { atoms: vec![1.0, 2.0, 2.0, 3.0, 4.0, f32::NAN], ..embeddings() };
        assert_eq!(of_atom.not_finite(), Some("@c"));
    }

    #[test]
    fn csv_has_a_column_for_every_number() {
        let text = String::from_utf8(written(TableFormat::Csv, false)).expect("text");
        let expected = "material_id,h_l_0,h_s_mean_0,h_s_mean_1,h_s_max_0,h_s_max_1\n\
                        \"a,b\",0.1,1,2,5,6\n\
                        '@c,0.00000000000000000001,3,4,7,8\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn json_has_lists() {
        let array: Vec<serde_json::Value> =
            serde_json::from_slice(&written(TableFormat::Json, true)).expect("an array");
        let lines = String::from_utf8(written(TableFormat::JsonLines, true)).expect("text");
        let lines: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
        assert_eq!(array, lines);
        assert_eq!(array[1]["h_s"], serde_json::json!([[2.0, 3.0], [4.0, 5.0]]));
        assert_eq!(
            (&array[0]["material_id"], &array[0]["h_s_max"]),
            (&"a,b".into(), &serde_json::json!([5.0, 6.0]))
        );
        let without: Vec<serde_json::Value> =
            serde_json::from_slice(&written(TableFormat::Json, false)).expect("an array");
        assert!(without[0].get("h_s").is_none());
    }

    #[test]
    fn an_encoder_without_lattice_embeddings_has_no_column_of_them() {
        let shape = Shape { structure: 2, lattice: 0, per_atom: true };
        let without = Embeddings { lattice: Vec::new(), ..embeddings() };
        let names: Vec<String> = schema(shape).fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["material_id", "h_s_mean", "h_s_max", "h_s"]);
        assert_eq!(batch(&without, shape).expect("columns that fit").num_rows(), 2);
        for (format, rows) in [(TableFormat::Csv, 3), (TableFormat::JsonLines, 2)] {
            let mut out = Vec::new();
            let mut writer = EmbeddingWriter::new(&mut out, format, shape, metadata()).expect("begun");
            writer.write(&without).expect("written");
            writer.finish().expect("ended");
            let text = String::from_utf8(out).expect("text");
            assert!(text.lines().count() == rows && !text.contains("h_l"), "{text}");
        }
    }

    #[test]
    fn parquet_is_parquet() {
        assert!(written(TableFormat::Parquet, true).starts_with(b"PAR1"));
    }
}
