//! Comparison of the tensors of a file with those of a model.

use std::collections::BTreeMap;
use std::fmt;

use super::tensor::{Tensor, Values};

/// Endings of the names of statistics that no data has below zero.
const NOT_NEGATIVE: [&str; 2] = [".running_var", "lattice.std"];

/// A tensor with another shape than in the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeDifference {
    /// Name of the tensor.
    pub tensor: String,
    /// Shape in the model.
    pub expected: Vec<usize>,
    /// Shape in the file.
    pub found: Vec<usize>,
}

/// The tensors in which a file and a model differ, at least one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mismatch {
    /// Tensors of the model that the file lacks, in the order of the model.
    pub missing: Vec<String>,
    /// Tensors of the file that the model lacks, by name.
    pub unexpected: Vec<String>,
    /// Tensors with different shapes, in the order of the model.
    pub shapes: Vec<ShapeDifference>,
    /// Tensors of the file with a number that they cannot have, in the order of the model, each with what is wrong.
    pub values: Vec<(String, &'static str)>,
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differs = !(self.missing.is_empty() && self.unexpected.is_empty() && self.shapes.is_empty());
        if let Some((first, fault)) = self.values.first().filter(|_| !differs) {
            let count = self.values.iter().filter(|(_, other)| other == fault).count();
            return write!(formatter, "{fault}: values of {count} of the tensors (first {first})");
        }
        formatter.write_str("the weights are of another model: ")?;
        let mut parts = Vec::new();
        if let Some(first) = self.shapes.first() {
            let count = self.shapes.len();
            let ShapeDifference { tensor, expected, found } = first;
            parts.push(format!("{count} of another shape (first {tensor}: {found:?}, needed {expected:?})"));
        }
        for (names, what) in [(&self.missing, "missing"), (&self.unexpected, "too many")] {
            if let Some(first) = names.first() {
                parts.push(format!("{} {what} (first {first})", names.len()));
            }
        }
        formatter.write_str(&parts.join(", "))
    }
}

/// Compares the tensors of a file with those of a model, given by name and shape.
///
/// Tensors of the file whose name begins with one of `ignored` are skipped, such as the `head.` of a fine-tuned
/// model.
///
/// # Errors
/// [`Mismatch`] with all differences.
pub fn check<'a>(
    expected: impl IntoIterator<Item = (&'a str, &'a [usize])>,
    tensors: &BTreeMap<String, Tensor>,
    ignored: &[&str],
) -> Result<(), Mismatch> {
    let mut mismatch = Mismatch::default();
    let mut unexpected: BTreeMap<&str, ()> = tensors.keys().map(|name| (name.as_str(), ())).collect();
    for (name, shape) in expected {
        unexpected.remove(name);
        match tensors.get(name) {
            None => mismatch.missing.push(name.to_owned()),
            Some(tensor) if tensor.shape != shape => mismatch.shapes.push(ShapeDifference {
                tensor: name.to_owned(),
                expected: shape.to_vec(),
                found: tensor.shape.clone(),
            }),
            Some(tensor) => {
                mismatch.values.extend(fault(name, &tensor.values).map(|fault| (name.to_owned(), fault)))
            }
        }
    }
    mismatch.unexpected = unexpected
        .into_keys()
        .filter(|name| !ignored.iter().any(|prefix| name.starts_with(prefix)))
        .map(str::to_owned)
        .collect();
    if mismatch == Mismatch::default() { Ok(()) } else { Err(mismatch) }
}

/// Returns what is wrong with the values of a tensor.
fn fault(name: &str, values: &Values) -> Option<&'static str> {
    if !values.are_finite() {
        return Some("infinite or not a number");
    }
    let is_deviation = NOT_NEGATIVE.iter().any(|ending| name.ends_with(ending));
    (is_deviation && values.have_negative()).then_some("negative variances")
}

#[cfg(test)]
mod tests {
    use super::super::tensor::ElementType;
    use super::*;

    fn file(tensors: &[(&str, &[usize])]) -> BTreeMap<String, Tensor> {
        let zeros = |shape: &[usize]| Tensor::f32(shape, vec![0.0; shape.iter().product()]);
        tensors.iter().map(|(name, shape)| ((*name).to_owned(), zeros(shape))).collect()
    }

    const MODEL: [(&str, &[usize]); 3] = [("z", &[2, 3]), ("a", &[4]), ("m", &[])];

    #[test]
    fn the_same_tensors_pass() {
        assert_eq!(check(MODEL, &file(&MODEL), &[]), Ok(()));
    }

    #[test]
    fn values_are_finite() {
        for value in [f32::NAN, f32::INFINITY] {
            let mut tensors = file(&MODEL);
            tensors.insert("a".to_owned(), Tensor::f32([4], vec![0.0, 0.0, value, 0.0]));
            let mismatch = check(MODEL, &tensors, &[]).expect_err("no number");
            let message = "infinite or not a number: values of 1 of the tensors (first a)";
            assert_eq!(mismatch.to_string(), message);
        }
        // It is infinite as the single that the model takes.
        let mut tensors = file(&MODEL);
        let values = Values::F64(vec![0.0, 1e300, 0.0, 0.0]);
        tensors.insert("a".to_owned(), Tensor { shape: vec![4], values, element: ElementType::F64 });
        assert_eq!(check(MODEL, &tensors, &[]).expect_err("no single").values[0].0, "a");
    }

    #[test]
    fn variances_are_not_negative() {
        const NORMALISED: [(&str, &[usize]); 2] = [("bn.running_mean", &[2]), ("bn.running_var", &[2])];
        let mut tensors = file(&NORMALISED);
        tensors.insert("bn.running_mean".to_owned(), Tensor::f32([2], vec![0.0, -1.0]));
        assert_eq!(check(NORMALISED, &tensors, &[]), Ok(()));
        tensors.insert("bn.running_var".to_owned(), Tensor::f32([2], vec![1.0, -1.0]));
        let mismatch = check(NORMALISED, &tensors, &[]).expect_err("no variance");
        let message = "negative variances: values of 1 of the tensors (first bn.running_var)";
        assert_eq!(mismatch.to_string(), message);
    }

    #[test]
    fn a_head_may_be_ignored() {
        let mut tensors = file(&MODEL);
        tensors.extend(file(&[("head.0.weight", &[1])]));
        assert_eq!(check(MODEL, &tensors, &["head."]), Ok(()));
        let mismatch = check(MODEL, &tensors, &[]).expect_err("one too many");
        assert_eq!(
            mismatch.to_string(),
            "the weights are of another model: 1 too many (first head.0.weight)"
        );
    }

    #[test]
    fn every_difference_is_counted_and_the_first_of_each_kind_named() {
        let tensors = file(&[("z", &[3, 2]), ("q", &[1]), ("p", &[1])]);
        let mismatch = check(MODEL, &tensors, &[]).expect_err("they differ");
        assert_eq!(
            mismatch.to_string(),
            "the weights are of another model: 1 of another shape (first z: [3, 2], needed [2, 3]), \
             2 missing (first a), 2 too many (first p)"
        );
    }
}
