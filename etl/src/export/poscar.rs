//! A crystal as a POSCAR of VASP 5.
//!
//! Sites keep their order: an element that comes again gets a second group, as pymatgen and ASE write it, too.

use std::io::{self, Write};

use crystal::composition::conventional_formula;
use crystal::element::symbol;
use schemas::sites::SiteView;
use schemas::text;

/// Writes a POSCAR with fractional positions. The comment is the formula and the identifier.
pub(super) fn write(crystal: &SiteView<'_>, out: &mut impl Write) -> io::Result<()> {
    let formula = conventional_formula(crystal.atomic_numbers);
    writeln!(out, "{formula} {}", text::line(crystal.material_id))?;
    writeln!(out, "1.0")?;
    for [x, y, z] in crystal.lattice_vectors {
        writeln!(out, "{x} {y} {z}")?;
    }
    let groups = || crystal.atomic_numbers.chunk_by(|one, other| one == other);
    let symbols: Vec<&str> = groups().filter_map(|group| group.first()).map(|z| symbol(*z)).collect();
    let counts: Vec<String> = groups().map(|group| group.len().to_string()).collect();
    writeln!(out, "{}\n{}\nDirect", symbols.join(" "), counts.join(" "))?;
    for [x, y, z] in crystal.fractional {
        writeln!(out, "{x} {y} {z}")?;
    }
    Ok(())
}
