//! Texts that people read as numbers and programs do not: with a unit, an uncertainty, a bound, another minus sign or
//! separators of thousands.
//!
//! A column of such texts is one of numbers that were not written plainly. Its few different values are no classes.

/// Number of digits between two separators of thousands.
const THOUSAND_DIGITS: usize = 3;
/// Number of fields that a decimal comma makes of a number where commas separate the fields.
const HALVES: usize = 2;
/// Largest length of a text that may be a number, in bytes.
const MAX_BYTES: usize = 64;

/// What spreadsheets write where a formula fails.
const FAILURES: [&str; 6] = ["#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "#NULL!"];
/// Words for infinity, without a sign.
const INFINITIES: [&str; 3] = ["inf", "infinity", "\u{221e}"];
/// Characters before a number that is a bound or an estimate.
const BOUNDS: [char; 7] = ['<', '>', '=', '~', '\u{2264}', '\u{2265}', '\u{2248}'];
/// Signs of numbers: plus, hyphen, and what is printed for a minus.
const SIGNS: [char; 6] = ['+', '-', '\u{2212}', '\u{2013}', '\u{2012}', '\u{2011}'];
/// Separators of thousands other than the comma: blanks of all widths, and apostrophes.
const SEPARATORS: [char; 6] = [' ', '\u{a0}', '\u{2009}', '\u{202f}', '\'', '\u{2019}'];
/// Signs of a product with a power of ten.
const TIMES: [char; 4] = ['\u{d7}', 'x', '*', '\u{b7}'];
/// Units behind a whole number and a blank. Single letters that are also part of the names of phases and point groups,
/// such as `3 m` and `1 T`, are left out.
const UNITS: [&str; 34] = [
    "eV", "meV", "keV", "MeV", "Ry", "Ha", "J", "kJ", "kcal", "K", "GPa", "MPa", "kPa", "Pa", "bar", "kbar",
    "atm", "\u{c5}", "nm", "pm", "cm-1", "cm^-1", "fs", "ps", "ns", "THz", "GHz", "V", "mV", "\u{b0}C",
    "\u{b0}", "\u{b5}B", "\u{3bc}B", "muB",
];
/// Largest number of bytes of those units that a whole number may have without a blank.
const SHORTEST_ATTACHED: usize = 2;

/// Whether a text that is no plain number is one that was written for people: `1.5 eV`, `10%`, `1.5(2)`, `<0.1`,
/// `1 234`, `0,5`, `1.0D0`, with U+2212 for a minus, an infinity, or a failure of a spreadsheet's formula.
///
/// Behind a whole number only known units count: `2D`, `4/mmm`, `3d5` and `2 layers` are names.
pub(crate) fn looks_like_number(text: &str) -> bool {
    let text = text.trim();
    if text.len() > MAX_BYTES {
        return false;
    }
    if FAILURES.iter().any(|failure| text.eq_ignore_ascii_case(failure)) {
        return true;
    }
    let bare = text.trim_start_matches(BOUNDS).trim_start();
    let unsigned = bare.strip_prefix(SIGNS).unwrap_or(bare).trim_start();
    INFINITIES.iter().any(|word| unsigned.eq_ignore_ascii_case(word))
        || is_number_with_commas(bare.as_bytes())
        || is_number_for_people(unsigned)
}

/// Whether a text without bound and sign is a number with anything that belongs to one.
fn is_number_for_people(text: &str) -> bool {
    let Some((mut rest, mut is_exact)) = mantissa(text) else { return false };
    // An uncertainty may stand before the exponent or behind it.
    for _ in 0..2 {
        if let Some(behind) = uncertainty(rest).or_else(|| exponent(rest, is_exact)) {
            rest = behind;
            is_exact = true;
        }
    }
    let unit = rest.trim_start();
    let is_attached = unit.len() == rest.len();
    match unit.chars().next() {
        None => true,
        Some('%' | '\u{2030}') => unit.chars().nth(1).is_none(),
        // Behind decimals any word is a unit, unless it is joined to them, as in `0.5H2O`, or they are none, as in `1. low`.
        Some(first) if is_exact && !is_attached => {
            first == '\u{b0}' || (first.is_alphabetic() && !text.contains(". "))
        }
        Some(_) if is_exact => is_known_unit(unit, false),
        Some(_) => is_known_unit(unit, is_attached),
    }
}

/// Whether a text is a known unit, possibly one `/atom` or `per atom`.
fn is_known_unit(text: &str, is_attached: bool) -> bool {
    let (unit, rest) = text.split_once(' ').unwrap_or((text, ""));
    let base = unit.split('/').next().unwrap_or_default();
    let is_whole = rest.is_empty() || rest.starts_with("per ");
    is_whole && UNITS.contains(&base) && (!is_attached || base.len() >= SHORTEST_ATTACHED)
}

/// Splits off the digits of a number with separators of thousands and decimals. Returns the rest, and whether there are
/// decimals.
fn mantissa(text: &str) -> Option<(&str, bool)> {
    let mut rest = behind_digits(text);
    let is_group = |rest: &str| {
        let behind = rest.strip_prefix(SEPARATORS)?;
        let end = behind_digits(behind);
        (behind.len() - end.len() == THOUSAND_DIGITS).then_some(behind.len() - end.len())?;
        Some(rest.len() - end.len())
    };
    if (1..=THOUSAND_DIGITS).contains(&(text.len() - rest.len())) {
        while let Some(size) = is_group(rest) {
            rest = rest.get(size..)?;
        }
    }
    let whole = text.len() - rest.len();
    let Some(decimals) = rest.strip_prefix(['.', ',']) else { return (whole > 0).then_some((rest, false)) };
    let behind = behind_digits(decimals);
    let has_decimals = behind.len() < decimals.len();
    (has_decimals || (whole > 0 && rest.starts_with('.'))).then_some((behind, true))
}

/// Splits off a standard uncertainty: `(2)`, `± 0.2`, `+/- 0.2`.
fn uncertainty(text: &str) -> Option<&str> {
    if let Some(inside) = text.strip_prefix('(') {
        let (digits, rest) = inside.split_once(')')?;
        return (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
            .then_some(rest);
    }
    let text = text.trim_start();
    let number = ["\u{b1}", "+/-", "+-"].iter().find_map(|mark| text.strip_prefix(mark))?;
    mantissa(number.trim_start()).map(|(rest, _)| rest)
}

/// Splits off an exponent: `e5`, Fortran's `D0` behind decimals or before a sign, `×10^5`. Without either, `3d5` is a
/// configuration of electrons.
fn exponent(text: &str, has_decimals: bool) -> Option<&str> {
    if let Some(power) = text.strip_prefix(['e', 'E', 'd', 'D']) {
        let digits = power.strip_prefix(SIGNS).unwrap_or(power);
        let rest = behind_digits(digits);
        let is_power = has_decimals || digits.len() < power.len() || text.starts_with(['e', 'E']);
        return (is_power && rest.len() < digits.len()).then_some(rest);
    }
    let power = text.trim_start().strip_prefix(TIMES)?.trim_start().strip_prefix("10")?;
    let digits = power.strip_prefix('^').or_else(|| power.strip_prefix("**"))?;
    let digits = digits.strip_prefix(SIGNS).unwrap_or(digits);
    let rest = behind_digits(digits);
    (rest.len() < digits.len()).then_some(rest)
}

/// Returns a text without the digits at its start.
fn behind_digits(text: &str) -> &str {
    text.trim_start_matches(|character: char| character.is_ascii_digit())
}

/// Whether a text is a number with a comma: `0,5`, `1,234.5`, `1,234,567`. Other lists of whole numbers, such as the
/// indices `1,1,0`, are not.
pub(crate) fn is_number_with_commas(text: &[u8]) -> bool {
    let mut parts = unsigned(text.trim_ascii()).splitn(2, |byte| byte.eq_ignore_ascii_case(&b'e'));
    let mantissa = parts.next().unwrap_or_default();
    let is_exponent = parts.next().is_none_or(|exponent| is_whole(unsigned(exponent)));
    let mut parts = mantissa.splitn(2, |byte| *byte == b'.');
    let whole = parts.next().unwrap_or_default();
    let fraction = parts.next();
    let groups = || whole.split(|byte| *byte == b',');
    let are_thousands = groups().skip(1).all(|group| group.len() == THOUSAND_DIGITS);
    let count = groups().count();
    let has_commas = count == HALVES || (count > HALVES && (fraction.is_some() || are_thousands));
    has_commas && is_exponent && groups().all(is_whole) && fraction.is_none_or(is_whole)
}

/// Returns a number without its sign.
pub(crate) fn unsigned(number: &[u8]) -> &[u8] {
    number.strip_prefix(b"-").or_else(|| number.strip_prefix(b"+")).unwrap_or(number)
}

/// Whether a text is a whole number without a sign.
pub(crate) fn is_whole(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_for_people_are_told_from_names() {
        for text in [
            "10%",
            "20 %",
            "1.5 eV",
            "0 eV",
            "1.5eV",
            "5meV",
            "300 K",
            "5 eV/atom",
            "2 eV per atom",
            "1.5 eV per atom",
            "\u{2212}1",
            "\u{2013}1.5",
            "1.5(2)",
            "12(3)",
            "1.5(2)e3",
            "1.5e3(2)",
            "1.0D0",
            "1.D0",
            "2d-3",
            "<0.1",
            ">5",
            "\u{2264} 3",
            "~2.5",
            "<= 4",
            "1 234",
            "12\u{a0}345\u{2009}678.5",
            "1'234",
            "1\u{2019}234",
            "inf",
            "-Inf",
            "Infinity",
            "1e999",
            "#DIV/0!",
            "#value!",
            "0,5",
            "-0,5 eV",
            "1,234.5",
            "1,234,567",
            "1.5 \u{b1} 0.2",
            "1.5+/-0.2 eV",
            "2.1\u{d7}10^5",
            "3 x 10^\u{2212}4",
            "90\u{b0}",
            "1.5 \u{b5}m",
            " 2.0 GPa ",
        ] {
            assert!(looks_like_number(text), "{text:?}");
        }
        for text in [
            "",
            "P1",
            "2a",
            "225a",
            "2D",
            "3D-bulk",
            "4/mmm",
            "-3m",
            "-3 m",
            "3 m",
            "4 m m",
            "6mm",
            "1T",
            "1 T",
            "1,1,0",
            "2-Jan",
            "1.0.0",
            "<100>",
            "(1.5)",
            "1:1",
            "1/2",
            "v1",
            "low",
            "3d5",
            "4f14",
            "2 layers",
            "2_1",
            "1x1",
            "2x10",
            "0x1F",
            "1 2 3",
            "1 2345",
            "%",
            "eV",
            "<",
            "-",
            "5%%",
            "na",
            "1.5/2",
            "K",
            "0.9PMN-0.1PT",
            "0.5H2O",
            "0.25Nb",
            "2.5D",
            "1.0rc1",
            "2101.01234v2",
            "1. low",
            "1.a",
            "2. Jan",
        ] {
            assert!(!looks_like_number(text), "{text:?}");
        }
    }

    #[test]
    fn a_number_may_have_commas() {
        for text in
            ["0,5", "-1,25", "+1,5", " 0,5 ", "1,234", "1,234.5", "12,34,567.5", "1,234,567", "1,5E-03"]
        {
            assert!(is_number_with_commas(text.as_bytes()), "{text:?}");
        }
        for text in
            ["", ",", "5", "0.5", ",5", "5,", "1,1,0", "1,,5", "0,5 eV", "a,b", "1.234,5", "1,5e", "1,5."]
        {
            assert!(!is_number_with_commas(text.as_bytes()), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_ends_without_panic(text in "[0-9., ()eExd%<\u{2212}\u{b1}'+/10^*a-f-]{0,20}") {
            looks_like_number(&text);
        }
    }
}
