//! Conversion of panics in the Arrow and Parquet decoders into errors. The decoders check most of what they read, but
//! panic on some lengths and offsets in damaged files that point beyond their buffer.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::errors::ParquetError;

thread_local! {
    /// Whether this thread runs a guarded step, so that a panic becomes an error and is not printed.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// An error that replaces a panic of a decoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("damaged: {message}")]
pub struct DecoderPanic {
    message: String,
}

impl From<DecoderPanic> for ArrowError {
    fn from(panic: DecoderPanic) -> Self {
        Self::ParseError(panic.to_string())
    }
}

impl From<DecoderPanic> for ParquetError {
    fn from(panic: DecoderPanic) -> Self {
        Self::General(panic.to_string())
    }
}

/// Runs a step of a decoder and converts a panic into an error. The decoder must not be used after a panic.
///
/// # Errors
/// Returns the errors of the step, and [`DecoderPanic`].
pub fn guarded<T, E: From<DecoderPanic>>(step: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                usual(panic);
            }
        }));
    });
    let was_guarded = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(step));
    GUARDED.set(was_guarded);
    outcome.unwrap_or_else(|panic| Err(DecoderPanic { message: message(panic.as_ref()) }.into()))
}

/// Returns the first line of a panic's message.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

/// An iterator over the batches of a Parquet file. It ends after the first error.
pub struct GuardedBatches {
    schema: SchemaRef,
    reader: Option<ParquetRecordBatchReader>,
}

impl GuardedBatches {
    /// Wraps a reader whose panics are to be converted.
    pub fn new(reader: ParquetRecordBatchReader) -> Self {
        Self { schema: reader.schema(), reader: Some(reader) }
    }
}

impl Iterator for GuardedBatches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.reader.as_mut()?;
        let batch = guarded(|| reader.next().transpose());
        if batch.is_err() {
            self.reader = None;
        }
        batch.transpose()
    }
}

impl RecordBatchReader for GuardedBatches {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_errors_with_their_message() {
        let value = std::hint::black_box(3);
        assert_eq!(guarded::<_, ArrowError>(|| Ok(value)).expect("no panic"), 3);
        let panic = || -> Result<(), ArrowError> { panic!("offset {value}\nof a buffer") };
        assert_eq!(guarded(panic).expect_err("a panic").to_string(), "Parser error: damaged: offset 3");
        let error = guarded::<(), _>(|| Err(ArrowError::IpcError("short".into()))).expect_err("an error");
        assert_eq!(error.to_string(), "Ipc error: short");
        // A step inside another one ends the inner guard alone.
        let nested = || -> Result<(), ArrowError> {
            assert!(guarded(panic).is_err());
            panic!("outer")
        };
        assert_eq!(guarded(nested).expect_err("a panic").to_string(), "Parser error: damaged: outer");
    }
}
