//! A crystal as a frame of extended XYZ: the number of atoms, a line of `key=value` pairs, and one line for each atom
//! with its Cartesian position in Å.

use std::borrow::Cow;
use std::io::{self, Write};

use crystal::element::symbol;
use crystal::math::row_times;
use schemas::sites::SiteView;
use schemas::text;

use super::label::{Labels, Value};

/// Writes a frame. Values that are missing are left out. Numbers of the sites are a property of the atoms, if there is
/// one for each.
pub(super) fn write<'a>(crystal: &SiteView<'_>, labels: &Labels<'a>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", crystal.atomic_numbers.len())?;
    write!(out, "Lattice=\"")?;
    for (at, component) in crystal.lattice_vectors.as_flattened().iter().enumerate() {
        write!(out, "{}{component:?}", if at == 0 { "" } else { " " })?;
    }
    let of_atoms = |(name, value): &(&'a str, Option<Value<'a>>)| match value {
        Some(Value::Sites(numbers)) if numbers.len() == crystal.atomic_numbers.len() => {
            Some((*name, *numbers))
        }
        _ => None,
    };
    let of_atoms: Vec<(&str, &[f64])> = labels.iter().filter_map(of_atoms).collect();
    write!(out, "\" Properties=species:S:1:pos:R:3")?;
    for (name, _) in &of_atoms {
        write!(out, ":{name}:R:1")?;
    }
    write!(out, " pbc=\"T T T\" material_id=")?;
    write_text(crystal.material_id, out)?;
    for (name, value) in labels {
        match value {
            None | Some(Value::Sites(_)) => {}
            // With a decimal point, so that a whole number stays a real one.
            Some(Value::Number(number)) => write!(out, " {name}={number:?}")?,
            // As ASE writes booleans.
            Some(Value::Flag(flag)) => write!(out, " {name}={}", if *flag { 'T' } else { 'F' })?,
            Some(Value::Fold(fold)) => write!(out, " {name}={fold}")?,
            Some(Value::Part(part)) => {
                write!(out, " {name}=")?;
                write_text(part, out)?;
            }
        }
    }
    writeln!(out)?;
    for (site, (number, fractional)) in crystal.atomic_numbers.iter().zip(crystal.fractional).enumerate() {
        let [x, y, z] = row_times(fractional, &crystal.lattice_vectors);
        write!(out, "{} {x:?} {y:?} {z:?}", symbol(*number))?;
        for number in of_atoms.iter().filter_map(|(_, numbers)| numbers.get(site)) {
            write!(out, " {number:?}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Writes a text in quotes, as it is, so that a build reads it back. One with control characters, some of which would end the
/// line, is written with hidden characters by their codes; no identifier has any.
fn write_text(value: &str, out: &mut impl Write) -> io::Result<()> {
    let written = if value.contains(char::is_control) { text::line(value) } else { Cow::Borrowed(value) };
    write!(out, "\"{}\"", written.replace('\\', "\\\\").replace('"', "\\\""))
}
