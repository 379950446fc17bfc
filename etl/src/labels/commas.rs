//! Commas in numbers: decimal ones, and separators of thousands.

/// Number of digits between two separators of thousands.
const THOUSAND_DIGITS: usize = 3;
/// Number of fields that a decimal comma makes of a number where commas separate the fields.
pub(super) const HALVES: usize = 2;

/// Whether a text is a number with a comma: `0,5`, `1,234.5`, `1,234,567`. Other lists of whole numbers, such as the
/// indices `1,1,0`, are not.
pub(super) fn is_number_with_commas(text: &[u8]) -> bool {
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

/// Whether the values of a row may be the halves of numbers with decimal commas: whole numbers, the second of each
/// pair without a sign or blanks before it.
pub(super) fn may_be_halves<'a>(values: impl Iterator<Item = &'a [u8]>) -> bool {
    values.enumerate().all(|(at, value)| {
        let value = value.trim_ascii_end();
        is_whole(if at.is_multiple_of(HALVES) { unsigned(value.trim_ascii_start()) } else { value })
    })
}

/// Returns a number without its sign.
fn unsigned(number: &[u8]) -> &[u8] {
    number.strip_prefix(b"-").or_else(|| number.strip_prefix(b"+")).unwrap_or(number)
}

/// Whether a text is a whole number without a sign.
fn is_whole(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn whole_numbers_may_be_halves() {
        let halves = |values: &[&str]| may_be_halves(values.iter().map(|value| value.as_bytes()));
        assert!(halves(&["-0", "5"]) && halves(&["1", "25", " +3", "0 "]));
        for values in
            [["0", "-5"], ["0", " 5"], ["0.5", "1"], ["1", "1e3"], ["", "1"], ["na", "1"], ["1", ""]]
        {
            assert!(!halves(&values), "{values:?}");
        }
    }
}
