//! A crystal as text.

use std::io::{self, Write};

use schemas::count::counted;
use schemas::text::line;

use super::{Inspection, Shell, Site};

/// Number of neighbours of a shell that are listed individually. The JSON form lists all of them.
const LISTED_NEIGHBOURS: usize = 6;

/// Writes the crystal in aligned sections.
pub(super) fn write(crystal: &Inspection, out: &mut impl Write) -> io::Result<()> {
    let reduced = line(&crystal.chemical_formula_reduced);
    let stored = if reduced == crystal.formula { String::new() } else { format!(" (stored as {reduced})") };
    writeln!(
        out,
        "{}   {}{stored}   {}, {}   ({} row {})",
        line(&crystal.material_id),
        line(&crystal.formula),
        counted(crystal.sites.len(), "site"),
        counted(crystal.edges, "edge"),
        line(&crystal.shard),
        crystal.row
    )?;
    write_cell(crystal, out)?;
    write_labels(crystal, out)?;
    writeln!(out, "\nSites: fractional and Cartesian (Å) coordinates; neighbours as site(cell)")?;
    for site in &crystal.sites {
        write_site(site, out)?;
    }
    Ok(())
}

fn write_cell(crystal: &Inspection, out: &mut impl Write) -> io::Result<()> {
    let cell = &crystal.cell;
    let ([a, b, c], [alpha, beta, gamma]) = (cell.lengths, cell.angles);
    writeln!(out, "\nNiggli cell, volume {:.3} Å³", cell.volume)?;
    writeln!(out, "  a {a:.5} Å   b {b:.5} Å   c {c:.5} Å   α {alpha:.3}°   β {beta:.3}°   γ {gamma:.3}°")?;
    for (name, (vector, transform)) in
        ["l1", "l2", "l3"].iter().zip(cell.lattice_vectors.iter().zip(cell.niggli_transform))
    {
        let [x, y, z] = vector;
        let [p, q, r] = transform;
        writeln!(out, "  {name}  {x:10.5} {y:10.5} {z:10.5} Å   = {p:2} {q:2} {r:2} of the published cell")?;
    }
    Ok(())
}

fn write_labels(crystal: &Inspection, out: &mut impl Write) -> io::Result<()> {
    let names = crystal.properties.keys().chain(crystal.classes.keys()).chain(crystal.splits.keys());
    let names = names.chain(crystal.site_properties.keys()).map(|name| line(name).len());
    let width = names.chain(["source".len()]).max().unwrap_or_default();
    writeln!(out, "\nLabels")?;
    writeln!(out, "  {:width$}  {}", "source", line(&crystal.source))?;
    for (name, split) in &crystal.splits {
        writeln!(out, "  {:width$}  {}", line(name), line(split))?;
    }
    if let Some(fold) = crystal.fold {
        writeln!(out, "  {:width$}  {fold}", "fold")?;
    }
    for (name, class) in &crystal.classes {
        writeln!(out, "  {:width$}  {}", line(name), line(class.as_deref().unwrap_or("–")))?;
    }
    for (name, property) in &crystal.properties {
        let name = line(name);
        match property.value {
            Some(value) => writeln!(out, "  {name:width$}  {value} {}", line(&property.unit))?,
            None => writeln!(out, "  {name:width$}  –")?,
        }
    }
    for (name, numbers) in &crystal.site_properties {
        let numbers = numbers.as_ref().map_or_else(|| "–".to_owned(), |numbers| format!("{numbers:?}"));
        writeln!(out, "  {:width$}  {numbers}", line(name))?;
    }
    Ok(())
}

fn write_site(site: &Site, out: &mut impl Write) -> io::Result<()> {
    let ([f1, f2, f3], [x, y, z]) = (site.fractional, site.cartesian);
    writeln!(
        out,
        "  {:>3} {:<2}  {f1:9.6} {f2:9.6} {f3:9.6}   {x:10.5} {y:10.5} {z:10.5}",
        site.site, site.element
    )?;
    site.shells.iter().try_for_each(|shell| write_shell(shell, out))
}

fn write_shell(shell: &Shell, out: &mut impl Write) -> io::Result<()> {
    let count = shell.neighbours.len();
    write!(out, "      {:8.4} Å  {count:>3} × {:<2} ", shell.distance, shell.element)?;
    for neighbour in shell.neighbours.iter().take(LISTED_NEIGHBOURS) {
        let [k1, k2, k3] = neighbour.image;
        write!(out, " {}({k1},{k2},{k3})", neighbour.site)?;
    }
    match count.saturating_sub(LISTED_NEIGHBOURS) {
        0 => writeln!(out),
        more => writeln!(out, " and {more} more"),
    }
}
