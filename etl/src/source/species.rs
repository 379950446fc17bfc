//! Element symbols as written in databases.

use crystal::element::{SYMBOLS, atomic_number_of, atomic_number_of_ion};

use crate::source::RecordError;

/// Returns the atomic number of a symbol, which may be surrounded by blanks.
///
/// # Errors
/// Returns [`RecordError::AmbiguousElement`] for a choice of elements such as `(Cs,Os)`, which occurs in six entries
/// of OQMD, and [`RecordError::UnknownElement`] for any other text. `site` is counted from 1.
#[inline]
pub(super) fn element(symbol: &[u8], site: usize) -> Result<u8, RecordError> {
    let trimmed = symbol.trim_ascii();
    atomic_number_of(trimmed).ok_or_else(|| fault(trimmed, site))
}

/// Returns the atomic number of a species: a symbol that may have an oxidation state (`Fe3+`, `O2-`, `Na+`, `Mn2.5+`,
/// `Fe0+`) or further properties after a comma (`Ni2+,spin=5`).
///
/// # Errors
/// Returns the errors of [`element`].
#[inline]
pub(super) fn species(symbol: &[u8], site: usize) -> Result<u8, RecordError> {
    let trimmed = symbol.trim_ascii();
    if let Some(number) = atomic_number_of(trimmed) {
        return Ok(number);
    }
    let bare = trimmed.split(|&byte| byte == b',').next().unwrap_or_default();
    atomic_number_of_ion(bare).ok_or_else(|| fault(trimmed, site))
}

/// Returns an atomic number that is written in digits.
///
/// # Errors
/// Returns [`RecordError::UnknownElement`] if no element has it.
pub(super) fn element_number(digits: &[u8], site: usize) -> Result<u8, RecordError> {
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.trim_ascii().parse().ok());
    let number = number.filter(|number| (1..SYMBOLS.len()).contains(&usize::from(*number)));
    number.ok_or_else(|| fault(digits.trim_ascii(), site))
}

/// Checks an atomic number.
///
/// # Errors
/// Returns [`RecordError::UnknownElement`] if no element has it.
pub(super) fn element_of(number: f64, site: usize) -> Result<u8, RecordError> {
    let known = (1..SYMBOLS.len()).find(|known| *known as f64 == number);
    known
        .and_then(|known| u8::try_from(known).ok())
        .ok_or_else(|| RecordError::UnknownElement { site, symbol: number.to_string() })
}

fn fault(symbol: &[u8], site: usize) -> RecordError {
    let text = String::from_utf8_lossy(symbol).into_owned();
    if symbol.starts_with(b"(") || symbol.contains(&b',') {
        RecordError::AmbiguousElement { site, symbol: text }
    } else {
        RecordError::UnknownElement { site, symbol: text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_and_states_are_read() {
        for (symbol, number) in [
            ("Fe", 26),
            ("Fe3+", 26),
            ("O2-", 8),
            ("Na+", 11),
            ("Mn2.5+", 25),
            ("Fe0+", 26),
            ("Ni2+,spin=5", 28),
            ("D", 1),
        ] {
            assert_eq!(species(symbol.as_bytes(), 1), Ok(number), "{symbol}");
        }
        assert_eq!(element(b"Mn ", 1), Ok(25));
    }

    #[test]
    fn numbers_are_those_of_elements() {
        for number in 1..=118u8 {
            assert_eq!(element_number(number.to_string().as_bytes(), 1), Ok(number));
        }
        for text in ["0", "119", "-1", "1.0", "", "\u{00bd}"] {
            assert!(element_number(text.as_bytes(), 1).is_err(), "{text}");
        }
    }

    #[test]
    fn other_symbols_say_what_is_wrong() {
        let code = |result: Result<u8, RecordError>| result.map_err(|error| error.reason_code());
        assert_eq!(code(element(b"(Cs,Os) ", 1)), Err("ambiguous_element"));
        assert_eq!(code(species(b"(Cs,Os) ", 1)), Err("ambiguous_element"));
        for symbol in ["", "X", "Fe3", "Fe3+x", "3+", "Xx2+"] {
            assert_eq!(code(species(symbol.as_bytes(), 1)), Err("unknown_element"), "{symbol}");
        }
        assert_eq!(code(element(b"Fe3+", 1)), Err("unknown_element"));
    }
}
