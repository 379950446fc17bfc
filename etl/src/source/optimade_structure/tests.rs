use super::*;
use crate::source::record_fields::CrystalFields;

/// Reads a crystal of Cu2O with further attributes. Returns the message of its error.
fn read(further: &str) -> Result<usize, String> {
    let text = format!(
        r#"{{{further}, "lattice_vectors": [[4, 0, 0], [0, 4, 0], [0, 0, 4]],
        "cartesian_site_positions": [[0, 0, 0], [2, 2, 2], [0, 2, 2], [0, 1, 3], [1, 1, 1], [3, 3, 3]],
        "species_at_sites": ["Cu", "O", "Cu", "Cu", "Cu", "O"]}}"#
    );
    let (mut fields, mut structure) = (CrystalFields::new(&[]), Structure::default());
    let attributes = Attributes::read(&mut Cursor::new(text.as_bytes()), &mut fields, &[]);
    let made = attributes.and_then(|attributes| attributes.structure(&mut structure));
    made.map(|()| structure.atomic_numbers.len()).map_err(|error| error.to_string())
}

#[test]
fn what_fits_the_sites_or_cannot_be_read_is_accepted() {
    for further in [
        r#""nsites": 6, "elements": ["Cu", "O"], "chemical_formula_reduced": "Cu2O""#,
        r#""nsites": 6.0, "elements": ["O", "Cu"], "chemical_formula_reduced": "OCu2""#,
        r#""nsites": null, "elements": null, "chemical_formula_reduced": null"#,
        r#""nsites": NaN, "elements": "Cu, O", "chemical_formula_reduced": "(CuO)3""#,
        r#""nsites": "many", "elements": {}, "chemical_formula_reduced": """#,
    ] {
        assert_eq!(read(further), Ok(6), "{further}");
    }
}

#[test]
fn what_is_periodic_in_three_directions_is_accepted() {
    for further in [
        r#""nperiodic_dimensions": 3"#,
        r#""nperiodic_dimensions": 3.0, "dimension_types": [1, 1, 1], "assemblies": null"#,
        r#""nperiodic_dimensions": null, "dimension_types": null, "assemblies": []"#,
        r#""nperiodic_dimensions": null, "nperiodic_dimensions": 3, "assemblies": [ ]"#,
    ] {
        assert_eq!(read(further), Ok(6), "{further}");
    }
}

#[test]
fn what_is_not_periodic_or_has_assemblies_is_named() {
    for (further, message) in [
        (r#""nperiodic_dimensions": 2"#, "not periodic in three directions: nperiodic_dimensions 2"),
        (
            r#""nperiodic_dimensions": 0, "dimension_types": null"#,
            "not periodic in three directions: nperiodic_dimensions 0",
        ),
        (
            r#""dimension_types": [1, 1, 1], "nperiodic_dimensions": 2"#,
            "not periodic in three directions: dimension_types [1, 1, 1], nperiodic_dimensions 2",
        ),
        (
            r#""dimension_types": [1, 1, 0], "nperiodic_dimensions": 3"#,
            "not periodic in three directions: dimension_types [1, 1, 0], nperiodic_dimensions 3",
        ),
        (
            r#""assemblies": [{"sites_in_groups": [[0], [1]]}]"#,
            r#"atoms without a site: assemblies [{"sites_in_groups": [[0], [1]]}]"#,
        ),
        (
            r#""nsites": 6, "nsites": 6"#,
            "byte 0 of the record: expected every key once, found a second \"nsites\"",
        ),
    ] {
        assert_eq!(read(further), Err(message.to_owned()));
    }
}

#[test]
fn what_contradicts_the_sites_is_named() {
    for (further, message) in [
        (r#""nsites": 3"#, r#"property "nsites" is 3 for 6 positions, not a count of them"#),
        (
            r#""elements": ["Cu", "S"]"#,
            r#"property "elements" is ["Cu", "S"], not a list of the elements at the sites"#,
        ),
        (
            r#""chemical_formula_reduced": "CuO""#,
            r#"property "chemical_formula_reduced" is "CuO", not a formula of the sites"#,
        ),
    ] {
        assert_eq!(read(further), Err(message.to_owned()));
    }
    for further in [
        r#""elements": ["Cu"]"#,
        r#""elements": ["Cu", "O", "Xx"]"#,
        r#""elements": []"#,
        r#""chemical_formula_reduced": "Cu2""#,
        r#""chemical_formula_reduced": "Cu2OS""#,
    ] {
        assert!(read(further).is_err(), "{further}");
    }
}
