//! The files in `tests/cif`, each with an accepted peculiarity.

use super::*;

const RUTILE: &[u8] = include_bytes!("../../../tests/cif/rutile_operations.cif");
const HALITE: &[u8] = include_bytes!("../../../tests/cif/halite_hall_crlf.cif");
const FLUORITE: &[u8] = include_bytes!("../../../tests/cif/fluorite_symbol_cr.cif");
const DIAMOND: &[u8] = include_bytes!("../../../tests/cif/diamond_origins.cif");
const CALCITE: &[u8] = include_bytes!("../../../tests/cif/calcite_axes.cif");
const GRAPHITE: &[u8] = include_bytes!("../../../tests/cif/graphite_rounded.cif");
const PLAIN: &[u8] = include_bytes!("../../../tests/cif/plain_p1.cif");
const ALIKE: &[u8] = include_bytes!("../../../tests/cif/labels_alike.cif");
const NO_NEWLINE: &[u8] = include_bytes!("../../../tests/cif/no_newline_at_end.cif");
const VERSION_2: &[u8] = include_bytes!("../../../tests/cif/version_2.cif");
const SEVERAL: &[u8] = include_bytes!("../../../tests/cif/several_blocks.cif");
const LABELS: &[u8] = include_bytes!("../../../tests/cif/labels_and_dummies.cif");
const HEAVY_WATER: &[u8] = include_bytes!("../../../tests/cif/heavy_water_types.cif");
const LATIN_1: &[u8] = include_bytes!("../../../tests/cif/byte_order_mark_latin_1.cif");

/// All files, for tests that need many.
pub(super) const FILES: [&[u8]; 14] = [
    RUTILE,
    HALITE,
    FLUORITE,
    DIAMOND,
    CALCITE,
    GRAPHITE,
    PLAIN,
    ALIKE,
    NO_NEWLINE,
    VERSION_2,
    SEVERAL,
    LABELS,
    HEAVY_WATER,
    LATIN_1,
];

#[test]
fn listed_operations_expand_the_asymmetric_unit() {
    let rutile = structure(RUTILE);
    assert_eq!(atoms(&rutile), counts("Ti:2 O:4"));
    assert_eq!(rutile.lattice, [[4.5937, 0.0, 0.0], [0.0, 4.5937, 0.0], [0.0, 0.0, 2.9587]]);
    for position in
        [[0.3053, 0.3053, 0.0], [0.6947, 0.6947, 0.0], [0.1947, 0.8053, 0.5], [0.8053, 0.1947, 0.5]]
    {
        assert!(has_site(&rutile, "O", position), "{position:?} {rutile:?}");
    }
    assert!(has_site(&rutile, "Ti", [0.5, 0.5, 0.5]));
}

#[test]
fn a_hall_symbol_goes_before_a_hermann_mauguin_symbol() {
    let halite = structure(HALITE);
    assert_eq!(atoms(&halite), counts("Na:4 Cl:4"));
    assert!(has_site(&halite, "Na", [0.5, 0.5, 0.0]) && has_site(&halite, "Cl", [0.5, 0.0, 0.0]));
}

#[test]
fn an_old_cubic_symbol_without_blanks_and_bar() {
    assert_eq!(atoms(&structure(FLUORITE)), counts("Ca:4 F:8"));
}

#[test]
fn origins_of_diamond() {
    let found = read(DIAMOND);
    let names: Vec<&str> = found.iter().map(|found| found.entry_name.as_str()).collect();
    let expected = ["origin_1", "origin_2", "origin_in_a_letter", "number", "single_site_without_loop"];
    assert_eq!(names, expected.map(|name| format!("stem#{name}")));
    for Found { block, result, .. } in found {
        let diamond = result.unwrap();
        assert_eq!(atoms(&diamond), counts("C:8"), "{block}");
        let has_origin_1 = matches!(block.as_str(), "origin_1" | "origin_in_a_letter");
        assert_eq!(has_site(&diamond, "C", [0.0, 0.0, 0.0]), has_origin_1, "{block}");
        assert_eq!(has_site(&diamond, "C", [0.125, 0.125, 0.125]), !has_origin_1, "{block}");
    }
}

#[test]
fn rhombohedral_and_hexagonal_axes() {
    for (Found { block, result, .. }, expected) in read(CALCITE).into_iter().zip([6, 6, 2, 2]) {
        let calcite = result.unwrap();
        let expected = BTreeMap::from([("Ca", expected), ("C", expected), ("O", 3 * expected)]);
        assert_eq!(atoms(&calcite), expected, "{block}");
    }
}

#[test]
fn a_site_rounded_off_its_special_position_is_not_doubled() {
    let graphite = structure(GRAPHITE);
    assert_eq!(atoms(&graphite), counts("C:4"));
    assert!(has_site(&graphite, "C", [1.0 / 3.0, 2.0 / 3.0, 0.25]), "{graphite:?}");
    assert!(has_site(&graphite, "C", [2.0 / 3.0, 1.0 / 3.0, 0.75]), "{graphite:?}");
}

#[test]
fn a_whole_cell_is_taken_as_it_is() {
    let found = structure(PLAIN);
    assert_eq!(atoms(&found), counts("Sr:2 Ti:1 O:4"));
    assert_eq!(found.atomic_numbers, [38, 38, 22, 8, 8, 8, 8]);
    assert_eq!(found.fractional[1], [-0.355, -0.355, -0.71]);
    assert_eq!(found.fractional[6], [0.839, 0.839, 0.678]);
    assert!(found.fractional[2][0] == 0.0 && found.fractional[2][0].is_sign_negative());
}

#[test]
fn symmetry_under_names_of_a_database_is_not_used() {
    assert_eq!(
        structure(ALIKE).fractional,
        [[0.333333333333, 0.666666666667, 0.25], [0.666666666667, 0.333333333333, 0.75]]
    );
    assert_eq!(atoms(&structure(ALIKE)), counts("Mg:2"));
}

#[test]
fn the_last_line_needs_no_end() {
    assert_eq!(atoms(&structure(NO_NEWLINE)), counts("Fe:2"));
}

#[test]
fn version_2_has_lists_tables_and_triple_quotes() {
    assert_eq!(atoms(&structure(VERSION_2)), counts("Sr:1 Ti:1 O:3"));
}

#[test]
fn every_block_with_sites_is_one_result() {
    let found = read(SEVERAL);
    let summary: Vec<_> = found
        .iter()
        .map(|found| {
            let result = found.result.as_ref();
            let result = result.map(|found| found.fractional.len()).map_err(CifError::reason_code);
            (found.entry_name.as_str(), found.index, found.line, result)
        })
        .collect();
    assert_eq!(
        summary,
        [
            ("stem#tungsten", 0, 8, Ok(2)),
            ("stem#half_empty", 1, 17, Err("cif_partial_occupancy")),
            ("stem#molybdenum", 2, 27, Ok(2)),
        ]
    );
}

#[test]
fn elements_of_labels_and_dummy_sites() {
    let found = structure(LABELS);
    assert_eq!(found.atomic_numbers, [26, 6, 6, 7, 1, 1, 1, 8]);
    assert_eq!(found.fractional[7], [0.8, 0.1, 0.1]);
    // One of three dummies is flagged so.
    let notes: Vec<String> = read(LABELS).remove(0).notes.into_iter().map(|note| note.message).collect();
    assert_eq!(notes, ["2 sites have the symbol of a dummy and are left out: \"X2\", \"DUM1\""]);
}

#[test]
fn heavy_hydrogen_and_scattering_types() {
    assert_eq!(structure(HEAVY_WATER).atomic_numbers, [8, 1, 1, 80, 6, 14]);
}

#[test]
fn bytes_outside_ascii_do_not_matter() {
    let found = read(LATIN_1);
    assert_eq!(found[0].block, "Carb\u{fffd}");
    assert_eq!(atoms(found[0].result.as_ref().unwrap()), counts("Al:4"));
}

#[test]
fn line_ends_do_not_matter() {
    for file in FILES {
        let expected = read(file);
        let text: Vec<u8> = file.iter().copied().filter(|byte| *byte != b'\r').collect();
        if file == FLUORITE {
            continue;
        }
        for end in [b"\r\n".as_slice(), b"\r", b"\n"] {
            let lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
            let found = read(&lines.join(end));
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!((&found.result, found.line), (&expected.result, expected.line));
            }
        }
    }
}

#[test]
fn a_reader_forgets_the_file_before() {
    let mut reader = CifReader::new();
    for _ in 0..2 {
        for file in FILES {
            let mut expected = read(file).into_iter();
            reader.read(file, &mut |block, result| {
                let expected = expected.next().unwrap();
                assert_eq!((block.name.into_owned(), result.cloned()), (expected.block, expected.result));
            });
            assert_eq!(expected.next(), None);
        }
    }
}
