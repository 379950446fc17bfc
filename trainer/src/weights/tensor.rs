//! Tensors outside any backend.

use std::fmt;
use std::io::{self, Write};

/// Numbers turned into bytes at a time.
const CHUNK: usize = 4096;

/// The numbers of a tensor, row by row (the last axis runs fastest).
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
}

impl Values {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        match self {
            Values::F32(values) => values.len(),
            Values::F64(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers in single precision; doubles are rounded.
    pub fn into_f32(self) -> Vec<f32> {
        match self {
            Values::F32(values) => values,
            Values::F64(values) => values.into_iter().map(|value| value as f32).collect(),
        }
    }

    /// The numbers in double precision.
    pub fn into_f64(self) -> Vec<f64> {
        match self {
            Values::F32(values) => values.into_iter().map(f64::from).collect(),
            Values::F64(values) => values,
        }
    }

    /// Writes the numbers as bytes, the least first.
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

/// Writes numbers as bytes.
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

/// How a file stores the numbers of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ElementType {
    /// Half precision; read as [`Values::F32`].
    F16,
    /// The upper half of a single; read as [`Values::F32`].
    BF16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl ElementType {
    /// The name in a safetensors header.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::F16 => "F16",
            ElementType::BF16 => "BF16",
            ElementType::F32 => "F32",
            ElementType::F64 => "F64",
        }
    }

    /// Bytes of one number.
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

/// A tensor: its shape and as many numbers as that has places.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Extent of each axis; empty for a single number.
    pub shape: Vec<usize>,
    /// The numbers, row by row.
    pub values: Values,
    /// How they are, or were, stored.
    pub element: ElementType,
}

impl Tensor {
    /// A tensor in single precision.
    pub fn f32(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Self {
        Self { shape: shape.into(), values: Values::F32(values), element: ElementType::F32 }
    }

    /// A tensor in double precision.
    pub fn f64(shape: impl Into<Vec<usize>>, values: Vec<f64>) -> Self {
        Self { shape: shape.into(), values: Values::F64(values), element: ElementType::F64 }
    }

    /// How many numbers the shape has places for; none if that is not countable.
    pub fn places(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |places, &extent| places.checked_mul(extent))
    }
}
