//! Parsing of decimal numbers in a CIF: `12`, `-0.5`, `.25`, `1.5e-3`, `1.234(5)`.

/// Exponent of the largest power of ten that is exact as a double.
const EXACT_POWER: i32 = 22;

/// `10^n` for n = 0..=22. All are exact.
static POWERS_OF_TEN: [f64; EXACT_POWER as usize + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// All integers up to this one are exact as doubles.
const EXACT_INTEGER: u64 = 1 << 53;

/// Numbers with more digits than this may overflow 64 bits.
const MAX_DIGITS: usize = 19;

/// Parses a number of a CIF. Returns the nearest double, or `None` if the text is not a finite number.
///
/// A standard uncertainty in parentheses, before or after the exponent, is validated and dropped. A number with at
/// most 19 digits that is below 2^53 and has a power of ten up to 22 takes one correctly rounded multiplication or
/// division (Clinger, "How to read floating point numbers accurately", 1990). All others are parsed by the standard
/// library, so every result is correctly rounded.
#[inline]
pub(super) fn parse_number(text: &[u8]) -> Option<f64> {
    let mut at = 0;
    let negative = match text.first()? {
        b'-' => {
            at = 1;
            true
        }
        b'+' => {
            at = 1;
            false
        }
        _ => false,
    };
    let digits_from = at;
    let mut mantissa = 0u64;
    while let Some(digit) = digit_at(text, at) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    let mut digits = at - digits_from;
    let mut power = 0i32;
    if text.get(at) == Some(&b'.') {
        at += 1;
        let fraction_from = at;
        if let Some(value) = text.get(at..).and_then(eight_digits) {
            mantissa = mantissa.wrapping_mul(100_000_000).wrapping_add(value);
            at += 8;
        }
        while let Some(digit) = digit_at(text, at) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
            at += 1;
        }
        digits += at - fraction_from;
        power = -i32::try_from(at - fraction_from).ok()?;
    }
    if digits == 0 {
        return None;
    }
    let mantissa_to = at;
    let mut exponent = &text[..0];
    if at < text.len() {
        at = skip_uncertainty(text, at)?;
        let exponent_from = at;
        if matches!(text.get(at), Some(b'e' | b'E')) {
            at += 1;
            if matches!(text.get(at), Some(b'+' | b'-')) {
                at += 1;
            }
            let first = at;
            while digit_at(text, at).is_some() {
                at += 1;
            }
            if at == first {
                return None;
            }
            exponent = text.get(exponent_from..at)?;
            power = power.checked_add(small_exponent(exponent)?)?;
            at = skip_uncertainty(text, at)?;
        }
        if at != text.len() {
            return None;
        }
    }
    if digits <= MAX_DIGITS && mantissa <= EXACT_INTEGER && (-EXACT_POWER..=EXACT_POWER).contains(&power) {
        // The conversion is exact, because the number is at most 2^53.
        let value = mantissa as f64;
        let scale = POWERS_OF_TEN[power.unsigned_abs() as usize];
        let value = if power < 0 { value / scale } else { value * scale };
        return Some(if negative { -value } else { value });
    }
    parse_slowly(text.get(..mantissa_to)?, exponent)
}

#[inline]
fn digit_at(text: &[u8], at: usize) -> Option<u64> {
    let digit = text.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some(u64::from(digit))
}

/// Returns the value of the first eight bytes, if all of them are digits.
///
/// Three multiplications combine neighbouring digits, then pairs, then groups of four (Lemire, "Quickly parsing eight
/// digits", 2018).
#[inline]
fn eight_digits(text: &[u8]) -> Option<u64> {
    let word = u64::from_le_bytes(*text.first_chunk()?);
    let high = word & 0xf0f0_f0f0_f0f0_f0f0;
    let carried = word.wrapping_add(0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0;
    if high != 0x3030_3030_3030_3030 || carried != 0x3030_3030_3030_3030 {
        return None;
    }
    let digits = word & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (digits.wrapping_mul(2561) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(6_553_601) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(42_949_672_960_001) >> 32)
}

/// Returns the uncertainty of a printed number: one unit of its last digit, or its standard uncertainty if that is
/// larger. The number is at the start of the text, and anything after it is ignored.
pub(super) fn resolution(text: &[u8]) -> f64 {
    let is_part =
        |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'+' | b'-' | b'(' | b')' | b'e' | b'E');
    let length = text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len());
    let text = text.get(..length).unwrap_or_default();
    let digits = text.iter().position(|byte| matches!(byte, b'(' | b'e' | b'E')).unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    let point = number.iter().position(|&byte| byte == b'.').map_or(number.len(), |at| at + 1);
    let decimals = i32::try_from(number.len() - point).unwrap_or(i32::MAX);
    let exponent = rest.iter().position(|byte| matches!(byte, b'e' | b'E'));
    let exponent = exponent.and_then(|at| std::str::from_utf8(rest.get(at + 1..)?).ok()?.parse::<i32>().ok());
    let unit = 10f64.powi(exponent.unwrap_or(0).saturating_sub(decimals));
    let uncertainty = rest.strip_prefix(b"(").and_then(|rest| {
        let end = rest.iter().position(|&byte| byte == b')')?;
        let inside = rest.get(..end)?;
        // An uncertainty with its own decimal point does not count units of the last digit.
        let scale = if inside.contains(&b'.') { 1.0 } else { unit };
        Some(parse_number(inside)? * scale)
    });
    unit.max(uncertainty.unwrap_or(0.0))
}

/// Returns the position after `(123)`, the same position if there is no `(`, or `None` if the parentheses hold
/// anything else.
fn skip_uncertainty(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'(') {
        return Some(at);
    }
    let inside = text.get(at + 1..)?;
    let length = inside.iter().position(|&byte| byte == b')')?;
    let valid = inside[..length].iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    valid.then_some(at + length + 2)
}

/// Parses an exponent such as `e-12`. An exponent outside the range of doubles is clamped, so that the result is 0 or
/// infinite.
fn small_exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text.get(1..)? {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let value = digits.iter().fold(0i32, |value, byte| (value * 10 + i32::from(byte - b'0')).min(100_000));
    Some(if negative { -value } else { value })
}

#[cold]
fn parse_slowly(mantissa: &[u8], exponent: &[u8]) -> Option<f64> {
    let mut text = String::with_capacity(mantissa.len() + exponent.len());
    text.push_str(std::str::from_utf8(mantissa).ok()?);
    text.push_str(std::str::from_utf8(exponent).ok()?);
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_a_number() {
        for (text, value) in [
            ("12", 12.0),
            ("-0.5", -0.5),
            ("+.25", 0.25),
            ("90.", 90.0),
            ("1.234(5)", 1.234),
            ("1.234(5)e1", 12.34),
            ("1.5E-3(2)", 1.5e-3),
            ("5.4310(15)", 5.431),
            ("90(0.1)", 90.0),
            ("3.70074341542e-17", 3.700_743_415_42e-17),
            ("0.33333333333333331", 0.333_333_333_333_333_3),
            ("123456789012345678901234567890", 1.234_567_890_123_456_8e29),
            ("1e-400", 0.0),
            ("1e-999999999999999999", 0.0),
        ] {
            assert_eq!(parse_number(text.as_bytes()), Some(value), "{text}");
        }
        assert!(parse_number(b"-0.00000000").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
    }

    #[test]
    fn what_is_not_a_number() {
        for text in [
            "",
            "-",
            "+",
            ".",
            "?",
            "-.",
            "e5",
            "1e",
            "1e+",
            "1,5",
            "0.1234:678",
            "0.1234/678",
            "0.12345678x",
            "1.2.3",
            "1/3",
            "0x10",
            "nan",
            "inf",
            "1.2(",
            "1.2(x)",
            "1 2",
            "1e400",
            "1.2)",
            "(5)",
        ] {
            assert_eq!(parse_number(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_digits_leave_open() {
        for (text, expected) in [
            ("0.33 0.67", 0.01),
            ("0.333(5)\n", 0.005),
            ("0.333(1)", 0.001),
            ("-.3333'", 0.0001),
            ("0.33(0.02)", 0.02),
            ("1", 1.0),
            ("1.", 1.0),
            ("3.3e-1", 0.01),
            ("0.3330", 0.0001),
        ] {
            let found = resolution(text.as_bytes());
            assert!((found - expected).abs() < 1e-12, "{text} {found}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_have_some_resolution(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(resolution(&bytes) >= 0.0);
        }

        #[test]
        fn any_printed_double_is_read_back(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO) {
            for text in [format!("{value}"), format!("{value:e}"), format!("{value:E}")] {
                prop_assert_eq!(parse_number(text.as_bytes()).map(f64::to_bits), Some(value.to_bits()));
            }
        }

        #[test]
        fn fixed_decimals_are_rounded_as_the_standard_library_does(value in -1e6f64..1e6, places in 0usize..20) {
            let text = format!("{value:.places$}");
            let expected: f64 = text.parse().expect("a number");
            prop_assert_eq!(parse_number(text.as_bytes()).map(f64::to_bits), Some(expected.to_bits()));
        }

        #[test]
        fn an_uncertainty_changes_nothing(value in -100.0f64..100.0, places in 0usize..8, uncertainty in 0u32..100) {
            let text = format!("{value:.places$}");
            let with = format!("{text}({uncertainty})");
            prop_assert_eq!(parse_number(with.as_bytes()), parse_number(text.as_bytes()));
        }

        #[test]
        fn any_bytes_are_safe(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse_number(&bytes);
        }
    }
}
