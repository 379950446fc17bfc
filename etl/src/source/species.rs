//! Element symbols as written in databases.

use crystal::element::{atomic_number_of, atomic_number_of_ion};

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
