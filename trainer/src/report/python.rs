//! JSON with exactly the bytes of Python's `json.dumps` with sorted keys.
//!
//! MatBench checks a hash of this text. `MatbenchBenchmark.from_dict` (`matbench/bench.py`, version 0.6) computes the
//! SHA-256 of `json.dumps` of the record without its hash (`hash_dictionary` in `matbench/util.py`) and refuses a
//! record with another `hash`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// Power of ten from which on numbers have an exponent.
const FIRST_LARGE_EXPONENT: i32 = 16;
/// Power of ten below which numbers have an exponent.
const LAST_SMALL_EXPONENT: i32 = -4;

/// Returns the text of a value: keys sorted by code point, the separators `", "` and `": "`, and characters beyond
/// ASCII escaped.
pub(super) fn text(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    let mut text = Vec::new();
    sorted.serialize(&mut Serializer::with_formatter(&mut text, Python)).expect("memory takes it");
    text.into_iter().map(char::from).collect()
}

/// Formatter with the differences of `json.dumps` from the default of `serde_json`.
struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.begin_array_value(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_f64<W: ?Sized + Write>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        out.write_all(float(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        for character in fragment.chars() {
            match character {
                ' '..='~' => write!(out, "{character}")?,
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(out, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Formats a finite double like Python's `repr`: the fewest digits that read back, `.0` after whole numbers, and an
/// exponent of at least two digits outside 10⁻⁴ to 10¹⁶.
fn float(value: f64) -> String {
    // Rust's exponent format has the same digits: d.ddde-7.
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value == 0.0 || (LAST_SMALL_EXPONENT..FIRST_LARGE_EXPONENT).contains(&exponent) {
        return format!("{value:?}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn doubles_are_written_as_python_does() {
        // repr() of the same doubles in CPython 3.11.
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-4, "0.0001"),
            (9.999e-5, "9.999e-05"),
            (1e-5, "1e-05"),
            (1.5e-300, "1.5e-300"),
            (123_456_789.0, "123456789.0"),
            (1e15, "1000000000000000.0"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (-1.25e22, "-1.25e+22"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::from_bits(1), "5e-324"),
        ];
        for (value, expected) in cases {
            assert_eq!(float(value), expected);
        }
    }

    #[test]
    fn text_is_that_of_json_dumps() {
        let value = json!({"b": [1, 2.5, null, true], "a": {"é\u{1F600}\"\\\u{7f}\n": {}}, "A": []});
        assert_eq!(
            text(&value),
            r#"{"A": [], "a": {"\u00e9\ud83d\ude00\"\\\u007f\n": {}}, "b": [1, 2.5, null, true]}"#
        );
    }

    proptest! {
        #[test]
        fn doubles_read_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(float(value).parse::<f64>().expect("it is a number").to_bits(), bits);
        }

        #[test]
        fn strings_read_back(value in ".*") {
            let text = text(&Value::String(value.clone()));
            prop_assert!(text.is_ascii());
            prop_assert_eq!(serde_json::from_str::<String>(&text).expect("it is JSON"), value);
        }
    }
}
