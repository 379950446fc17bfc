//! Extended XYZ, as ASE reads and writes it: frames of a number of atoms, a line of `key=value` pairs, and a line for
//! each atom.
//!
//! `Lattice` holds the three cell vectors in Å one after another, `Properties` the columns of the atoms, and `pbc` the
//! periodic directions, which are all three where there is a cell and no `pbc`. Every other key with a single value is a
//! property of the crystal. Every other column with one number per atom is a property of the sites. Lists in the
//! comment line, and columns of vectors, texts or truth values, are left out.

use std::path::Path;

use crystal::element::symbol;
use crystal::structure::Structure;

use super::atoms::{Coordinates, complete, require_room};
use super::definition::SourceDefinition;
use super::extxyz_comment::{Columns, SpeciesColumn, XyzValue, pairs};
use super::extxyz_frames::FrameCutter;
use super::input::Progress;
use super::json::parse_number;
use super::property_value::PropertyValue;
use super::record_fields::{IdKey, RecordFields};
use super::records::{RecordCutter, RecordLayout};
use super::site_properties::SiteProperties;
use super::species::{element_number, species};
use super::{RecordError, SourceError};

/// Endings of the files' names.
pub(super) const ENDINGS: [&str; 2] = [".extxyz", ".xyz"];
/// Line of the first atom in a frame, counted from 1.
const FIRST_ATOM_LINE: u32 = 3;
/// Line of the keys in a frame, counted from 1.
const COMMENT_LINE: u32 = 2;

/// The definition of the source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition::records("extxyz", &Extxyz);

/// The format of frames. A record is a frame from its line of keys on.
struct Extxyz;

impl RecordLayout for Extxyz {
    fn source(&self) -> &'static str {
        SOURCE.name
    }

    fn endings(&self) -> &'static [&'static str] {
        &ENDINGS
    }

    fn open(&self, path: &Path, progress: &Progress) -> Result<Box<dyn RecordCutter>, SourceError> {
        Ok(Box::new(FrameCutter::open(path, &ENDINGS, progress)?))
    }

    fn read(&self, record: &[u8], fields: &mut dyn RecordFields) -> Result<(), RecordError> {
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        let mut lines = record.split(|&byte| byte == b'\n');
        let comment = String::from_utf8_lossy(lines.next().unwrap_or_default());
        let (mut lattice, mut columns, mut periodic) = (None, None, None);
        for (key, value) in pairs(&comment) {
            match key.as_str() {
                "Lattice" => lattice = Some(value),
                "Properties" => columns = Some(value),
                "pbc" => periodic = Some(value),
                _ => match IdKey::find(key.as_bytes()) {
                    Some(id) => fields.identifier(id, &value),
                    None => {
                        let XyzValue { value, text } = XyzValue::of(&value);
                        let raw = text.unwrap_or_default().as_bytes();
                        fields.property(key.as_bytes(), value, raw, text.map(Into::into))?;
                    }
                },
            }
        }
        let columns = columns.as_deref().map_or_else(|| Ok(Columns::default()), read_columns);
        let mut found = SiteProperties::default();
        let Some(structure) = fields.structure() else {
            read_numbers(lines, &columns?, &mut found)?;
            return fields.sites(&found);
        };
        structure.clear();
        structure.lattice = match lattice {
            Some(text) => read_lattice(&text)?,
            None => return Err(RecordError::NotPeriodic("it has no Lattice".to_owned())),
        };
        if let Some(text) = periodic {
            check_periodic(&text)?;
        }
        let columns = columns?;
        for (line, atom) in (FIRST_ATOM_LINE..).zip(lines.clone()) {
            read_atom(atom, &columns, line, structure)?;
        }
        complete(structure, Coordinates::Cartesian)?;
        read_numbers(lines, &columns, &mut found)?;
        fields.sites(&found)
    }
}

fn fault(line: u32, message: String) -> RecordError {
    RecordError::Frame { line, message }
}

/// Reads the columns of the atoms.
fn read_columns(text: &str) -> Result<Columns, RecordError> {
    Columns::read(text).ok_or_else(|| {
        let what = "gives no columns of species and positions, or two columns one name";
        fault(COMMENT_LINE, format!("Properties={text:?} {what}"))
    })
}

/// Returns the words of a list in the line of keys.
fn list_words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t', ',']).filter(|word| !word.is_empty())
}

/// Reads nine numbers as three cell vectors.
fn read_lattice(text: &str) -> Result<[[f64; 3]; 3], RecordError> {
    let mut lattice = [[0.0; 3]; 3];
    let mut words = list_words(text);
    let mut number = || words.next().and_then(|word| parse_number(word.as_bytes()));
    let read =
        lattice.as_flattened_mut().iter_mut().all(|slot| number().map(|found| *slot = found).is_some());
    if read && words.next().is_none() {
        return Ok(lattice);
    }
    Err(fault(COMMENT_LINE, format!("Lattice={text:?} is not nine numbers")))
}

/// Checks that a crystal is periodic in all three directions.
fn check_periodic(text: &str) -> Result<(), RecordError> {
    let flag = |word: &str| match word {
        "T" | "t" | "1" => Some(true),
        "F" | "f" | "0" => Some(false),
        word if word.eq_ignore_ascii_case("true") => Some(true),
        word if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    };
    match list_words(text).map(flag).collect::<Option<Vec<_>>>().as_deref() {
        Some([true, true, true]) => Ok(()),
        Some([_, _, _]) => Err(RecordError::NotPeriodic(format!("pbc={text:?}"))),
        _ => Err(fault(COMMENT_LINE, format!("pbc={text:?} is not three times T or F"))),
    }
}

/// Returns the values in the line of an atom.
fn words(atom: &[u8]) -> impl Iterator<Item = &[u8]> {
    atom.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// Reads the numbers of the atoms beside their species and positions.
fn read_numbers<'a>(
    atoms: impl Iterator<Item = &'a [u8]>,
    columns: &Columns,
    found: &mut SiteProperties,
) -> Result<(), RecordError> {
    columns.others.iter().for_each(|(name, kind)| found.refuse(name, kind.as_bytes()));
    if columns.numbers.is_empty() {
        return Ok(());
    }
    for (site, atom) in atoms.enumerate() {
        require_room(site)?;
        let mut wanted = columns.numbers.iter().peekable();
        for (at, word) in words(atom).enumerate() {
            if let Some(column) = wanted.next_if(|column| column.at == at) {
                found.add(&column.name, site + 1, PropertyValue::of_text(word), word);
            }
        }
    }
    Ok(())
}

/// Reads the line of an atom.
fn read_atom(
    atom: &[u8],
    columns: &Columns,
    line: u32,
    structure: &mut Structure,
) -> Result<(), RecordError> {
    require_room(structure.atomic_numbers.len())?;
    let site = structure.atomic_numbers.len() + 1;
    let mut position = [0.0; 3];
    let (mut number, mut restated) = (None, None);
    let mut count = 0;
    for (at, word) in words(atom).enumerate() {
        count += 1;
        match (&columns.species, at.checked_sub(columns.position)) {
            (_, Some(axis @ 0..3)) => {
                let shown = || format!("{:?} is not a number", String::from_utf8_lossy(word));
                let value = parse_number(word).ok_or_else(|| fault(line, shown()))?;
                if let Some(slot) = position.get_mut(axis) {
                    *slot = value;
                }
            }
            (SpeciesColumn::Symbol(column), _) if at == *column => number = Some(species(word, site)?),
            (SpeciesColumn::Number(column), _) if at == *column => number = Some(element_number(word, site)?),
            _ if columns.restated == Some(at) => restated = element_number(word, site).ok(),
            _ => {}
        }
    }
    let exact = columns.are_given && count > columns.count;
    let number = number.filter(|_| count >= columns.count && !exact);
    let number = number
        .ok_or_else(|| fault(line, format!("an atom with {count} values instead of {}", columns.count)))?;
    if let Some(other) = restated.filter(|other| *other != number) {
        let (number, other) = (symbol(number), symbol(other));
        return Err(fault(line, format!("an atom is {number} by one column and {other} by another")));
    }
    structure.atomic_numbers.push(number);
    structure.fractional.push(position);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::key_scan::PropertyKey;
    use crate::source::property_value::Reading;
    use crate::source::record_fields::{CrystalFields, ScanFields};

    fn read(frame: &str) -> Result<Structure, RecordError> {
        let mut fields = CrystalFields::new(&[]);
        Extxyz.read(frame.as_bytes(), &mut fields).map(|()| fields.structure)
    }

    const SALT: &str = "Lattice=\"0 2.8 2.8 2.8 0 2.8 2.8 2.8 0\" Properties=species:S:1:pos:R:3\nNa 0 0 0\n\
                        Cl 2.8 2.8 2.8\n";

    #[test]
    fn positions_are_cartesian() {
        let structure = read(SALT).expect("a crystal");
        assert_eq!(structure.atomic_numbers, [11, 17]);
        assert!(structure.fractional[1].iter().all(|value| (value - 0.5).abs() < 1e-15), "{structure:?}");
        let structure = read(&SALT.replace("Na", "na").replace("Cl", "Cl-")).expect("a crystal");
        assert_eq!(structure.atomic_numbers, [11, 17]);
    }

    #[test]
    fn columns_come_in_any_order() {
        let frame = "Properties=pos:R:3:tags:I:2:Z:I:1 Lattice=\"3 0 0 0 3 0 0 0 3\"\n1.5 0 0 9 9 84\n";
        let structure = read(frame).expect("a crystal");
        assert_eq!((structure.atomic_numbers[0], structure.fractional[0]), (84, [0.5, 0.0, 0.0]));
    }

    #[test]
    fn columns_of_species_agree() {
        for columns in ["species:S:1:Z:I:1:pos:R:3", "species:S:1:numbers:I:1:pos:R:3"] {
            let head = SALT.replace("species:S:1:pos:R:3", columns);
            let frame =
                |second: u8| head.replace("Na 0", "Na 11 0").replace("Cl 2.8", &format!("Cl {second} 2.8"));
            assert_eq!(
                read(&frame(17)).map(|structure| structure.atomic_numbers),
                Ok(vec![11, 17]),
                "{columns}"
            );
            let error = read(&frame(35)).expect_err("another element");
            assert_eq!((error.reason_code(), error.line()), ("bad_frame", Some(4)));
            assert_eq!(error.to_string(), "an atom is Cl by one column and Br by another");
        }
    }

    #[test]
    fn atomic_numbers_by_both_names_agree() {
        let frame = |second: u8| {
            SALT.replace("species:S:1:pos:R:3", "Z:I:1:numbers:I:1:pos:R:3")
                .replace("Na 0", "11 11 0")
                .replace("Cl 2.8", &format!("17 {second} 2.8"))
        };
        assert_eq!(read(&frame(17)).map(|structure| structure.atomic_numbers), Ok(vec![11, 17]));
        let error = read(&frame(35)).expect_err("another element");
        assert_eq!(error.to_string(), "an atom is Cl by one column and Br by another");
    }

    /// The numbers of the sites under the key `site_q`, and what the first pass sees of it.
    fn numbers(frame: &str) -> (Option<Vec<f64>>, PropertyValue) {
        let key = PropertyKey { key: b"site_q".to_vec(), reading: Reading::SiteNumbers, values: 1 };
        let mut fields = CrystalFields::new(&[key]);
        Extxyz.read(frame.as_bytes(), &mut fields).expect("a crystal");
        let mut scan = ScanFields::default();
        Extxyz.read(frame.as_bytes(), &mut scan).expect("a crystal");
        let seen = scan.keys.finish("extxyz");
        let is_list = seen.properties.iter().any(|key| key.reading == Reading::SiteNumbers);
        let is_left_out = seen.left_out.iter().any(|(key, tally)| key == "site_q" && tally.values() > 0);
        let value = match (is_list, is_left_out) {
            (true, _) => PropertyValue::List,
            (_, true) => PropertyValue::Other,
            _ => PropertyValue::Missing,
        };
        (fields.values.values().list(0).map(<[f64]>::to_vec), value)
    }

    #[test]
    fn further_columns_of_numbers_are_those_of_the_sites() {
        let frame = |columns: &str, first: &str, second: &str| {
            let frame = SALT.replace("pos:R:3", &format!("pos:R:3{columns}"));
            numbers(
                &frame
                    .replace("Na 0 0 0", &format!("Na 0 0 0 {first}"))
                    .replace("Cl 2.8 2.8 2.8", &format!("Cl 2.8 2.8 2.8 {second}")),
            )
        };
        let list = (Some(vec![1.0, -1.5]), PropertyValue::List);
        assert_eq!(frame(":q:R:1", "1", "-1.5"), list);
        assert_eq!(frame(":f:R:3:site_q:R:1", "0 0 0 1", "0 0 0 -1.5"), list);
        assert_eq!(frame(":q:I:1:x:S:1", "1 a", "-2 b"), (Some(vec![1.0, -2.0]), PropertyValue::List));
        assert_eq!(frame(":q:R:1", "1", "nan"), (None, PropertyValue::List));
        assert_eq!(frame(":q:R:1", "nan", "nan"), (None, PropertyValue::Missing));
        assert_eq!(frame(":q:R:1", "1", "inf"), (None, PropertyValue::Other));
        assert_eq!(frame(":q:R:3", "1 2 3", "1 2 3"), (None, PropertyValue::Other));
        assert_eq!(frame(":q:L:1", "T", "F"), (None, PropertyValue::Other));
    }

    #[test]
    fn every_fault_has_its_code_and_line() {
        let fault = |from: &str, to: &str| {
            assert!(SALT.contains(from), "{from}");
            let error = read(&SALT.replace(from, to)).expect_err(to);
            (error.reason_code(), error.line())
        };
        let head = &SALT[..SALT.find('\n').expect("lines")];
        assert_eq!(fault("Lattice=", "lattice="), ("not_periodic", None));
        assert_eq!(fault(head, &format!("{head} pbc=\"T T F\"")), ("not_periodic", None));
        assert_eq!(fault(head, &format!("{head} pbc=\"T T\"")), ("bad_frame", Some(2)));
        assert_eq!(fault("2.8 0\"", "2.8\""), ("bad_frame", Some(2)));
        assert_eq!(fault("2.8 0\"", "2.8 0 0\""), ("bad_frame", Some(2)));
        assert_eq!(fault("pos:R:3", "pos:R"), ("bad_frame", Some(2)));
        assert_eq!(fault("pos:R:3", "pos:R:3:x:R:1:x:R:1"), ("bad_frame", Some(2)));
        assert_eq!(fault("pos:R:3", "pos:R:3:x:R:4000000000000000000"), ("bad_frame", Some(2)));
        assert_eq!(fault("Cl 2.8", "Cl"), ("bad_frame", Some(4)));
        assert_eq!(fault("Cl 2.8", "Cl 2.8 1"), ("bad_frame", Some(4)));
        assert_eq!(fault("Na 0", "Na nan"), ("bad_frame", Some(3)));
        assert_eq!(fault("Cl 2.8", "\nCl 2.8"), ("bad_frame", Some(4)));
        assert_eq!(fault("Cl 2.8 2.8 2.8\n", "Cl 2.8 2.8 2.8\n\n"), ("bad_frame", Some(5)));
        assert_eq!(fault("Na 0", "Na 1e999"), ("not_finite", None));
        assert_eq!(fault("Na", "X"), ("unknown_element", None));
        assert_eq!(fault("2.8 2.8 0\"", "2.8 0 2.8\""), ("singular_lattice", None));
        assert_eq!(read(&format!("{head}\n")).map_err(|error| error.reason_code()), Err("no_sites"));
    }
}
