//! One symmetry operation, read from `x, y+1/2, -z`, and sets of them.

use std::collections::HashSet;

use thiserror::Error;

/// Most operations a space group has per conventional cell (192, of `F m -3 m`).
pub const MAX_OPERATIONS: usize = 192;

/// Translations of every space group are multiples of 1/24 of a cell edge.
const GRID: f64 = 24.0;

/// How far a printed translation (`0.33`, `0.1667`) may lie from a multiple of 1/24.
const GRID_TOLERANCE: f64 = 0.005;

/// Translations are compared as multiples of this many parts of a cell edge.
const KEY_GRID: f64 = 4800.0;

/// `f -> R f + t` on fractional coordinates (column vectors).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SymmetryOperation {
    /// R, row by row; determinant +1 or -1.
    pub rotation: [[i8; 3]; 3],
    /// t in fractions of the cell edges, each in [0, 1).
    pub translation: [f64; 3],
}

/// Why a text is no symmetry operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OperationError {
    /// Not three expressions with commas between.
    #[error("it does not have three components")]
    Components,
    /// A character no expression has.
    #[error("it has a character that does not belong there")]
    Character,
    /// A fraction or decimal number that cannot be read.
    #[error("it has a number that cannot be read")]
    Number,
    /// A coefficient of x, y or z that is not a small integer.
    #[error("it has a coefficient that is not a small integer")]
    Coefficient,
    /// A determinant other than +1 or -1.
    #[error("its determinant is neither 1 nor -1")]
    Determinant,
}

/// Equality of operations up to lattice translations and rounding.
type Key = ([[i8; 3]; 3], [i32; 3]);

impl SymmetryOperation {
    /// `x, y, z`.
    pub const IDENTITY: Self = Self { rotation: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], translation: [0.0; 3] };

    /// With the translation brought to [0, 1) and, where it is close, to a multiple of 1/24.
    pub fn new(rotation: [[i8; 3]; 3], translation: [f64; 3]) -> Self {
        Self { rotation, translation: translation.map(snapped) }
    }

    /// Reads `-y, x-y, z+1/3`: letters x, y, z (or a, b, c) in any case, fractions or decimals, in any order.
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

    /// Image of fractional coordinates, not wrapped.
    #[inline]
    pub fn apply(&self, fractional: &[f64; 3]) -> [f64; 3] {
        let [x, y, z] = *fractional;
        let image = |row: &[i8; 3], shift: f64| {
            f64::from(row[0]) * x + f64::from(row[1]) * y + f64::from(row[2]) * z + shift
        };
        let [t1, t2, t3] = self.translation;
        [image(&self.rotation[0], t1), image(&self.rotation[1], t2), image(&self.rotation[2], t3)]
    }

    /// `self` after `other`; `None` where an entry outgrows its type.
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

/// Translation in [0, 1), on the nearest multiple of 1/24 where that is close.
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

/// Largest coefficient of x, y or z: more is no crystallographic basis.
const MAX_COEFFICIENT: f64 = 4.0;

/// Reads one expression such as `x-y+1/2` into a row of R; its result is the translation.
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

/// Whether the operations, all different, are a group modulo lattice translations.
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

/// The group the operations generate, identity first; `None` where it has more than [`MAX_OPERATIONS`].
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

/// Removes operations that stand there twice; the first of each stays.
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
