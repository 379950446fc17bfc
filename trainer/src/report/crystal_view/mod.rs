//! Crystals in three dimensions.
//!
//! * `projection`: atoms and cell edges of a crystal in Å, and their picture as an SVG
//! * `element_colour`: colours of the elements
//! * `viewer.js` turns the picture where there are scripts; without them and on paper the SVG stays

mod element_colour;
#[cfg(test)]
pub(super) mod example;
mod projection;

use std::collections::BTreeMap;

use crystal::element::symbol;
use maud::{Markup, PreEscaped, html};
use schemas::text;
use serde::Serialize;

use element_colour::colour;
use projection::{DISC_SHARE, Solid, VIEW, disc_radius, picture};

/// Script that turns the crystals.
const SCRIPT: &str = include_str!("viewer.js");
/// Identifier of the element with the crystals.
const DATA: &str = "crystals";
/// Number of crystals that are drawn side by side.
const FIGURES: usize = 2;
/// Largest number of sites of a crystal that is drawn.
pub const MOST_SITES: usize = 400;

/// Cell and sites of a crystal.
#[derive(Debug, Clone, PartialEq)]
pub struct Structure {
    /// Identifier in the store.
    pub material_id: String,
    /// Lattice vectors in Å as rows.
    pub lattice: [[f64; 3]; 3],
    /// Atomic numbers, `[nsites]`.
    pub atomic_numbers: Vec<u8>,
    /// Fractional coordinates, `[nsites, 3]`.
    pub fractional: Vec<[f64; 3]>,
}

/// A crystal to look at, with what is said of it.
pub(super) struct ShownCrystal<'a> {
    /// The crystal.
    pub(super) structure: &'a Structure,
    /// Conventional formula.
    pub(super) formula: &'a str,
    /// What is known and predicted of it.
    pub(super) about: String,
}

/// A crystal for the script.
#[derive(Serialize)]
struct CrystalData {
    name: String,
    about: String,
    #[serde(flatten)]
    solid: Solid,
}

/// Everything that the script needs.
#[derive(Serialize)]
struct ViewerData {
    crystals: Vec<CrystalData>,
    /// Symbol, colour and radius of the disc in Å, by atomic number.
    elements: BTreeMap<u8, (&'static str, String, f64)>,
    /// Rotation at the beginning, as rows.
    view: [[f64; 3]; 3],
    /// Share of the picture's half width that the farthest atom reaches.
    share: f64,
}

/// Returns the section with the crystals, the first two as pictures; nothing without crystals. `which` says which ones they
/// are.
pub(super) fn section(which: &str, crystals: &[ShownCrystal<'_>]) -> Markup {
    let drawn = || crystals.iter().map(|crystal| (crystal, Solid::of(crystal.structure)));
    html! {
        @if !crystals.is_empty() {
            section {
                h2 { "Crystals in space" }
                p {
                    (which) "; " code { "trainer evaluate --show" } " adds any test crystal. Niggli cells; discs are coloured by element and as wide as covalent radii. "
                    span class="live" hidden { "Drag to turn, choose the crystals below." }
                }
                div class="charts" {
                    @for (number, (crystal, solid)) in drawn().take(FIGURES).enumerate() {
                        figure class="crystal" data-crystal=(number) {
                            figcaption { (name(crystal)) }
                            (picture(&solid))
                            p class="legend" { (elements(&solid)) span { (crystal.about) } }
                        }
                    }
                }
                script type="application/json" id=(DATA) { (PreEscaped(data(drawn()))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn name(crystal: &ShownCrystal<'_>) -> String {
    format!("{} {}", crystal.formula, crystal.structure.material_id)
}

/// Returns the legend of the elements of a crystal.
fn elements(solid: &Solid) -> Markup {
    html! {
        @for z in solid.elements() {
            span { i style=(format!("background:{}", colour(z))) {} (symbol(z)) } " "
        }
    }
}

/// Returns the crystals as JSON that may stand in a script element: without `<`, and with hidden characters escaped as
/// elsewhere on the page.
fn data<'a>(crystals: impl Iterator<Item = (&'a ShownCrystal<'a>, Solid)>) -> String {
    let crystal = |(crystal, solid): (&ShownCrystal<'_>, Solid)| CrystalData {
        name: text::page(&name(crystal)).into_owned(),
        about: text::page(&crystal.about).into_owned(),
        solid,
    };
    let crystals: Vec<CrystalData> = crystals.map(crystal).collect();
    let numbers = crystals.iter().flat_map(|crystal| crystal.solid.elements());
    let elements = numbers.map(|z| (z, (symbol(z), colour(z), disc_radius(z)))).collect();
    let data = ViewerData { crystals, elements, view: VIEW, share: DISC_SHARE };
    let json = serde_json::to_string(&data).expect("JSON holds texts and finite numbers");
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::example::caesium_chloride;
    use super::*;

    #[test]
    fn two_crystals_are_drawn_and_all_are_data() {
        let structures = ["a", "b", "c"].map(caesium_chloride);
        let crystals = structures.each_ref().map(|structure| ShownCrystal {
            structure,
            formula: "CsCl",
            about: "known 1 eV".to_owned(),
        });
        let section = section("Largest errors", &crystals).into_string();
        assert_eq!(section.matches("<figure class=\"crystal\"").count(), FIGURES);
        assert_eq!(section.matches("<figcaption>CsCl ").count(), FIGURES);
        assert_eq!(section.matches("\"name\":\"CsCl ").count(), 3);
        assert!(section.contains("\"55\":[\"Cs\",\"#"), "{section}");
        assert!(super::section("Largest errors", &[]).into_string().is_empty());
    }

    #[test]
    fn names_cannot_end_the_script() {
        let structure = caesium_chloride("</script><b>\u{202e}");
        let crystal = ShownCrystal { structure: &structure, formula: "<i>", about: String::new() };
        let section = section("Errors", &[crystal]).into_string();
        assert_eq!(section.matches("</script>").count(), 2, "{section}");
        assert!(!section.contains("<b>") && !section.contains("<i>"), "{section}");
        let json = section.split("id=\"crystals\">").nth(1).and_then(|rest| rest.split("</script>").next());
        let json: serde_json::Value = serde_json::from_str(json.expect("data")).expect("JSON");
        assert_eq!(json["crystals"][0]["name"], "<i> </script><b>\\u{202e}");
    }

    #[test]
    fn the_script_is_small_and_asks_for_nothing() {
        assert!(SCRIPT.lines().count() <= 200, "{}", SCRIPT.lines().count());
        for reference in ["http", "fetch", "import", "XMLHttpRequest", "innerHTML", "eval", "</"] {
            assert!(!SCRIPT.contains(reference), "{reference}");
        }
    }
}
