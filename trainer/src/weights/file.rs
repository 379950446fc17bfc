//! Safetensors files: eight bytes of header length, a JSON header, the values.
//!
//! Files are read and checked by the `safetensors` crate. They are written here, because the crate keeps metadata in
//! a hash map and the same weights must give the same bytes. The metadata hold a SHA-256 of the rest, since the
//! format has no checksum.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use schemas::{bounded, regular};
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::content::{self, SHA256_KEY};
use super::error::WeightsError;
use super::tensor::{ElementType, Tensor, Values};
use super::unique::Unique;
use crate::atomic;

/// Maximum number of bytes of a file. A checkpoint of the largest model has a tenth of it.
const MAX_BYTES: u64 = 64 << 30;
/// Maximum number of bytes of a header, as in the `safetensors` crate.
const MAX_HEADER_BYTES: u64 = 100_000_000;
/// Number of bytes of the header's length at the beginning of a file.
const LENGTH_BYTES: usize = 8;
/// Alignment of the values in bytes. The header is padded with blanks.
const ALIGNMENT: usize = 8;
/// Key of the metadata in the header.
const METADATA_KEY: &str = "__metadata__";
/// First bytes of a zip archive, the format of `torch.save`.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// The content of a weights file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WeightsFile {
    /// Metadata of the file. Values are text, as PyTorch requires.
    pub metadata: BTreeMap<String, String>,
    /// Tensors by name.
    pub tensors: BTreeMap<String, Tensor>,
}

/// Writes a weights file atomically. The same content gives the same bytes in any order of the tensors.
///
/// Tensors are stored in the precision of their [`Values`], singles also as halves if the tensor is of such an
/// [`element`](Tensor::element) type: wider values first, so that all are aligned, then by name.
///
/// # Errors
/// [`WeightsError::Duplicate`], [`WeightsError::Length`], [`WeightsError::Range`] or [`WeightsError::Io`].
pub fn write(
    path: &Path,
    metadata: &BTreeMap<String, String>,
    tensors: impl IntoIterator<Item = (String, Tensor)>,
) -> Result<(), WeightsError> {
    let mut named: BTreeMap<String, Tensor> = BTreeMap::new();
    for (name, tensor) in tensors {
        if tensor.places() != Some(tensor.values.len()) {
            let (found, shape) = (tensor.values.len(), tensor.shape);
            return Err(WeightsError::Length { path: path.to_owned(), tensor: name, shape, found });
        }
        if named.contains_key(&name) || name == METADATA_KEY {
            return Err(WeightsError::Duplicate { path: path.to_owned(), tensor: name });
        }
        let (element, is_finite) = (tensor.stored_as(), tensor.values.are_finite());
        let tensor = tensor.rounded();
        if is_finite && !tensor.values.are_finite() {
            return Err(WeightsError::Range { path: path.to_owned(), tensor: name, element });
        }
        named.insert(name, tensor);
    }
    let mut ordered: Vec<(&String, &Tensor)> = named.iter().collect();
    ordered.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.stored_as()));

    atomic::write(path, |out| {
        let mut metadata = metadata.clone();
        metadata.remove(SHA256_KEY);
        let sha256 = content::sha256(&metadata, &named)?;
        metadata.insert(SHA256_KEY.to_owned(), sha256);
        let mut header = serde_json::to_vec(&Header { metadata: &metadata, tensors: &ordered })?;
        header.resize(header.len().next_multiple_of(ALIGNMENT), b' ');
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        ordered.iter().try_for_each(|(_, tensor)| tensor.write(out))
    })
    .map_err(|source| WeightsError::Io { action: "write", path: path.to_owned(), source })
}

/// Reads a weights file. If the metadata hold the SHA-256 of the content, it is checked and removed.
///
/// # Errors
/// [`WeightsError::Io`], [`WeightsError::Truncated`], [`WeightsError::NotSafetensors`],
/// [`WeightsError::ElementType`] or [`WeightsError::Damaged`], with the file.
pub fn read(path: &Path) -> Result<WeightsFile, WeightsError> {
    let bytes = bounded::read(path, MAX_BYTES).map_err(|source| WeightsError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    let (length, header) =
        SafeTensors::read_metadata(&bytes).map_err(|error| refuse(path, &bytes, &error))?;
    // The crate takes the last of two entries of a name.
    let names = bytes.get(LENGTH_BYTES..LENGTH_BYTES + length).unwrap_or_default();
    if let Err(error) = serde_json::from_slice::<Unique>(names) {
        return Err(WeightsError::NotSafetensors { path: path.to_owned(), reason: error.to_string() });
    }
    let file = SafeTensors::deserialize(&bytes).map_err(|error| refuse(path, &bytes, &error))?;
    let metadata = header.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone()));
    let mut metadata: BTreeMap<String, String> = metadata.collect();
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        tensors.insert(name.to_owned(), tensor(path, name, &view)?);
    }
    if let Some(expected) = metadata.remove(SHA256_KEY) {
        let found = content::sha256(&metadata, &tensors).map_err(|source| WeightsError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        if found != expected {
            return Err(WeightsError::Damaged { path: path.to_owned(), expected, found });
        }
    }
    Ok(WeightsFile { metadata, tensors })
}

/// Whether a file is a safetensors file whose metadata have keys with this beginning. The values are not read.
pub fn has_keys(path: &Path, beginning: &str) -> bool {
    let header = || -> std::io::Result<Described> {
        let mut file = regular::open(path)?;
        let mut length = [0; LENGTH_BYTES];
        file.read_exact(&mut length)?;
        let mut header = Vec::new();
        file.take(u64::from_le_bytes(length).min(MAX_HEADER_BYTES)).read_to_end(&mut header)?;
        Ok(serde_json::from_slice(&header)?)
    };
    header().is_ok_and(|Described { metadata }| metadata.keys().any(|key| key.starts_with(beginning)))
}

/// Metadata of a header; its tensors are ignored.
#[derive(Deserialize)]
struct Described {
    #[serde(rename = "__metadata__", default)]
    metadata: BTreeMap<String, String>,
}

/// Returns a tensor of a file.
fn tensor(path: &Path, name: &str, view: &TensorView<'_>) -> Result<Tensor, WeightsError> {
    let data = view.data();
    let (element, values) = match view.dtype() {
        Dtype::F16 => (ElementType::F16, Values::F32(halves(data, |bits| f16::from_bits(bits).to_f32()))),
        Dtype::BF16 => (ElementType::BF16, Values::F32(halves(data, |bits| bf16::from_bits(bits).to_f32()))),
        Dtype::F32 => {
            let (chunks, _) = data.as_chunks();
            (ElementType::F32, Values::F32(chunks.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()))
        }
        Dtype::F64 => {
            let (chunks, _) = data.as_chunks();
            (ElementType::F64, Values::F64(chunks.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect()))
        }
        other => {
            let (tensor, element) = (name.to_owned(), format!("{other:?}"));
            return Err(WeightsError::ElementType { path: path.to_owned(), tensor, element });
        }
    };
    Ok(Tensor { shape: view.shape().to_vec(), values, element })
}

/// Converts values of two bytes to single precision.
fn halves(data: &[u8], single: fn(u16) -> f32) -> Vec<f32> {
    data.as_chunks().0.iter().map(|&bytes| single(u16::from_le_bytes(bytes))).collect()
}

/// The header: metadata, then the tensors in the order of their values.
struct Header<'a> {
    metadata: &'a BTreeMap<String, String>,
    tensors: &'a [(&'a String, &'a Tensor)],
}

/// Entry of a tensor in the header.
#[derive(serde::Serialize)]
struct Entry<'a> {
    dtype: &'static str,
    shape: &'a [usize],
    data_offsets: [usize; 2],
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.metadata.is_empty() {
            map.serialize_entry(METADATA_KEY, self.metadata)?;
        }
        let mut begin = 0;
        for (name, tensor) in self.tensors {
            let element = tensor.stored_as();
            let end = begin + tensor.values.len() * element.bytes();
            let data_offsets = [begin, end];
            map.serialize_entry(name, &Entry { dtype: element.name(), shape: &tensor.shape, data_offsets })?;
            begin = end;
        }
        map.end()
    }
}

/// Returns the error for a file that the `safetensors` crate refuses.
fn refuse(path: &Path, bytes: &[u8], error: &SafeTensorError) -> WeightsError {
    let (path, found) = (path.to_owned(), bytes.len() as u64);
    let reason = if bytes.starts_with(ZIP_MAGIC) {
        "it looks like the work of torch.save; write it with safetensors.torch.save_file instead".to_owned()
    } else {
        match expected_bytes(bytes) {
            Some(expected) if expected.is_none_or(|expected| found < expected) => {
                return WeightsError::Truncated { path, expected, found };
            }
            _ => error.to_string(),
        }
    };
    WeightsError::NotSafetensors { path, reason }
}

/// Returns the expected length of a file that begins like a safetensors file, as far as it is known; `None` if it
/// begins otherwise.
fn expected_bytes(bytes: &[u8]) -> Option<Option<u64>> {
    let Some((length, rest)) = bytes.split_first_chunk::<LENGTH_BYTES>() else {
        return Some(None);
    };
    let length = u64::from_le_bytes(*length);
    if rest.first().is_some_and(|&first| first != b'{') {
        return None;
    }
    let Some(header) = usize::try_from(length).ok().and_then(|length| rest.get(..length)) else {
        return Some(None);
    };
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
    let ends = header.values().filter_map(|entry| entry.get("data_offsets")?.get(1)?.as_u64());
    Some(ends.max().unwrap_or(0).checked_add(length)?.checked_add(LENGTH_BYTES as u64))
}

#[cfg(test)]
mod tests;
