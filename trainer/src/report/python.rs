//! JSON byte for byte as Python's `json.dumps` writes it with keys sorted, for a hash over that text.

use serde_json::{Map, Value};

/// Numbers from this power of ten on are written with an exponent.
const FIRST_LARGE_EXPONENT: i32 = 16;
/// Numbers below this power of ten are written with an exponent.
const LAST_SMALL_EXPONENT: i32 = -4;

/// The text of a value: keys ascending by code point, `", "` and `": "` between, characters beyond
/// ASCII escaped.
pub(super) fn text(value: &Value) -> String {
    let mut text = String::new();
    append(&mut text, value);
    text
}

fn append(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(number) => text.push_str(&float(number)),
            None => text.push_str(&number.to_string()),
        },
        Value::String(value) => append_string(text, value),
        Value::Array(values) => {
            text.push('[');
            for (position, value) in values.iter().enumerate() {
                text.push_str(if position > 0 { ", " } else { "" });
                append(text, value);
            }
            text.push(']');
        }
        Value::Object(entries) => append_object(text, entries),
    }
}

fn append_object(text: &mut String, entries: &Map<String, Value>) {
    // Sorted here: whether the map itself is depends on a feature that another crate may set.
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.0);
    text.push('{');
    for (position, (key, value)) in sorted.into_iter().enumerate() {
        text.push_str(if position > 0 { ", " } else { "" });
        append_string(text, key);
        text.push_str(": ");
        append(text, value);
    }
    text.push('}');
}

fn append_string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    text.push('"');
}

/// A finite double as Python's `repr` writes it: the fewest digits that read back, `.0` after whole
/// numbers, an exponent of two digits or more outside 10⁻⁴ to 10¹⁶.
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
