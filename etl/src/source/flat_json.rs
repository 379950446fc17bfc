//! Cells whose numbers, positions and vectors are JSON arrays of any nesting, or texts that hold such arrays.

use std::borrow::Cow;

use crystal::structure::Structure;
use schemas::count::counted;
use schemas::limits::MAX_SITES;

use super::RecordError;
use super::atoms::{Coordinates, complete};
use super::json::{Cursor, JsonError};
use super::species::element_of;

/// Key of an array of NumPy in the JSON of ASE: its shape, its type, and its values in C order.
const NDARRAY: &[u8] = b"__ndarray__";
/// Largest number of values of an array: the coordinates of as many sites as a crystal may have.
const MAX_NUMBERS: usize = 3 * MAX_SITES;

/// Appends the numbers of an array, in their order, to `numbers`. Truth values are 1 and 0, `null` is no number. The
/// array may be a text, or an object that holds it as `__ndarray__`.
///
/// # Errors
/// Returns a [`RecordError`] if it holds anything else, or more numbers than any crystal has coordinates.
pub(super) fn flat_numbers(
    raw: &[u8],
    what: &'static str,
    numbers: &mut Vec<f64>,
) -> Result<(), RecordError> {
    let text = array_of(raw, what)?;
    let mut cursor = Cursor::new(&text);
    array(&mut cursor, what, numbers)?;
    Ok(cursor.end()?)
}

/// Returns the array in a value: the value itself, its text, or the values of an object `{"__ndarray__": [shape, type,
/// values]}`. Whether it is an array is not checked.
///
/// # Errors
/// Returns a [`RecordError`] if an object is malformed or another one.
pub(super) fn array_of<'a>(raw: &'a [u8], what: &'static str) -> Result<Cow<'a, [u8]>, RecordError> {
    let mut cursor = Cursor::new(raw);
    match cursor.peek() {
        Some(b'"') => Ok(Cow::Owned(cursor.string()?.text().into_owned().into_bytes())),
        Some(b'{') => ndarray(&mut cursor, what).map(Cow::Borrowed),
        _ => Ok(Cow::Borrowed(raw)),
    }
}

/// Returns the values of `{"__ndarray__": [shape, type, values]}` as written.
fn ndarray<'a>(cursor: &mut Cursor<'a>, what: &'static str) -> Result<&'a [u8], RecordError> {
    cursor.expect(b'{', what)?;
    let mut first = true;
    let mut found = None;
    while let Some(key) = cursor.next_key(&mut first)? {
        if key.raw != NDARRAY {
            cursor.skip()?;
            continue;
        }
        cursor.expect(b'[', "the shape, the type and the values of an array")?;
        cursor.skip()?;
        cursor.expect(b',', "the type of an array")?;
        cursor.skip()?;
        cursor.expect(b',', "the values of an array")?;
        found = Some(cursor.raw()?);
        cursor.expect(b']', "the end of an array")?;
    }
    found.ok_or(RecordError::MissingField(what))
}

/// Reads an array of any nesting, without recursion.
fn array(cursor: &mut Cursor<'_>, what: &'static str, numbers: &mut Vec<f64>) -> Result<(), RecordError> {
    cursor.expect(b'[', what)?;
    // Whether the next element is the first one, of every open array only the innermost.
    let (mut depth, mut first) = (1usize, true);
    while depth > 0 {
        if !cursor.next_element(&mut first)? {
            depth -= 1;
            first = false;
            continue;
        }
        if cursor.peek() == Some(b'[') {
            cursor.expect(b'[', what)?;
            depth += 1;
            first = true;
            continue;
        }
        if numbers.len() == MAX_NUMBERS {
            return Err(RecordError::TooManySites { limit: MAX_SITES });
        }
        numbers.push(match cursor.peek() {
            Some(b't' | b'f') => f64::from(u8::from(cursor.boolean()?)),
            _ => cursor.number()?,
        });
    }
    Ok(())
}

/// Returns the error of an array with another number of values.
fn other_count(expected: &'static str, found: String) -> RecordError {
    RecordError::Json(JsonError { byte: 0, expected, found })
}

/// The parts of a cell, as written.
#[derive(Debug, Default)]
pub(super) struct Cell<'a> {
    /// Nine components of three cell vectors, as rows in Å.
    pub(super) lattice: Option<&'a [u8]>,
    /// Atomic numbers.
    pub(super) numbers: Option<&'a [u8]>,
    /// Whether the crystal is periodic in each direction.
    pub(super) periodic: Option<&'a [u8]>,
}

impl Cell<'_> {
    /// Makes the structure of a cell whose Cartesian positions in Å `positions` appends one after another.
    ///
    /// # Errors
    /// Returns a [`RecordError`] if a part is missing or malformed, or if it is not a crystal.
    pub(super) fn structure(
        &self,
        structure: &mut Structure,
        positions: impl FnOnce(&mut Vec<f64>) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        structure.clear();
        let mut values = Vec::new();
        let mut read = |raw: Option<&[u8]>, what: &'static str| -> Result<Vec<f64>, RecordError> {
            values.clear();
            flat_numbers(raw.ok_or(RecordError::MissingField(what))?, what, &mut values)?;
            Ok(std::mem::take(&mut values))
        };
        let periodic = read(self.periodic, "pbc")?;
        if periodic.len() != 3 || periodic.iter().any(|flag| *flag != 1.0) {
            let shown: Vec<&str> =
                periodic.iter().take(3).map(|flag| if *flag == 0.0 { "F" } else { "T" }).collect();
            return Err(RecordError::NotPeriodic(format!("pbc {}", shown.join(" "))));
        }
        let lattice = read(self.lattice, "cell")?;
        let (rows, rest) = lattice.as_chunks::<3>();
        structure.lattice = match rows {
            [a, b, c] if rest.is_empty() => [*a, *b, *c],
            _ => return Err(other_count("9 numbers of the cell", counted(lattice.len(), "number"))),
        };
        let numbers = read(self.numbers, "numbers")?;
        for (at, number) in numbers.iter().enumerate() {
            structure.atomic_numbers.push(element_of(*number, at + 1)?);
        }
        positions(&mut values)?;
        let (rows, rest) = values.as_chunks::<3>();
        if !rest.is_empty() {
            let [found, atoms] = [counted(values.len(), "coordinate"), counted(numbers.len(), "atom")];
            return Err(other_count("3 coordinates of every atom", format!("{found} of {atoms}")));
        }
        structure.fractional.extend_from_slice(rows);
        complete(structure, Coordinates::Cartesian)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<f64>, RecordError> {
        let mut numbers = Vec::new();
        flat_numbers(text.as_bytes(), "x", &mut numbers).map(|()| numbers)
    }

    #[test]
    fn arrays_of_any_form_are_flat() {
        assert_eq!(read("[1, [2.5, [3]], []]"), Ok(vec![1.0, 2.5, 3.0]));
        assert_eq!(read(r#""[[1, 2], [true, false]]""#), Ok(vec![1.0, 2.0, 1.0, 0.0]));
        assert_eq!(read(r#"{"__ndarray__": [[1, 2], "float64", [0.5, 1]]}"#), Ok(vec![0.5, 1.0]));
        assert_eq!(read("[]"), Ok(vec![]));
    }

    #[test]
    fn anything_else_is_a_fault() {
        let deep = "[".repeat(1 << 20);
        for text in [
            "",
            "1",
            "null",
            "[1",
            "[1 2]",
            "[null]",
            "[\"1\"]",
            "{}",
            "\"[1\"",
            "\"[1] 2\"",
            &deep,
            r#"{"__ndarray__": [1]}"#,
        ] {
            assert!(read(text).is_err(), "{}", &text[..text.len().min(40)]);
        }
    }

    #[test]
    fn cells_are_checked() {
        let cell = |periodic: &'static str, lattice: &'static str, numbers: &'static str, positions: &str| {
            let part = |text: &'static str| Some(text.as_bytes());
            let cell = Cell { lattice: part(lattice), numbers: part(numbers), periodic: part(periodic) };
            let mut structure = Structure::default();
            let read =
                cell.structure(&mut structure, |all| flat_numbers(positions.as_bytes(), "positions", all));
            read.map(|()| structure.fractional).map_err(|error| error.reason_code())
        };
        let (all, cube) = ("[true, true, true]", "[[2, 0, 0], [0, 2, 0], [0, 0, 2]]");
        assert_eq!(cell(all, cube, "[84]", "[[1, 0, 0]]"), Ok(vec![[0.5, 0.0, 0.0]]));
        assert_eq!(cell("[true, true, false]", cube, "[84]", "[[1, 0, 0]]"), Err("not_periodic"));
        assert_eq!(cell("[]", cube, "[84]", "[[1, 0, 0]]"), Err("not_periodic"));
        assert_eq!(cell(all, "[1, 2]", "[84]", "[[1, 0, 0]]"), Err("bad_json"));
        assert_eq!(cell(all, cube, "[84.5]", "[[1, 0, 0]]"), Err("unknown_element"));
        assert_eq!(cell(all, cube, "[0]", "[[1, 0, 0]]"), Err("unknown_element"));
        assert_eq!(cell(all, cube, "[84]", "[[1, 0]]"), Err("bad_json"));
        assert_eq!(cell(all, cube, "[84, 84]", "[[1, 0, 0]]"), Err("site_count_mismatch"));
        assert_eq!(cell(all, cube, "[]", "[]"), Err("no_sites"));
        assert_eq!(cell(all, cube, "[84]", "[[NaN, 0, 0]]"), Err("not_finite"));
    }

    #[test]
    fn other_numbers_of_values_are_counted() {
        let fault = |lattice: &str, positions: &str| {
            let cell = Cell {
                lattice: Some(lattice.as_bytes()),
                numbers: Some(b"[84]"),
                periodic: Some(b"[true, true, true]"),
            };
            let read = cell.structure(&mut Structure::default(), |all| {
                flat_numbers(positions.as_bytes(), "positions", all)
            });
            read.expect_err("another number of values").to_string()
        };
        let message = fault("[1, 0, 0, 0, 1, 0, 0, 0]", "[0, 0, 0]");
        assert!(message.ends_with("expected 9 numbers of the cell, found 8 numbers"), "{message}");
        let message = fault("[1, 0, 0, 0, 1, 0, 0, 0, 1]", "[0, 0, 0, 0]");
        assert!(
            message.ends_with("expected 3 coordinates of every atom, found 4 coordinates of 1 atom"),
            "{message}"
        );
    }
}
