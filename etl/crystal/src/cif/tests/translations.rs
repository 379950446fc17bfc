//! Operations of an origin that is not one of the tables: their translations are not multiples of 1/24.

use super::*;
use crate::symmetry::operations_of_hall_symbol;

/// Rutile with its origin at 0.1234, 0.7183, 0.3141, as pymatgen writes it (`CifWriter` with `symprec` and without
/// `refine_struct`). Its fractions have denominators up to 1,000 and are near the translations.
const RUTILE: &str = "data_TiO2\n_symmetry_space_group_name_H-M   P4_2/mnm\n_cell_length_a   4.59370000\n\
    _cell_length_b   4.59370000\n_cell_length_c   2.95870000\n_cell_angle_alpha   90.00000000\n\
    _cell_angle_beta   90.00000000\n_cell_angle_gamma   90.00000000\n_symmetry_Int_Tables_number   136\n\
    _chemical_formula_structural   TiO2\n_chemical_formula_sum   'Ti2 O4'\n_cell_volume   62.43472318\n\
    _cell_formula_units_Z   2\nloop_\n _symmetry_equiv_pos_site_id\n _symmetry_equiv_pos_as_xyz\n\
    1  'x, y, z'\n2  '-x+135/547, -y+303/694, -z+49/78'\n3  '-y+177/518, x+80/843, z+1/2'\n\
    4  'y+763/843, -x+177/518, -z+5/39'\n5  '-x+135/547, -y+303/694, z'\n6  'x, y, -z+49/78'\n\
    7  'y+763/843, -x+177/518, z+1/2'\n8  '-y+177/518, x+80/843, -z+5/39'\n9  'x+1/2, -y+325/347, -z+5/39'\n\
    10  '-x+525/703, y+1/2, z+1/2'\n11  '-y+218/259, -x+218/259, -z+49/78'\n12  'y+143/353, x+210/353, z'\n\
    13  '-x+525/703, y+1/2, -z+5/39'\n14  'x+1/2, -y+325/347, z+1/2'\n\
    15  'y+143/353, x+210/353, -z+49/78'\n16  '-y+218/259, -x+218/259, z'\nloop_\n _atom_site_type_symbol\n\
    _atom_site_label\n _atom_site_symmetry_multiplicity\n _atom_site_fract_x\n _atom_site_fract_y\n\
    _atom_site_fract_z\n _atom_site_occupancy\n  Ti  Ti0  2  0.12340000  0.71830000  0.31410000  1\n\
    O  O1  4  0.31810000  0.52360000  0.81410000  1\n";

/// The structure of a file without notes.
fn unremarked(text: &str) -> Structure {
    let found = read(text.as_bytes());
    assert!(found.iter().all(|found| found.notes.is_empty()), "{found:?}");
    structure(text.as_bytes())
}

/// Whether some site lies at a position modulo the lattice, within this fraction of an edge.
fn has_near(structure: &Structure, symbol: &str, position: [f64; 3], within: f64) -> bool {
    let number = crate::element::atomic_number(symbol).unwrap();
    structure.fractional.iter().zip(&structure.atomic_numbers).any(|(fractional, other)| {
        *other == number
            && fractional.iter().zip(position).all(|(x, y)| (x - y - (x - y).round()).abs() <= within)
    })
}

/// Nitrogen at 0.0865 on the x axis of a long cell, with these lines about symmetry.
fn nitrogen(symmetry: &str) -> String {
    format!(
        "data_a\n_cell_length_a 25.0\n_cell_length_b 12.0\n_cell_length_c 9.0\n_cell_angle_alpha 90\n\
         _cell_angle_beta 97\n_cell_angle_gamma 90\n{symmetry}\nloop_\n_atom_site_label\n\
         _atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n\
         N1 N 0.0865 0.0 0.0\n"
    )
}

#[test]
fn a_centre_of_symmetry_beside_the_origin() {
    let list = |operation: &str| format!("loop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n'{operation}'");
    let operations = [
        "-x+0.129,-y,-z",
        "0.129-x, -y, -z",
        "-x+129/1000,-y,-z",
        "-x+0.12900000,-y,-z",
        "-x-0.871,-y,-z",
        "-x+1.129,-y,-z",
    ];
    let magnetic = "loop_\n_space_group_symop_magn_operation.xyz\nx,y,z,+1\n-x+0.129,-y,-z,-1".to_owned();
    for symmetry in operations.map(list).into_iter().chain([magnetic]) {
        let found = unremarked(&nitrogen(&symmetry));
        assert_eq!(atoms(&found), counts("N:2"), "{symmetry}");
        assert!(has_site(&found, "N", [0.0865, 0.0, 0.0]), "{symmetry}");
        assert!(has_site(&found, "N", [0.0425, 0.0, 0.0]), "{symmetry} {found:?}");
        let [first, second] = [found.fractional[0][0], found.fractional[1][0]];
        assert!((25.0 * (first - second) - 1.1).abs() < 1e-9, "{symmetry}");
    }
    // A third and an eighth as before.
    let found = unremarked(&nitrogen(&list("-x+0.125,-y+0.33,-z+0.6667")));
    assert!(has_site(&found, "N", [0.125 - 0.0865, 1.0 / 3.0, 2.0 / 3.0]), "{found:?}");
}

#[test]
fn operations_that_are_no_group_at_any_origin() {
    for list in ["x,y,z\nx+0.3,y,z", "x,y,z\n-x+0.129,-y,-z\n-x+0.2,-y,-z", "x,y,z\n-x+0.129,-y,-z\n-x,y,-z"]
    {
        let text = nitrogen(&format!("loop_\n_symmetry_equiv_pos_as_xyz\n{list}"));
        let error = read(text.as_bytes()).remove(0).result.unwrap_err();
        assert_eq!(error.reason_code(), "cif_bad_symmetry", "{list}");
        assert!(error.to_string().ends_with("are not a group"), "{error}");
    }
}

#[test]
fn fractions_near_the_translations_of_another_origin() {
    let rutile = unremarked(RUTILE);
    assert_eq!(atoms(&rutile), counts("Ti:2 O:4"));
    for (symbol, [x, y, z]) in [
        ("Ti", [0.0, 0.0, 0.0]),
        ("Ti", [0.5, 0.5, 0.5]),
        ("O", [0.3053, 0.3053, 0.0]),
        ("O", [0.6947, 0.6947, 0.0]),
        ("O", [0.1947, 0.8053, 0.5]),
        ("O", [0.8053, 0.1947, 0.5]),
    ] {
        let position = [x + 0.1234, y + 0.7183, z + 0.3141];
        assert!(has_near(&rutile, symbol, position, 5e-6), "{symbol} {position:?} {rutile:?}");
    }
}

#[test]
fn decimals_of_another_origin() {
    const ORIGIN: [f64; 3] = [0.123_456_78, 0.718_281_83, 0.314_159_27];
    const EDGE: f64 = 8.0806;
    // Oxygen of 0.2624 is on the body diagonal through magnesium at 0.125.
    let bond = EDGE * (0.2624 - 0.125) * 3f64.sqrt();
    let operations = operations_of_hall_symbol("-F 4vw 2vw 3").unwrap();
    for (digits, within) in [(8, 1e-5), (4, 3e-3), (3, 3e-2)] {
        let mut text = format!(
            "data_spinel\n_cell_length_a {EDGE}\n_cell_length_b {EDGE}\n_cell_length_c {EDGE}\n\
             _cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n\
             _symmetry_space_group_name_H-M 'F d -3 m'\n_chemical_formula_sum 'Mg Al2 O4'\n\
             _cell_formula_units_Z 8\nloop_\n_symmetry_equiv_pos_as_xyz\n"
        );
        for operation in operations.iter() {
            let image = operation.apply(&ORIGIN);
            let components: Vec<String> = (0..3)
                .map(|axis| {
                    let [x, y, z] = operation.rotation[axis];
                    let shift = 2.0 * operation.translation[axis] + ORIGIN[axis] - image[axis];
                    format!("{x:+}x{y:+}y{z:+}z+{:.digits$}", shift - shift.floor())
                })
                .collect();
            text += &format!("{}\n", components.join(","));
        }
        text += "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n\
                 _atom_site_fract_z\n";
        for (symbol, place) in [("Mg", 0.125), ("Al", 0.5), ("O", 0.2624)] {
            let [x, y, z] = ORIGIN.map(|shift| shift + place);
            text += &format!("{symbol}1 {symbol} {x:.8} {y:.8} {z:.8}\n");
        }
        let spinel = unremarked(&text);
        assert_eq!(atoms(&spinel), counts("Mg:8 Al:16 O:32"), "{digits} digits");
        let of = |number: u8| {
            let atoms = spinel.fractional.iter().zip(&spinel.atomic_numbers);
            atoms.filter(move |(_, other)| **other == number).map(|(position, _)| *position)
        };
        for magnesium in of(12) {
            let mut lengths: Vec<f64> = of(8)
                .map(|oxygen| {
                    let squares =
                        oxygen.iter().zip(magnesium).map(|(x, y)| (x - y - (x - y).round()).powi(2));
                    EDGE * squares.sum::<f64>().sqrt()
                })
                .collect();
            lengths.sort_by(f64::total_cmp);
            assert!(lengths[..4].iter().all(|length| (length - bond).abs() < within), "{digits} {lengths:?}");
            assert!(lengths[4] > 3.0, "{digits} {lengths:?}");
        }
    }
}
