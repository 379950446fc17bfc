//! Random structures that are written in several dialects and read back.

use proptest::prelude::*;

use super::*;
use crate::element::SYMBOLS;
use crate::symmetry::{SymmetryOperation, operations_of_number};

/// The dialect of a file.
#[derive(Debug, Clone, Copy)]
struct Dialect {
    /// 0 LF, 1 CR LF, 2 CR.
    line_end: u8,
    /// 0 old names, 1 new, 2 dotted, 3 capitals.
    names: u8,
    /// 0 bare, 1 single quotes, 2 double quotes, 3 text fields.
    quotes: u8,
    /// 0 symbol, 1 capitals, 2 with a charge, 3 in the label alone.
    symbols: u8,
    /// Left rotation of the columns.
    rotation: usize,
    /// Whether numbers have uncertainties.
    uncertainties: bool,
    /// Whether sites come before the cell.
    sites_first: bool,
    /// Whether comments and unrelated items stand between.
    noise: bool,
}

fn dialects() -> impl Strategy<Value = Dialect> {
    let numbers = (0u8..3, 0u8..4, 0u8..4, 0u8..4, 0usize..6);
    (numbers, any::<[bool; 3]>()).prop_map(|((line_end, names, quotes, symbols, rotation), flags)| Dialect {
        line_end,
        names,
        quotes,
        symbols,
        rotation,
        uncertainties: flags[0],
        sites_first: flags[1],
        noise: flags[2],
    })
}

impl Dialect {
    fn name(&self, name: &str) -> String {
        match self.names {
            0 => name.to_owned(),
            1 => name.replace("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz"),
            2 => ["_atom_site", "_cell", "_symmetry_equiv"]
                .iter()
                .find_map(|category| {
                    Some(format!("{category}.{}", name.strip_prefix(category)?.strip_prefix('_')?))
                })
                .unwrap_or_else(|| name.to_owned()),
            _ => name.to_uppercase(),
        }
    }

    fn quoted(&self, value: &str) -> String {
        match self.quotes {
            0 if !value.contains(' ') => value.to_owned(),
            0 | 1 => format!("'{value}'"),
            2 => format!("\"{value}\""),
            _ => format!("\n;{value}\n;\n"),
        }
    }

    fn number(&self, value: f64) -> String {
        let text = format!("{value}");
        self.quoted(&if self.uncertainties { format!("{text}(12)") } else { text })
    }

    fn symbol(&self, number: u8) -> String {
        let symbol = SYMBOLS[usize::from(number)];
        match self.symbols {
            1 if !matches!(symbol, "No" | "Nh" | "Cn") => symbol.to_uppercase(),
            2 => format!("{symbol}3+"),
            _ => symbol.to_owned(),
        }
    }

    fn write(&self, cell: [f64; 6], structure: &Structure, operations: &[String]) -> Vec<u8> {
        let noise = |text: &mut String| {
            if self.noise {
                text.push_str("# _cell_length_a 1 'comment\n_journal_note\n;\nloop_ data_ no block\n;\n");
                text.push_str("loop_\n_citation.a\n_citation.b\n1 'it's' \"2\" .\n");
            }
        };
        let mut sites = "loop_\n".to_owned();
        let mut columns =
            vec!["_atom_site_label", "_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z"];
        if self.symbols != 3 {
            columns.push("_atom_site_type_symbol");
        }
        columns.push("_atom_site_U_iso_or_equiv");
        let rotation = self.rotation % columns.len();
        columns.rotate_left(rotation);
        for column in &columns {
            sites += &format!("{}\n", self.name(column));
        }
        for (index, (position, &number)) in
            structure.fractional.iter().zip(&structure.atomic_numbers).enumerate()
        {
            let [x, y, z] = position.map(|x| self.number(x));
            let label = self.quoted(&format!("{}{index}", SYMBOLS[usize::from(number)]));
            let mut values = vec![label, x, y, z];
            if self.symbols != 3 {
                values.push(self.quoted(&self.symbol(number)));
            }
            values.push("?".to_owned());
            values.rotate_left(rotation);
            sites += &(values.join(" ") + "\n");
        }
        let mut head = String::new();
        for (name, value) in
            ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"].iter().zip(cell)
        {
            head += &format!("{} {}\n", self.name(&format!("_cell_{name}")), self.number(value));
        }
        if !operations.is_empty() {
            head += &format!("loop_\n{}\n", self.name("_symmetry_equiv_pos_as_xyz"));
            for operation in operations {
                head += &(self.quoted(operation) + "\n");
            }
        }
        let mut text = "data_a\n".to_owned();
        noise(&mut text);
        text += if self.sites_first { &sites } else { &head };
        noise(&mut text);
        text += if self.sites_first { &head } else { &sites };
        text.replace('\n', ["\n", "\r\n", "\r"][usize::from(self.line_end)]).into_bytes()
    }
}

/// Positions near the points of a grid: at least 0.3 Å apart in the cells below.
fn positions(most: usize) -> impl Strategy<Value = Vec<[f64; 3]>> {
    let points = proptest::collection::hash_set((0u8..8, 0u8..8, 0u8..8), 1..=most);
    points.prop_flat_map(|points| {
        let points: Vec<_> = points.into_iter().collect();
        proptest::collection::vec(prop::array::uniform3(-0.03f64..0.03), points.len()).prop_map(
            move |shifts| {
                let near = |(point, shift): (&(u8, u8, u8), [f64; 3])| {
                    [point.0, point.1, point.2]
                        .map(|x| f64::from(x) / 8.0 - 0.5)
                        .iter()
                        .zip(shift)
                        .map(|(x, d)| x + d)
                        .collect::<Vec<_>>()
                };
                points.iter().zip(shifts).map(near).map(|x| [x[0], x[1], x[2]]).collect()
            },
        )
    })
}

fn structures() -> impl Strategy<Value = ([f64; 6], Structure)> {
    let cells = (prop::array::uniform3(5.0f64..20.0), prop::array::uniform3(70.0f64..110.0));
    (cells, positions(40)).prop_flat_map(|((lengths, angles), fractional)| {
        proptest::collection::vec(1u8..=118, fractional.len()).prop_map(move |atomic_numbers| {
            let cell = [lengths[0], lengths[1], lengths[2], angles[0], angles[1], angles[2]];
            (cell, Structure { lattice: [[0.0; 3]; 3], fractional: fractional.clone(), atomic_numbers })
        })
    })
}

/// `x,y,z` form of an operation.
pub(super) fn written(operation: &SymmetryOperation) -> String {
    let component = |(row, shift): (&[i8; 3], f64)| {
        let mut text = String::new();
        for (coefficient, letter) in row.iter().zip(["x", "y", "z"]) {
            match coefficient {
                0 => {}
                1 => text += &format!("+{letter}"),
                -1 => text += &format!("-{letter}"),
                other => text += &format!("{other:+}{letter}"),
            }
        }
        if shift == 0.0 { text } else { format!("{text}+{}/24", (shift * 24.0).round()) }
    };
    operation.rotation.iter().zip(operation.translation).map(component).collect::<Vec<_>>().join(", ")
}

/// Returns a unit cell with the shape that a space group requires.
fn cell_of(number: u32) -> [f64; 6] {
    match number {
        1..=2 => [6.1, 7.3, 8.9, 82.0, 97.0, 106.0],
        3..=15 => [6.1, 7.3, 8.9, 90.0, 107.0, 90.0],
        16..=74 => [6.1, 7.3, 8.9, 90.0, 90.0, 90.0],
        75..=142 => [7.3, 7.3, 8.9, 90.0, 90.0, 90.0],
        143..=194 => [7.3, 7.3, 8.9, 90.0, 90.0, 120.0],
        _ => [8.9, 8.9, 8.9, 90.0, 90.0, 90.0],
    }
}

/// A coordinate, often one of a special position.
fn coordinates() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(0.5),
        Just(0.25),
        Just(0.75),
        Just(0.125),
        Just(0.625),
        Just(0.3333),
        Just(0.6667),
        Just(0.66667),
        Just(0.1667),
        -0.5f64..1.5,
    ]
}

/// Whether two positions coincide modulo lattice translations, within a thousandth of an edge.
fn is_same(first: &[f64; 3], second: &[f64; 3]) -> bool {
    first.iter().zip(second).all(|(x, y)| {
        let apart = x - y;
        (apart - apart.round()).abs() < 2e-3
    })
}

proptest! {
    #[test]
    fn a_whole_cell_is_read_back_exactly((cell, expected) in structures(), dialect in dialects()) {
        let bytes = dialect.write(cell, &expected, &[]);
        let found = structure(&bytes);
        prop_assert_eq!(&found.atomic_numbers, &expected.atomic_numbers);
        prop_assert_eq!(found.fractional, expected.fractional);
        let length = |row: [f64; 3]| row.iter().map(|x| x * x).sum::<f64>().sqrt();
        for (row, expected) in found.lattice.iter().zip(cell) {
            prop_assert!((length(*row) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn an_asymmetric_unit_becomes_its_orbit(
        number in 1u32..=230,
        site in prop::array::uniform3(coordinates()),
        dialect in dialects(),
    ) {
        let cell = cell_of(number);
        let metric = cell::Cell::from_parameters(cell).unwrap().metric();
        let operations = operations_of_number(number, &metric).unwrap();
        let asymmetric = Structure { fractional: vec![site], atomic_numbers: vec![26], ..Structure::default() };
        let listed: Vec<String> = operations.iter().map(written).collect();
        let found = read(&dialect.write(cell, &asymmetric, &listed)).remove(0).result;
        let mut by_number = dialect.write(cell, &asymmetric, &[]);
        by_number.extend(format!("\n_space_group_IT_number {number}\n").bytes());
        let named = read(&by_number).remove(0).result;
        match (found, named) {
            (Ok(found), Ok(named)) => {
                prop_assert_eq!(operations.len() % found.fractional.len(), 0);
                for operation in operations.iter() {
                    for position in &found.fractional {
                        let image = operation.apply(position);
                        prop_assert_eq!(found.fractional.iter().filter(|other| is_same(&image, other)).count(), 1);
                        prop_assert_eq!(named.fractional.iter().filter(|other| is_same(&image, other)).count(), 1);
                    }
                }
                prop_assert_eq!(found.fractional.len(), named.fractional.len());
            }
            // A random position may lie so close to a symmetry element that its images are near, and no nearer.
            (Err(found), Err(named)) => {
                prop_assert_eq!(found.reason_code(), "cif_sites_overlap");
                prop_assert_eq!(named.reason_code(), "cif_sites_overlap");
            }
            (found, named) => prop_assert!(false, "{:?} {:?}", found, named),
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!read(&bytes).is_empty());
    }
}
