//! Tensors outside any backend.

use std::fmt;
use std::io::{self, Write};

use half::{bf16, f16};

/// Number of values that are converted to bytes at a time.
const CHUNK: usize = 4096;

/// Values of a tensor in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
}

impl Values {
    /// Returns the number of values.
    pub fn len(&self) -> usize {
        match self {
            Values::F32(values) => values.len(),
            Values::F64(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether no value is infinite or not a number in single precision, which models have.
    pub fn are_finite(&self) -> bool {
        match self {
            Values::F32(values) => values.iter().all(|value| value.is_finite()),
            Values::F64(values) => values.iter().all(|&value| (value as f32).is_finite()),
        }
    }

    /// Whether a value is below zero.
    pub fn have_negative(&self) -> bool {
        match self {
            Values::F32(values) => values.iter().any(|&value| value < 0.0),
            Values::F64(values) => values.iter().any(|&value| value < 0.0),
        }
    }

    /// Returns the values in single precision. Doubles are rounded.
    pub fn into_f32(self) -> Vec<f32> {
        match self {
            Values::F32(values) => values,
            Values::F64(values) => values.into_iter().map(|value| value as f32).collect(),
        }
    }

    /// Returns the values in double precision.
    pub fn into_f64(self) -> Vec<f64> {
        match self {
            Values::F32(values) => values.into_iter().map(f64::from).collect(),
            Values::F64(values) => values,
        }
    }

    /// Writes the values in their precision and in little-endian order.
    ///
    /// # Errors
    /// Those of the writer.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Values::F32(values) => write_numbers(out, values, |value| value.to_le_bytes()),
            Values::F64(values) => write_numbers(out, values, |value| value.to_le_bytes()),
        }
    }
}

/// Writes values as bytes.
fn write_numbers<T: Copy, const BYTES: usize>(
    out: &mut impl Write,
    values: &[T],
    to_bytes: fn(T) -> [u8; BYTES],
) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(CHUNK * BYTES);
    for chunk in values.chunks(CHUNK) {
        buffer.clear();
        buffer.extend(chunk.iter().flat_map(|&value| to_bytes(value)));
        out.write_all(&buffer)?;
    }
    Ok(())
}

/// Element type of a tensor in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ElementType {
    /// Half precision, read as [`Values::F32`].
    F16,
    /// The upper half of a single (bfloat16), read as [`Values::F32`].
    BF16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl ElementType {
    /// Returns the name in a safetensors header.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::F16 => "F16",
            ElementType::BF16 => "BF16",
            ElementType::F32 => "F32",
            ElementType::F64 => "F64",
        }
    }

    /// Returns the number of bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            ElementType::F16 | ElementType::BF16 => 2,
            ElementType::F32 => 4,
            ElementType::F64 => 8,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A tensor: its shape and a value for each of its elements.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Length of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub values: Values,
    /// Element type in the file that the tensor was read from, or is written to if it is that of halves and the values are
    /// singles.
    pub element: ElementType,
}

impl Tensor {
    /// Creates a tensor in single precision.
    pub fn f32(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Self {
        Self { shape: shape.into(), values: Values::F32(values), element: ElementType::F32 }
    }

    /// Creates a tensor in double precision.
    pub fn f64(shape: impl Into<Vec<usize>>, values: Vec<f64>) -> Self {
        Self { shape: shape.into(), values: Values::F64(values), element: ElementType::F64 }
    }

    /// Returns the element type in which the tensor is written: [`element`](Self::element) if that is a half precision and
    /// the values are singles, and the precision of the values otherwise.
    pub(super) fn stored_as(&self) -> ElementType {
        match (&self.values, self.element) {
            (Values::F64(_), _) => ElementType::F64,
            (Values::F32(_), ElementType::F16 | ElementType::BF16) => self.element,
            (Values::F32(_), _) => ElementType::F32,
        }
    }

    /// Returns the tensor with the values that will be read back from its file: singles that are written as halves are
    /// rounded to the nearest half, and to infinity beyond the largest one.
    pub(super) fn rounded(mut self) -> Self {
        let element = self.stored_as();
        if let Values::F32(values) = &mut self.values {
            match element {
                ElementType::F16 => {
                    values.iter_mut().for_each(|value| *value = f16::from_f32(*value).to_f32())
                }
                ElementType::BF16 => {
                    values.iter_mut().for_each(|value| *value = bf16::from_f32(*value).to_f32())
                }
                ElementType::F32 | ElementType::F64 => {}
            }
        }
        self
    }

    /// Writes the values as they are stored, in little-endian order.
    ///
    /// # Errors
    /// Those of the writer.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match (&self.values, self.stored_as()) {
            (Values::F32(values), ElementType::F16) => {
                write_numbers(out, values, |value| f16::from_f32(value).to_le_bytes())
            }
            (Values::F32(values), ElementType::BF16) => {
                write_numbers(out, values, |value| bf16::from_f32(value).to_le_bytes())
            }
            (values, _) => values.write(out),
        }
    }

    /// Returns the number of elements of the shape; `None` if it overflows.
    pub fn places(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |places, &extent| places.checked_mul(extent))
    }
}
