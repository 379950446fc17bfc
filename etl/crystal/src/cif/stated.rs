//! Comparison of a structure with the volume, the density and the labels that its file states.

use super::evidence::{Contents, Verdict};
use super::lexer::Span;
use super::number::{parse_number, resolution};
use super::reading::{Reading, excerpt};
use super::tag::Tag;
use crate::element::{atomic_number_of, symbol};
use crate::number::significant;

/// Largest relative difference of two volumes that agree, beside the uncertainty of the stated one. It allows for
/// rounded lengths and angles.
const SAME_VOLUME: f64 = 0.005;

/// Compares the volume of the unit cell with the stated one.
pub(super) fn of_volume(reading: &Reading<'_>, volume: f64) -> Option<(Span, String)> {
    let text = reading.text(Tag::Volume)?;
    let stated = parse_number(text).filter(|stated| *stated > 0.0)?;
    if (volume - stated).abs() <= (SAME_VOLUME * stated).max(resolution(text)) {
        return None;
    }
    let at = reading.block.item(Tag::Volume, reading.bytes)?.span;
    let volume = significant(volume);
    Some((at, format!("the cell has a volume of {volume} Å3, which is given as {}", excerpt(text))))
}

/// Compares the density of the atoms with the stated one.
pub(super) fn of_density(reading: &Reading<'_>, contents: &Contents, volume: f64) -> Option<(Span, String)> {
    let given = |tag: Tag| reading.block.item(tag, reading.bytes);
    let at = given(Tag::Density).or_else(|| given(Tag::FormulaWeight))?.span;
    match contents.density(reading, volume, true) {
        Verdict::Contradicts { evidence, .. } => Some((at, evidence)),
        Verdict::Agrees | Verdict::Silent => None,
    }
}

/// Compares the element of every type symbol with its label. A label such as `Na1` names another one only if another
/// site holds that element: otherwise its letters may name the site. `numbers` and `origins` are the atomic number and
/// the index of the site of every atom.
pub(super) fn of_labels(reading: &Reading<'_>, numbers: &[u8], origins: &[u32]) -> Option<(Span, String)> {
    let mut held = 0u128;
    origins.iter().zip(numbers).find_map(|(origin, number)| {
        let site = reading.block.sites.get(*origin as usize)?;
        if site.type_symbol.is_empty() {
            return None;
        }
        let other = element_of_label(site.label.of(reading.bytes)).filter(|other| other != number)?;
        if held == 0 {
            held = numbers.iter().fold(0, |held, number| held | (1u128 << *number));
        }
        (held & (1u128 << other) != 0).then(|| {
            let (label, number, other) = (reading.label(site), symbol(*number), symbol(other));
            (site.label, format!("site {label:?} is {number} by its type, and other sites hold {other}"))
        })
    })
}

/// Returns the element whose symbol, written as usual, makes a label together with nothing but digits.
fn element_of_label(label: &[u8]) -> Option<u8> {
    let letters = label.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (name, digits) = label.split_at_checked(letters)?;
    let number = atomic_number_of(name).filter(|number| symbol(*number).as_bytes() == name)?;
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_labels() {
        for (label, element) in [
            ("Na1", Some(11)),
            ("O12", Some(8)),
            ("NA1", None),
            ("Na", None),
            ("Na1a", None),
            ("Wat1", None),
            ("1", None),
        ] {
            assert_eq!(element_of_label(label.as_bytes()), element, "{label}");
        }
    }
}
