//! Numbers of JSON as the nearest doubles. The parser of `serde_json` may miss them by one unit, and then
//! a store would not have the settings that it was built with.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::value::RawValue;

/// Reads a finite number; for `serde(deserialize_with)`.
///
/// # Errors
/// For anything else, and for numbers that no double is close to.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = Box::<RawValue>::deserialize(deserializer)?;
    let text = text.get();
    let number = text.parse().map_err(|_| Error::custom(format!("{text} is not a number")))?;
    if f64::is_finite(number) { Ok(number) } else { Err(Error::custom(format!("{text} is out of range"))) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Length {
        #[serde(deserialize_with = "number")]
        angstrom: f64,
    }

    fn read(text: &str) -> Result<f64, String> {
        let length: Result<Length, _> = serde_json::from_str(&format!("{{\"angstrom\": {text}}}"));
        length.map(|length| length.angstrom).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_no_double_is_refused() {
        assert_eq!(read("-8"), Ok(-8.0));
        assert_eq!(read("1e400").expect_err("infinite"), "1e400 is out of range at line 1 column 19");
        for bad in ["\"8\"", "null", "[8]", "true", "NaN", "+8", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_double_is_read_as_it_was_written(number in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            let text = serde_json::to_string(&number).expect("a number");
            prop_assert_eq!(read(&text).map(f64::to_bits), Ok(number.to_bits()));
        }
    }
}
