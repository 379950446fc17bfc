//! A symmetry operation, read from text such as `x, y+1/2, -z`.

use thiserror::Error;

/// The translations of all space groups in their tabulated settings are multiples of 1/24.
const GRID: f64 = 24.0;

/// Largest difference of a computed translation from a multiple of 1/24 that it equals. Translations between these
/// multiples are those of another origin. They stay as they are.
const ROUNDING: f64 = 1e-9;

/// Largest difference of a long decimal from a multiple of 1/24 that it equals (`0.24999999`, `0.0416667`).
const DECIMAL_ROUNDING: f64 = 1e-6;

/// A decimal with this many digits or more may be a third or sixth, rounded or cut off: `0.33`, but not `0.3`.
const FEWEST_DECIMALS: usize = 2;

/// Thirds and sixths may be rounded or cut off to four digits and then be printed with more: `0.66670000`.
const FINEST_UNIT: f64 = 1e-4;

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

impl SymmetryOperation {
    /// The identity `x, y, z`.
    pub const IDENTITY: Self = Self { rotation: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], translation: [0.0; 3] };

    /// Creates an operation. Each component of the translation is reduced to [0, 1), and to the multiple of 1/24 that it
    /// equals within rounding errors.
    pub fn new(rotation: [[i8; 3]; 3], translation: [f64; 3]) -> Self {
        Self { rotation, translation: translation.map(snapped) }
    }

    /// Parses an operation such as `-y, x-y, z+1/3`. The letters x, y, z (or a, b, c) may be in either case, and
    /// fractions and decimal numbers may be in any order.
    ///
    /// A translation is what is written, because the origin of a space group may be anywhere. A decimal that is a third
    /// or a sixth, rounded or cut off (`0.67`, `0.666`), is that fraction.
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
}

/// Reduces a translation to [0, 1), and to the multiple of 1/24 that it equals within rounding errors.
fn snapped(shift: f64) -> f64 {
    let wrapped = shift - shift.floor();
    let nearest = (wrapped * GRID).round() / GRID;
    let shift = if (wrapped - nearest).abs() <= ROUNDING { nearest } else { wrapped };
    if shift >= 1.0 { 0.0 } else { shift }
}

fn determinant(rotation: &[[i8; 3]; 3]) -> i32 {
    let [a, b, c] = rotation.map(|row| row.map(i32::from));
    a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
}

/// Largest coefficient of x, y or z. No crystallographic basis needs a larger one.
const MAX_COEFFICIENT: f64 = 4.0;

/// A number of an expression.
#[derive(Debug, Clone, Copy)]
struct Number {
    /// Its value as written.
    value: f64,
    /// Number of digits after the decimal point; 0 for a fraction.
    decimals: usize,
}

impl Number {
    /// Returns the translation that the number denotes.
    fn translation(self) -> f64 {
        let Self { value, decimals } = self;
        if decimals == 0 {
            return value;
        }
        let sixth = (6.0 * value).round() / 6.0;
        // Halves have one decimal, and nobody rounds them.
        let is_endless = (2.0 * sixth).fract() != 0.0;
        if is_endless && decimals >= FEWEST_DECIMALS {
            let unit = 10f64.powi(-i32::try_from(decimals).unwrap_or(i32::MAX)).max(FINEST_UNIT);
            let left_out = sixth - value;
            if (-unit / 2.0..unit).contains(&left_out) {
                return sixth;
            }
        }
        let nearest = (value * GRID).round() / GRID;
        if (value - nearest).abs() <= DECIMAL_ROUNDING { nearest } else { value }
    }
}

/// Parses one expression such as `x-y+1/2`. Writes the coefficients into `row`, a row of R, and returns the
/// translation.
fn parse_component(text: &[u8], row: &mut [i8; 3]) -> Result<f64, OperationError> {
    let mut shift = 0.0;
    let mut sign = 1.0;
    let mut number: Option<Number> = None;
    let mut terms = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b'*' | b'_' => {}
            b'+' | b'-' => {
                shift += number.take().map_or(0.0, |number| sign * number.translation());
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
                let mut read = decimal(&text[start..at])?;
                if text.get(at) == Some(&b'/') {
                    let start = at + 1;
                    at = start;
                    while matches!(text.get(at), Some(b'0'..=b'9' | b'.')) {
                        at += 1;
                    }
                    read = Number { value: read.value / decimal(&text[start..at])?.value, decimals: 0 };
                    if !read.value.is_finite() {
                        return Err(OperationError::Number);
                    }
                }
                number = Some(read);
                terms += 1;
            }
            _ => {
                let axis = match byte {
                    b'x' | b'X' | b'a' | b'A' => 0,
                    b'y' | b'Y' | b'b' | b'B' => 1,
                    b'z' | b'Z' | b'c' | b'C' => 2,
                    _ => return Err(OperationError::Character),
                };
                let coefficient =
                    sign * number.take().map_or(1.0, |number| number.value) + f64::from(row[axis]);
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
    shift += number.map_or(0.0, |number| sign * number.translation());
    if shift.is_finite() { Ok(shift) } else { Err(OperationError::Number) }
}

fn decimal(text: &[u8]) -> Result<Number, OperationError> {
    let digits = std::str::from_utf8(text).map_err(|_| OperationError::Number)?;
    let value = digits.parse::<f64>().map_err(|_| OperationError::Number)?;
    Ok(Number { value, decimals: text.iter().rev().position(|&byte| byte == b'.').unwrap_or(0) })
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
        let infinite = format!("x,y,z+{}", "9".repeat(400));
        assert_eq!(SymmetryOperation::parse(infinite.as_bytes()), Err(OperationError::Number));
    }

    /// The translation of `x+TEXT,y,z`.
    fn shift(text: &str) -> f64 {
        parsed(&format!("x+{text},y,z")).translation[0]
    }

    #[test]
    fn thirds_and_sixths_may_be_rounded_or_cut_off() {
        for (texts, expected) in [
            ("0.33 .333 0.3333 0.33333 0.33333333 0.33330000 1.33 -0.67 -0.66 -.666666", 1.0 / 3.0),
            ("0.67 0.66 .667 .666 0.6667 0.6666 0.66667 0.66670000 0.6666666 -0.33 -0.3333", 2.0 / 3.0),
            ("0.17 0.16 0.167 0.1667 0.1666 0.16666667 -0.83 -0.833", 1.0 / 6.0),
            ("0.83 0.833 0.8333 -.17 -.16 -0.1667", 5.0 / 6.0),
            ("0.5 .50 0.500 0.50000000 0.49999999 1/2 2/4 -0.5", 0.5),
            ("0.125 0.12500000 0.1249999 1/8 -7/8", 0.125),
            ("0.0416667 1/24 -23/24", 1.0 / 24.0),
            ("0.0 0 1 1.0 0.9999999 -0.0000001 3/3", 0.0),
        ] {
            for text in texts.split(' ') {
                assert_eq!(shift(text), expected, "{text}");
            }
        }
    }

    #[test]
    fn other_translations_are_what_is_written() {
        for (text, expected) in [
            ("0.129", 0.129),
            ("129/1000", 0.129),
            ("0.3", 0.3),
            ("0.7", 0.7),
            ("0.34", 0.34),
            ("0.65", 0.65),
            ("0.13", 0.13),
            ("0.12", 0.12),
            ("0.49", 0.49),
            ("0.335", 0.335),
            ("0.668", 0.668),
            ("0.332", 0.332),
            ("0.3330000", 0.333),
            ("0.33345678", 0.333_456_78),
            ("0.12510000", 0.1251),
            ("0.0418", 0.0418),
            ("597/916", 597.0 / 916.0),
            ("333/1000", 0.333),
            ("1/7", 1.0 / 7.0),
            ("1.129", 1.129 - 1.0),
        ] {
            assert!((shift(text) - expected).abs() < 1e-15, "{text} {}", shift(text));
        }
        assert_eq!(parsed("-x+0.129,-y,-z").apply(&[0.0865, 0.0, 0.0]), [0.129 - 0.0865, 0.0, 0.0]);
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
