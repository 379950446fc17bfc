//! A crystal as a CIF in space group P 1, by the core dictionary.
//!
//! A CIF has lengths and angles instead of vectors, so the orientation of the cell is not kept. Numbers are the
//! shortest ones that read back as the same doubles, without exponents, which some programs do not read.

use std::io::{self, Write};

use crystal::composition::Composition;
use crystal::element::{SYMBOLS, symbol};
use schemas::sites::SiteView;

/// Items of the cell, in the order of [`SiteView::parameters`].
const CELL: [&str; 6] = ["length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"];

/// Items that say that every atom of the cell is listed, and the header of the atoms.
const LISTED: &str = "_space_group_name_H-M_alt 'P 1'
_space_group_IT_number 1
loop_
_space_group_symop_operation_xyz
'x, y, z'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
";

/// Writes a data block. `name` is printable ASCII without blanks.
pub(super) fn write(crystal: &SiteView<'_>, name: &str, out: &mut impl Write) -> io::Result<()> {
    let mut composition = Composition::default();
    composition.count(crystal.atomic_numbers);
    let (formula, units) = composition.hill_formula();
    writeln!(out, "data_{name}")?;
    writeln!(out, "_audit_creation_method 'etl export'")?;
    writeln!(out, "_chemical_formula_sum '{formula}'")?;
    writeln!(out, "_cell_formula_units_Z {units}")?;
    for (item, parameter) in CELL.iter().zip(crystal.parameters) {
        writeln!(out, "_cell_{item} {parameter}")?;
    }
    out.write_all(LISTED.as_bytes())?;
    let mut atoms = [0_usize; SYMBOLS.len()];
    for (number, [x, y, z]) in crystal.atomic_numbers.iter().zip(crystal.fractional) {
        let symbol = symbol(*number);
        let atom = atoms.get_mut(usize::from(*number)).map_or(0, |count| {
            *count += 1;
            *count
        });
        writeln!(out, "{symbol}{atom} {symbol} {x} {y} {z} 1")?;
    }
    Ok(())
}
