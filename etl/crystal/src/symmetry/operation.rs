//! A symmetry operation, read from text such as `x, y+1/2, -z`, and sets of operations.

use std::collections::HashSet;

use thiserror::Error;

/// Largest number of operations of a space group modulo the lattice translations of its conventional cell (192 for
/// `F m -3 m`).
pub const MAX_OPERATIONS: usize = 192;

/// The translations of all space groups in their tabulated settings are multiples of 1/24.
const GRID: f64 = 24.0;

/// Largest difference between a printed translation (`0.33`, `0.1667`) and a multiple of 1/24.
const GRID_TOLERANCE: f64 = 0.005;

/// Translations are compared after rounding to multiples of 1 over this number.
const KEY_GRID: f64 = 4800.0;

/// A symmetry operation `f -> R f + t` on fractional coordinates, written as a column vector `f`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SymmetryOperation {
    /// Rotation matrix R as three rows, with determinant +1 or -1.
    pub rotation: [[i8; 3]; 3],
    /// Translation vector t in fractional coordinates, each component in [0, 1).
    pub translation: [f64; 3],
}

/// An error of a text that is not a symmetry operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OperationError {
    /// The text does not consist of three expressions separated by commas.
    #[error("it does not have three components")]
    Components,
    /// An expression contains an invalid character.
    #[error("it has a character that does not belong there")]
    Character,
    /// A fraction or decimal number cannot be parsed.
    #[error("it has a number that cannot be read")]
    Number,
    /// A coefficient of x, y or z is not a small integer.
    #[error("it has a coefficient that is not a small integer")]
    Coefficient,
    /// The determinant is not +1 or -1.
    #[error("its determinant is neither 1 nor -1")]
    Determinant,
}

/// A key that is equal for operations that are equal up to lattice translations and rounding.
type Key = ([[i8; 3]; 3], [i32; 3]);

impl SymmetryOperation {
    /// The identity `x, y, z`.
    pub const IDENTITY: Self = Self { rotation: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], translation: [0.0; 3] };

    /// Creates an operation. Each component of the translation is reduced to [0, 1) and rounded to a multiple of 1/24
    /// if it is close to one.
    pub fn new(rotation: [[i8; 3]; 3], translation: [f64; 3]) -> Self {
        Self { rotation, translation: translation.map(snapped) }
    }

    /// Parses an operation such as `-y, x-y, z+1/3`. The letters x, y, z (or a, b, c) may be in either case, and
    /// fractions and decimal numbers may be in any order.
    ///
    /// # Errors
    /// Returns an [`OperationError`] if the text is invalid.
    pub fn parse(text: &[u8]) -> Result<Self, OperationError> {
        let mut rotation = [[0i8; 3]; 3];
        let mut translation = [0.0; 3];
        let mut rest = text;
        for (index, (row, shift)) in rotation.iter_mut().zip(&mut translation).enumerate() {
            let comma = rest.iter().position(|&byte| byte == b',');
            let component = match (index, comma) {
                (0 | 1, Some(comma)) => {
                    let component = &rest[..comma];
                    rest = &rest[comma + 1..];
                    component
                }
                (2, None) => rest,
                _ => return Err(OperationError::Components),
            };
            *shift = parse_component(component, row)?;
        }
        if !matches!(determinant(&rotation), 1 | -1) {
            return Err(OperationError::Determinant);
        }
        Ok(Self::new(rotation, translation))
    }

    /// Returns the image `R f + t` of fractional coordinates f. It is not wrapped into the unit cell.
    #[inline]
    pub fn apply(&self, fractional: &[f64; 3]) -> [f64; 3] {
        let [x, y, z] = *fractional;
        let image = |row: &[i8; 3], shift: f64| {
            f64::from(row[0]) * x + f64::from(row[1]) * y + f64::from(row[2]) * z + shift
        };
        let [t1, t2, t3] = self.translation;
        [image(&self.rotation[0], t1), image(&self.rotation[1], t2), image(&self.rotation[2], t3)]
    }

    /// Returns the product of two operations, which applies `other` first and then `self`. Returns `None` if an entry
    /// of the rotation overflows.
    pub fn after(&self, other: &Self) -> Option<Self> {
        let mut rotation = [[0i8; 3]; 3];
        for (row, left) in rotation.iter_mut().zip(&self.rotation) {
            for (column, entry) in row.iter_mut().enumerate() {
                let sum: i32 =
                    (0..3).map(|k| i32::from(left[k]) * i32::from(other.rotation[k][column])).sum();
                *entry = i8::try_from(sum).ok()?;
            }
        }
        Some(Self::new(rotation, self.apply(&other.translation)))
    }

    fn key(&self) -> Key {
        (self.rotation, self.translation.map(|shift| (shift * KEY_GRID).round() as i32 % KEY_GRID as i32))
    }
}

/// Reduces a translation to [0, 1) and rounds it to the nearest multiple of 1/24 if that is close.
fn snapped(shift: f64) -> f64 {
    let wrapped = shift - shift.floor();
    let nearest = (wrapped * GRID).round() / GRID;
    let shift = if (wrapped - nearest).abs() <= GRID_TOLERANCE { nearest } else { wrapped };
    if shift >= 1.0 { 0.0 } else { shift }
}

fn determinant(rotation: &[[i8; 3]; 3]) -> i32 {
    let [a, b, c] = rotation.map(|row| row.map(i32::from));
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
}

/// Largest coefficient of x, y or z. No crystallographic basis needs a larger one.
const MAX_COEFFICIENT: f64 = 4.0;

/// Parses one expression such as `x-y+1/2`. Writes the coefficients into `row`, a row of R, and returns the
/// translation.
fn parse_component(text: &[u8], row: &mut [i8; 3]) -> Result<f64, OperationError> {
    let mut shift = 0.0;
    let mut sign = 1.0;
    let mut number: Option<f64> = None;
    let mut terms = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b'*' | b'_' => {}
            b'+' | b'-' => {
                shift += number.take().map_or(0.0, |number| sign * number);
                sign = if byte == b'-' { -1.0 } else { 1.0 };
            }
            b'0'..=b'9' | b'.' => {
                if number.is_some() {
                    return Err(OperationError::Number);
                }
                let start = at - 1;
                while matches!(text.get(at), Some(b'0'..=b'9' | b'.')) {
                    at += 1;
                }
                let mut value = decimal(&text[start..at])?;
                if text.get(at) == Some(&b'/') {
                    let start = at + 1;
                    at = start;
                    while matches!(text.get(at), Some(b'0'..=b'9' | b'.')) {
                        at += 1;
                    }
                    value /= decimal(&text[start..at])?;
                    if !value.is_finite() {
                        return Err(OperationError::Number);
                    }
                }
                number = Some(value);
                terms += 1;
            }
            _ => {
                let axis = match byte {
                    b'x' | b'X' | b'a' | b'A' => 0,
                    b'y' | b'Y' | b'b' | b'B' => 1,
                    b'z' | b'Z' | b'c' | b'C' => 2,
                    _ => return Err(OperationError::Character),
                };
                let coefficient = sign * number.take().unwrap_or(1.0) + f64::from(row[axis]);
                if coefficient.fract() != 0.0
                    || coefficient.abs() > MAX_COEFFICIENT
                    || text.get(at) == Some(&b'/')
                {
                    return Err(OperationError::Coefficient);
                }
                row[axis] = coefficient as i8;
                sign = 1.0;
                terms += 1;
            }
        }
    }
    if terms == 0 {
        return Err(OperationError::Components);
    }
    Ok(shift + number.map_or(0.0, |number| sign * number))
}

fn decimal(text: &[u8]) -> Result<f64, OperationError> {
    let text = std::str::from_utf8(text).map_err(|_| OperationError::Number)?;
    text.parse().map_err(|_| OperationError::Number)
}

/// Whether the operations form a group modulo lattice translations. They must be distinct.
pub fn is_group(operations: &[SymmetryOperation]) -> bool {
    let keys: HashSet<Key> = operations.iter().map(SymmetryOperation::key).collect();
    keys.len() == operations.len()
        && keys.contains(&SymmetryOperation::IDENTITY.key())
        && operations.iter().all(|left| {
            operations
                .iter()
                .all(|right| left.after(right).is_some_and(|product| keys.contains(&product.key())))
        })
}

/// Returns the group generated by the operations, with the identity first, or `None` if it has more than
/// [`MAX_OPERATIONS`] elements.
pub fn closure(generators: &[SymmetryOperation]) -> Option<Vec<SymmetryOperation>> {
    let mut operations = vec![SymmetryOperation::IDENTITY];
    let mut keys: HashSet<Key> = operations.iter().map(SymmetryOperation::key).collect();
    let mut done = 0;
    while let Some(left) = operations.get(done).copied() {
        done += 1;
        for generator in generators {
            let product = generator.after(&left)?;
            if keys.insert(product.key()) {
                if operations.len() == MAX_OPERATIONS {
                    return None;
                }
                operations.push(product);
            }
        }
    }
    Some(operations)
}

/// Removes duplicate operations and keeps the first of each.
pub fn without_duplicates(operations: &mut Vec<SymmetryOperation>) {
    let mut keys: HashSet<Key> = HashSet::with_capacity(operations.len());
    operations.retain(|operation| keys.insert(operation.key()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> SymmetryOperation {
        SymmetryOperation::parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn one_operation_in_many_forms() {
        let expected = SymmetryOperation {
            rotation: [[0, -1, 0], [1, -1, 0], [0, 0, 1]],
            translation: [0.5, 0.0, 1.0 / 3.0],
        };
        for text in [
            "-y+1/2, x-y, z+1/3",
            "1/2-y,x-y,1/3+z",
            "0.5-Y , X-Y , Z+0.333",
            "-Y+.5,X-Y,.3333+Z",
            "-b+1/2,a-b,c+1/3",
            "1/2 - y, x - y, z + 1/3",
            "-y+3/2,-y+x,z-2/3",
            "-1*y+0.5,1x-1y,z+0.33",
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_operation() {
        for (text, error) in [
            ("x,y", OperationError::Components),
            ("x,y,z,u", OperationError::Components),
            ("x,y,", OperationError::Components),
            ("", OperationError::Components),
            ("x,y,w", OperationError::Character),
            ("x,y,z+1/0", OperationError::Number),
            ("x,y,z+1.2.3", OperationError::Number),
            ("x,y,z/2", OperationError::Coefficient),
            ("x,y,0.5z", OperationError::Coefficient),
            ("x,x,z", OperationError::Determinant),
            ("x,y,1/2", OperationError::Determinant),
        ] {
            assert_eq!(SymmetryOperation::parse(text.as_bytes()), Err(error), "{text}");
        }
    }

    #[test]
    fn generators_of_a_diamond_lattice_close() {
        let generators =
            ["x,y+1/2,z+1/2", "x+1/2,y,z+1/2", "z,x,y", "-y,-x,z", "y+1/4,-x+3/4,z+1/4"].map(parsed);
        let group = closure(&generators).expect("a finite group");
        assert_eq!(group.len() % 24, 0);
        assert!(is_group(&group));
        assert!(!is_group(&group[..group.len() - 1]));
    }

    #[test]
    fn an_infinite_group_is_refused() {
        assert_eq!(closure(&["x-y,x,z", "-y,x,z"].map(parsed)), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_safe(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = SymmetryOperation::parse(&bytes);
        }

        #[test]
        fn likely_bytes_are_safe(text in "[-+xyzXYZ0-9/., *]{0,30}") {
            let _ = SymmetryOperation::parse(text.as_bytes());
        }
    }
}
