//! Tests of the reader as a whole.

#![allow(clippy::unwrap_used)]

mod accepted;
mod contents;
mod evidence;
mod labels;
mod mutation;
mod refused;
mod round_trip;
mod shared;
mod translations;

use std::collections::BTreeMap;

use super::*;

/// One result of a file.
#[derive(Debug, Clone, PartialEq)]
struct Found {
    block: String,
    index: usize,
    line: u32,
    entry_name: String,
    notes: Vec<CifNote>,
    result: Result<Structure, CifError>,
}

/// All results of a file.
fn read(bytes: &[u8]) -> Vec<Found> {
    let mut all = Vec::new();
    CifReader::new().read(bytes, &mut |block, result| {
        all.push(Found {
            entry_name: block.entry_name("stem").into_owned(),
            block: block.name.into_owned(),
            notes: block.notes,
            index: block.index,
            line: block.line,
            result: result.cloned(),
        });
    });
    all
}

/// The structure of a file that holds one.
fn structure(bytes: &[u8]) -> Structure {
    let mut found = read(bytes);
    assert_eq!(found.len(), 1, "{found:?}");
    found.pop().unwrap().result.unwrap()
}

/// Atoms by symbol.
fn atoms(structure: &Structure) -> BTreeMap<&'static str, usize> {
    assert_eq!(structure.atomic_numbers.len(), structure.fractional.len());
    let mut atoms = BTreeMap::new();
    for &number in &structure.atomic_numbers {
        *atoms.entry(crate::element::SYMBOLS[usize::from(number)]).or_default() += 1;
    }
    atoms
}

/// `Fe:2 O:3`, as a map from symbols to counts.
fn counts(text: &str) -> BTreeMap<&str, usize> {
    text.split_whitespace()
        .map(|part| part.split_once(':').unwrap())
        .map(|(symbol, count)| (symbol, count.parse().unwrap()))
        .collect()
}

/// Whether some site lies at a position modulo the lattice, within 1e-9.
fn has_site(structure: &Structure, symbol: &str, position: [f64; 3]) -> bool {
    let number = crate::element::atomic_number(symbol).unwrap();
    structure.fractional.iter().zip(&structure.atomic_numbers).any(|(fractional, other)| {
        *other == number
            && fractional.iter().zip(position).all(|(x, y)| {
                let apart = x - y;
                (apart - apart.round()).abs() < 1e-9
            })
    })
}

#[test]
fn buffers_of_a_large_file_are_not_kept() {
    let head = "data_a\n_cell_length_a 500\n_cell_length_b 500\n_cell_length_c 500\n_cell_angle_alpha 90\n\
                _cell_angle_beta 90\n_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'P 1'\nloop_\n\
                _atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n";
    let mut reader = CifReader::new();
    for (sites, is_kept) in [(10, true), (KEPT_SITES + 1, false), (20, true)] {
        let rows: String =
            (0..sites).map(|at| format!("H 0.{:03} 0.{:03} 0.5\n", at / 500, at % 500)).collect();
        let mut found = 0;
        reader.read(format!("{head}{rows}").as_bytes(), &mut |_, result| {
            found = result.map_or(0, |structure| structure.atomic_numbers.len());
        });
        assert_eq!(found, sites);
        assert_eq!(reader.kept_sites() > 0, is_kept, "{sites} sites");
    }
}
