//! Reading of the unit cell and sites from JSON and POSCAR, and their completion to a [`Structure`].

use crystal::cartesian::to_fractional;
use crystal::structure::Structure;
use schemas::limits::MAX_SITES;

use super::RecordError;
use super::json::Cursor;
use super::species::element;

/// Tolerance for an occupancy of 1, because it may be a sum of decimal numbers.
pub(super) const OCCUPANCY_TOLERANCE: f64 = 1e-6;

/// The kind of coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coordinates {
    /// Fractional coordinates.
    Fractional,
    /// Cartesian coordinates in Å.
    Cartesian,
}

/// Reads the `atoms` dictionary of JARVIS-Tools: `lattice_mat` (rows in Å), `coords`, `elements`, `cartesian`. Other
/// keys are skipped.
///
/// # Errors
/// Returns a [`RecordError`] if a field is missing or malformed, or if the sites do not form a crystal.
pub(super) fn read_atoms(cursor: &mut Cursor<'_>, structure: &mut Structure) -> Result<(), RecordError> {
    structure.clear();
    let mut coordinates = Coordinates::Fractional;
    let (mut lattice_read, mut coordinates_read, mut elements_read) = (false, false, false);
    cursor.expect(b'{', "the atoms dictionary")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        match key.raw {
            b"lattice_mat" => {
                structure.lattice = read_lattice(cursor)?;
                lattice_read = true;
            }
            b"coords" => {
                structure.fractional.clear();
                cursor.expect(b'[', "an array of positions")?;
                let mut first = true;
                while cursor.next_element(&mut first)? {
                    require_room(structure.fractional.len())?;
                    structure.fractional.push(cursor.triple()?);
                }
                coordinates_read = true;
            }
            b"elements" => {
                structure.atomic_numbers.clear();
                cursor.expect(b'[', "an array of elements")?;
                let mut first = true;
                while cursor.next_element(&mut first)? {
                    require_room(structure.atomic_numbers.len())?;
                    let site = structure.atomic_numbers.len() + 1;
                    structure.atomic_numbers.push(element(cursor.string()?.raw, site)?);
                }
                elements_read = true;
            }
            b"cartesian" => {
                coordinates =
                    if cursor.boolean()? { Coordinates::Cartesian } else { Coordinates::Fractional };
            }
            _ => cursor.skip()?,
        }
    }
    for (read, field) in
        [(lattice_read, "lattice_mat"), (coordinates_read, "coords"), (elements_read, "elements")]
    {
        if !read {
            return Err(RecordError::MissingField(field));
        }
    }
    complete(structure, coordinates)
}

/// Checks that a crystal may have one more site.
///
/// # Errors
/// Returns [`RecordError::TooManySites`] if it may not.
#[inline]
pub(super) fn require_room(sites: usize) -> Result<(), RecordError> {
    if sites < MAX_SITES { Ok(()) } else { Err(RecordError::TooManySites { limit: MAX_SITES }) }
}

/// Reads three lattice vectors, as rows in Å.
///
/// # Errors
/// Returns [`RecordError::Json`] if they are not an array of three by three numbers.
pub(super) fn read_lattice(cursor: &mut Cursor<'_>) -> Result<[[f64; 3]; 3], RecordError> {
    let mut lattice = [[0.0; 3]; 3];
    cursor.expect(b'[', "an array of 3 cell vectors")?;
    for (index, vector) in lattice.iter_mut().enumerate() {
        if index > 0 {
            cursor.expect(b',', "3 cell vectors")?;
        }
        *vector = cursor.triple()?;
    }
    cursor.expect(b']', "3 cell vectors")?;
    Ok(lattice)
}

/// Checks the values that were read, and converts Cartesian coordinates (in [`Structure::fractional`], Å) to
/// fractional ones.
///
/// # Errors
/// Returns a [`RecordError`] if there are no sites, the numbers of elements and positions differ, a number is not
/// finite, or Cartesian coordinates are given in a cell without volume.
pub(super) fn complete(structure: &mut Structure, coordinates: Coordinates) -> Result<(), RecordError> {
    let (elements, positions) = (structure.atomic_numbers.len(), structure.fractional.len());
    if elements != positions {
        return Err(RecordError::SiteCount { elements, coordinates: positions });
    }
    if elements == 0 {
        return Err(RecordError::NoSites);
    }
    let finite =
        |field, values: &[[f64; 3]]| match values.as_flattened().iter().find(|value| !value.is_finite()) {
            Some(&value) => Err(RecordError::NotFinite { field, value }),
            None => Ok(()),
        };
    finite("cell vector", &structure.lattice)?;
    finite("position", &structure.fractional)?;
    match coordinates {
        Coordinates::Fractional => Ok(()),
        Coordinates::Cartesian => Ok(to_fractional(structure)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Structure, RecordError> {
        let mut structure = Structure::default();
        read_atoms(&mut Cursor::new(json.as_bytes()), &mut structure).map(|()| structure)
    }

    const ROCKSALT: &str = r#"{"lattice_mat": [[0, 2.8, 2.8], [2.8, 0, 2.8], [2.8, 2.8, 0]], "props": ["", ""],
        "coords": [[0, 0, 0], [2.8, 2.8, 2.8]], "elements": ["Na ", "Cl"], "cartesian": true}"#;

    #[test]
    fn cartesian_positions_become_fractions() {
        let structure = read(ROCKSALT).expect("a crystal");
        assert_eq!(structure.atomic_numbers, [11, 17]);
        for value in structure.fractional[1] {
            assert!((value - 0.5).abs() < 1e-15, "{value}");
        }
        let as_given = read(&ROCKSALT.replace("true", "false")).expect("a crystal");
        assert_eq!(as_given.fractional[1], [2.8; 3]);
    }

    #[test]
    fn no_more_sites_are_read_than_a_crystal_may_have() {
        let many = format!("[[0, 0, 0]{}", ",[0,0,0]".repeat(MAX_SITES));
        let text = ROCKSALT.replace("[[0, 0, 0]", &many);
        assert_ne!(text, ROCKSALT);
        let error = read(&text).expect_err("too many positions");
        assert_eq!(error, RecordError::TooManySites { limit: MAX_SITES });
        assert_eq!(error.reason_code(), "too_many_sites");
    }

    #[test]
    fn every_fault_has_its_code() {
        let code = |from: &str, to: &str| {
            assert!(ROCKSALT.contains(from), "{from}");
            read(&ROCKSALT.replace(from, to)).map_err(|error| error.reason_code())
        };
        assert_eq!(code("\"lattice_mat\"", "\"x\""), Err("missing_field"));
        assert_eq!(code("[2.8, 0, 2.8]", "[2.8, 0]"), Err("bad_json"));
        assert_eq!(code("\"Cl\"", "\"(Cl,Br) \""), Err("ambiguous_element"));
        assert_eq!(code("\"Cl\"", "\"Cx\""), Err("unknown_element"));
        assert_eq!(code(", \"Cl\"", ""), Err("site_count_mismatch"));
        assert_eq!(code("[2.8, 2.8, 0]]", "[NaN, 2.8, 0]]"), Err("not_finite"));
        assert_eq!(code("[2.8, 2.8, 0]]", "[2.8, 2.8, 5.6]]"), Err("singular_lattice"));
        let empty = ROCKSALT.replace("[0, 0, 0], [2.8, 2.8, 2.8]", "").replace("\"Na \", \"Cl\"", "");
        assert_eq!(read(&empty), Err(RecordError::NoSites));
    }
}
