//! Builders of columns of one type each.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, Float64Array, ListArray, PrimitiveArray, StringArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, DataType};
use arrow::error::ArrowError;
use schemas::store::item_field;

/// Takes the values of a column. The new vector has the same length reserved, because the next batch will be similar.
pub(super) fn renew<T>(values: &mut Vec<T>) -> Vec<T> {
    let next = Vec::with_capacity(values.len());
    std::mem::replace(values, next)
}

/// Takes the offsets of a column's values, `[rows + 1]`, and leaves the offset 0 with which the next batch begins.
fn renew_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let taken = renew(offsets);
    offsets.push(0);
    OffsetBuffer::new(ScalarBuffer::from(taken))
}

/// A builder of a text column.
#[derive(Debug)]
pub(super) struct Texts {
    offsets: Vec<i32>,
    pub(super) bytes: String,
}

impl Default for Texts {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: String::new() }
    }
}

impl Texts {
    pub(super) fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.close();
    }

    /// Makes a row of the text that was appended to `bytes` since the last row.
    pub(super) fn close(&mut self) {
        self.offsets.push(offset(self.bytes.len()));
    }

    pub(super) fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let offsets = renew_offsets(&mut self.offsets);
        let next = String::with_capacity(self.bytes.len());
        let bytes = std::mem::replace(&mut self.bytes, next).into_bytes();
        Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)?))
    }
}

/// A builder of a nullable text column.
#[derive(Debug, Default)]
pub(super) struct OptionalTexts {
    texts: Texts,
    present: Vec<bool>,
}

impl OptionalTexts {
    pub(super) fn push(&mut self, text: Option<&str>) {
        self.texts.push(text.unwrap_or_default());
        self.present.push(text.is_some());
    }

    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = NullBuffer::from(renew(&mut self.present));
        self.texts.finish(Some(nulls))
    }
}

/// A builder of a column of lists of texts.
#[derive(Debug)]
pub(super) struct TextLists {
    offsets: Vec<i32>,
    texts: Texts,
}

impl Default for TextLists {
    fn default() -> Self {
        Self { offsets: vec![0], texts: Texts::default() }
    }
}

impl TextLists {
    pub(super) fn extend(&mut self, texts: impl IntoIterator<Item = &'static str>) {
        texts.into_iter().for_each(|text| self.texts.push(text));
        self.offsets.push(offset(self.texts.offsets.len() - 1));
    }

    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let offsets = renew_offsets(&mut self.offsets);
        let texts = self.texts.finish(None)?;
        Ok(Arc::new(ListArray::try_new(item_field(DataType::Utf8), offsets, texts, None)?))
    }
}

/// A builder of a list column.
#[derive(Debug)]
pub(super) struct Lists<T> {
    offsets: Vec<i32>,
    pub(super) values: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { offsets: vec![0], values: Vec::new() }
    }
}

impl<T> Lists<T> {
    pub(super) fn extend(&mut self, values: impl IntoIterator<Item = T>) {
        self.values.extend(values);
        self.offsets.push(offset(self.values.len()));
    }

    fn take(&mut self) -> (OffsetBuffer<i32>, Vec<T>) {
        (renew_offsets(&mut self.offsets), renew(&mut self.values))
    }
}

impl<T: Copy> Lists<T> {
    pub(super) fn push(&mut self, values: &[T]) {
        self.values.extend_from_slice(values);
        self.offsets.push(offset(self.values.len()));
    }
}

impl<T: arrow::datatypes::ArrowNativeType> Lists<T> {
    pub(super) fn finish<P: ArrowPrimitiveType<Native = T>>(&mut self) -> Result<ArrayRef, ArrowError> {
        let (offsets, values) = self.take();
        let values = PrimitiveArray::<P>::new(ScalarBuffer::from(values), None);
        Ok(Arc::new(ListArray::try_new(item_field(P::DATA_TYPE), offsets, Arc::new(values), None)?))
    }
}

/// A builder of a nullable list column of doubles.
#[derive(Debug, Default)]
pub(super) struct OptionalLists {
    lists: Lists<f64>,
    present: Vec<bool>,
}

impl OptionalLists {
    pub(super) fn push(&mut self, list: Option<&[f64]>) {
        self.lists.push(list.unwrap_or_default());
        self.present.push(list.is_some());
    }

    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = NullBuffer::from(renew(&mut self.present));
        let (offsets, values) = self.lists.take();
        let values = Arc::new(Float64Array::from(values));
        Ok(Arc::new(ListArray::try_new(item_field(DataType::Float64), offsets, values, Some(nulls))?))
    }
}

impl Lists<bool> {
    pub(super) fn finish_flags(&mut self) -> Result<ArrayRef, ArrowError> {
        let (offsets, values) = self.take();
        let values = BooleanArray::new(BooleanBuffer::collect_bool(values.len(), |at| values[at]), None);
        Ok(Arc::new(ListArray::try_new(item_field(DataType::Boolean), offsets, Arc::new(values), None)?))
    }
}

/// Converts a length to an offset. Batches are taken long before their lists have 2³¹ values, see
/// [`Columns::is_full`](super::Columns::is_full).
pub(super) fn offset(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// Creates a column with a fixed number of values in each row.
pub(super) fn fixed(length: i32, values: ArrayRef) -> Result<ArrayRef, ArrowError> {
    let field = item_field(values.data_type().clone());
    Ok(Arc::new(FixedSizeListArray::try_new(field, length, values, None)?))
}
