//! Colours of the elements: the usual ones of common elements, and computed ones of all others, so that elements that are
//! near each other in the periodic table differ.

/// Hue in degrees, saturation and lightness in percent of common elements by atomic number, as chemists expect them.
const USUAL: [(u8, [f64; 3]); 12] = [
    (1, [210.0, 15.0, 90.0]),
    (6, [0.0, 0.0, 35.0]),
    (7, [228.0, 75.0, 55.0]),
    (8, [2.0, 80.0, 52.0]),
    (9, [95.0, 55.0, 55.0]),
    (11, [268.0, 60.0, 58.0]),
    (14, [38.0, 35.0, 58.0]),
    (15, [28.0, 90.0, 52.0]),
    (16, [48.0, 88.0, 50.0]),
    (17, [128.0, 60.0, 45.0]),
    (26, [20.0, 62.0, 45.0]),
    (29, [22.0, 70.0, 58.0]),
];
/// The golden angle in degrees: multiples of it are far from each other on the circle of hues.
const GOLDEN_ANGLE: f64 = 137.507_764;
/// Saturation and lightnesses of computed colours, in percent.
const SATURATION: f64 = 55.0;
const LIGHTNESSES: [f64; 3] = [50.0, 62.0, 42.0];

/// Returns the colour of an element as `#rrggbb`.
pub(super) fn colour(z: u8) -> String {
    let usual = USUAL.iter().find(|(number, _)| *number == z).map(|(_, colour)| *colour);
    let lightness = LIGHTNESSES[usize::from(z) % LIGHTNESSES.len()];
    let [hue, saturation, lightness] =
        usual.unwrap_or([(f64::from(z) * GOLDEN_ANGLE) % 360.0, SATURATION, lightness]);
    // HSL to RGB (CSS Color Module Level 4, section 7.1).
    let (saturation, lightness) = (saturation / 100.0, lightness / 100.0);
    let channel = |offset: f64| {
        let position = (offset + hue / 30.0) % 12.0;
        let reach = saturation * lightness.min(1.0 - lightness);
        let value = lightness - reach * (position - 3.0).min(9.0 - position).clamp(-1.0, 1.0);
        (255.0 * value).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", channel(0.0), channel(8.0), channel(4.0))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn colours_are_usual_or_computed_and_all_different() {
        assert_eq!(colour(6), "#595959");
        let oxygen = colour(8);
        assert!(oxygen.starts_with("#e") && oxygen.len() == 7, "{oxygen}");
        assert_eq!((1..=118).map(colour).collect::<BTreeSet<_>>().len(), 118);
    }
}
