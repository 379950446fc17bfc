//! Structures as dictionaries of pymatgen:
//! `{"lattice": {"matrix": ..}, "sites": [{"species": [{"element": .., "occu": 1}], "abc": ..}]}`.

use crystal::structure::Structure;

use super::RecordError;
use super::atoms::{Coordinates, OCCUPANCY_TOLERANCE, complete, read_lattice, require_room};
use super::json::{Cursor, given_twice};
use super::pymatgen_checks::{PARAMETERS, check_parameters, check_positions};
use super::site_properties::SiteProperties;
use super::species::species;

/// Number of directions in which a crystal is periodic.
const DIRECTIONS: usize = 3;

/// Reads a structure as [`read_with_properties`] does, without the properties of its sites.
///
/// # Errors
/// Those of [`read_with_properties`].
pub(super) fn read_structure(cursor: &mut Cursor<'_>, structure: &mut Structure) -> Result<(), RecordError> {
    read_with_properties(cursor, structure, None)
}

/// Reads a structure, and the properties of its sites if they are asked for. Other keys that do not describe atoms are
/// skipped.
///
/// Positions are the fractional coordinates `abc` of the sites. If all sites have only the Cartesian coordinates
/// `xyz`, these are converted. Where both are given, they may differ by a lattice vector.
///
/// # Errors
/// Returns a [`RecordError`] if a field is missing, malformed, given twice or contradicted by another one, if a site is
/// not fully occupied by one species, or if the structure is not periodic in three directions.
pub(super) fn read_with_properties(
    cursor: &mut Cursor<'_>,
    structure: &mut Structure,
    mut properties: Option<&mut SiteProperties>,
) -> Result<(), RecordError> {
    structure.clear();
    let mut lattice_read = false;
    let mut coordinates = None;
    // Index and Cartesian coordinates of the sites that have both.
    let mut restated = Vec::new();
    cursor.expect(b'{', "a structure")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        match key.raw {
            b"lattice" if lattice_read => return Err(given_twice(key.raw, cursor.position()).into()),
            b"sites" if coordinates.is_some() => return Err(given_twice(key.raw, cursor.position()).into()),
            b"lattice" => {
                structure.lattice = read_matrix(cursor)?;
                lattice_read = true;
            }
            b"sites" => {
                structure.fractional.clear();
                structure.atomic_numbers.clear();
                properties.as_deref_mut().into_iter().for_each(SiteProperties::clear);
                cursor.expect(b'[', "an array of sites")?;
                let mut first = true;
                while cursor.next_element(&mut first)? {
                    require_room(structure.atomic_numbers.len())?;
                    let site = structure.atomic_numbers.len() + 1;
                    let read = read_site(cursor, site, properties.as_deref_mut())?;
                    let (position, kind) = match (read.fractional, read.cartesian) {
                        (Some(position), _) => (position, Coordinates::Fractional),
                        (None, Some(position)) => (position, Coordinates::Cartesian),
                        (None, None) => return Err(RecordError::MissingField("abc")),
                    };
                    if *coordinates.get_or_insert(kind) != kind {
                        return Err(RecordError::MissingField("abc"));
                    }
                    let cartesian = read.cartesian.filter(|_| kind == Coordinates::Fractional);
                    restated.extend(cartesian.map(|position| (site - 1, position)));
                    structure.atomic_numbers.push(read.number);
                    structure.fractional.push(position);
                }
                coordinates = coordinates.or(Some(Coordinates::Fractional));
            }
            _ => cursor.skip()?,
        }
    }
    if !lattice_read {
        return Err(RecordError::MissingField("lattice"));
    }
    complete(structure, coordinates.ok_or(RecordError::MissingField("sites"))?)?;
    check_positions(structure, &restated)
}

/// Reads the properties of the sites of a structure, and nothing else of it.
///
/// # Errors
/// Returns a [`RecordError`] if it is malformed or has too many sites.
pub(super) fn read_site_properties(
    cursor: &mut Cursor<'_>,
    properties: &mut SiteProperties,
) -> Result<(), RecordError> {
    cursor.expect(b'{', "a structure")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        if key.raw != b"sites" {
            cursor.skip()?;
            continue;
        }
        properties.clear();
        cursor.expect(b'[', "an array of sites")?;
        let (mut first, mut sites) = (true, 0);
        while cursor.next_element(&mut first)? {
            require_room(sites)?;
            sites += 1;
            cursor.expect(b'{', "a site")?;
            let mut first = true;
            while let Some(key) = cursor.next_key(&mut first)? {
                if key.raw == b"properties" && cursor.peek() == Some(b'{') {
                    properties.read(cursor, sites)?;
                } else {
                    cursor.skip()?;
                }
            }
        }
    }
    Ok(())
}

/// Reads the `matrix` of a lattice or, if there is none, its lengths in Å and angles in degrees. Where both are given,
/// they have to agree.
fn read_matrix(cursor: &mut Cursor<'_>) -> Result<[[f64; 3]; 3], RecordError> {
    let (mut matrix, mut parameters, mut volume) = (None, [None; 6], None);
    cursor.expect(b'{', "a lattice")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        match key.raw {
            b"matrix" if matrix.is_some() => return Err(given_twice(key.raw, cursor.position()).into()),
            b"matrix" => matrix = Some(read_lattice(cursor)?),
            b"pbc" => check_periodic(cursor)?,
            b"volume" => volume = Cursor::new(cursor.raw()?).number().ok(),
            raw => match PARAMETERS.iter().position(|name| name.as_bytes() == raw) {
                Some(at) if matrix.is_none() => {
                    if let Some(slot) = parameters.get_mut(at) {
                        *slot = Some(cursor.number()?);
                    }
                }
                // Beside a matrix they may be anything.
                Some(at) => {
                    if let (Some(slot), raw) = (parameters.get_mut(at), cursor.raw()?) {
                        *slot = Cursor::new(raw).number().ok();
                    }
                }
                None => cursor.skip()?,
            },
        }
    }
    if let Some(matrix) = matrix {
        check_parameters(&matrix, &parameters, volume)?;
        return Ok(matrix);
    }
    match parameters {
        [Some(a), Some(b), Some(c), Some(alpha), Some(beta), Some(gamma)] => {
            Ok(lattice_of([a, b, c], [alpha, beta, gamma].map(f64::to_radians)))
        }
        _ => Err(RecordError::MissingField("matrix")),
    }
}

/// Checks that a lattice is periodic in all three directions.
fn check_periodic(cursor: &mut Cursor<'_>) -> Result<(), RecordError> {
    let raw = cursor.raw()?;
    let mut inside = Cursor::new(raw);
    let (mut first, mut periodic, mut directions) = (true, true, 0);
    inside.expect(b'[', "three truth values")?;
    while inside.next_element(&mut first)? {
        periodic &= inside.boolean()?;
        directions += 1;
    }
    if periodic && directions == DIRECTIONS {
        Ok(())
    } else {
        Err(RecordError::NotPeriodic(format!("pbc {}", String::from_utf8_lossy(raw))))
    }
}

/// Returns the cell vectors of lengths and angles (in radians) in the orientation of pymatgen: c along z, a in the xz
/// plane. Lengths and angles that make no cell give vectors that are not finite or span no volume.
fn lattice_of([a, b, c]: [f64; 3], [alpha, beta, gamma]: [f64; 3]) -> [[f64; 3]; 3] {
    let cosine = (alpha.cos() * beta.cos() - gamma.cos()) / (alpha.sin() * beta.sin());
    let reciprocal = cosine.acos();
    [
        [a * beta.sin(), 0.0, a * beta.cos()],
        [-b * alpha.sin() * reciprocal.cos(), b * alpha.sin() * reciprocal.sin(), b * alpha.cos()],
        [0.0, 0.0, c],
    ]
}

/// A site.
struct Site {
    number: u8,
    /// Its fractional coordinates, if they are given.
    fractional: Option<[f64; 3]>,
    /// Its Cartesian coordinates in Å, if they are given.
    cartesian: Option<[f64; 3]>,
}

/// Reads a site. Sites are counted from 1.
fn read_site(
    cursor: &mut Cursor<'_>,
    site: usize,
    mut properties: Option<&mut SiteProperties>,
) -> Result<Site, RecordError> {
    let (mut number, mut fractional, mut cartesian) = (None, None, None);
    cursor.expect(b'{', "a site")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        match key.raw {
            b"species" if number.is_some() => return Err(given_twice(key.raw, cursor.position()).into()),
            b"abc" if fractional.is_some() => return Err(given_twice(key.raw, cursor.position()).into()),
            b"species" => number = Some(read_species(cursor, site)?),
            b"abc" => fractional = Some(cursor.triple()?),
            // Pymatgen itself reads `abc`, so that anything may stand here beside it.
            b"xyz" => cartesian = Cursor::new(cursor.raw()?).triple().ok().or(cartesian),
            b"properties" => match properties.as_deref_mut() {
                Some(properties) if cursor.peek() == Some(b'{') => properties.read(cursor, site)?,
                _ => cursor.skip()?,
            },
            _ => cursor.skip()?,
        }
    }
    let number = number.ok_or(RecordError::MissingField("species"))?;
    Ok(Site { number, fractional, cartesian })
}

/// Returns the atomic number of the only species of a site.
fn read_species(cursor: &mut Cursor<'_>, site: usize) -> Result<u8, RecordError> {
    let mut number = None;
    let mut count = 0;
    cursor.expect(b'[', "an array of species")?;
    let mut first = true;
    while cursor.next_element(&mut first)? {
        let (symbol, occupancy) = read_one_species(cursor)?;
        count += 1;
        if count > 1 {
            return Err(RecordError::PartialOccupancy { site, detail: "several species".to_owned() });
        }
        let is_whole = (occupancy - 1.0).abs() <= OCCUPANCY_TOLERANCE;
        if !is_whole {
            return Err(RecordError::PartialOccupancy { site, detail: format!("occupancy {occupancy}") });
        }
        number = Some(species(symbol, site)?);
    }
    number.ok_or(RecordError::PartialOccupancy { site, detail: "no species".to_owned() })
}

fn read_one_species<'a>(cursor: &mut Cursor<'a>) -> Result<(&'a [u8], f64), RecordError> {
    let mut symbol = None;
    let mut occupancy = 1.0;
    cursor.expect(b'{', "a species")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        match key.raw {
            b"element" => symbol = Some(cursor.string()?.raw),
            b"occu" => occupancy = cursor.number()?,
            _ => cursor.skip()?,
        }
    }
    Ok((symbol.ok_or(RecordError::MissingField("element"))?, occupancy))
}

/// Reads a structure from JSON.
#[cfg(test)]
pub(crate) fn read(json: &[u8]) -> Result<Structure, RecordError> {
    let mut structure = Structure::default();
    read_structure(&mut Cursor::new(json), &mut structure).map(|()| structure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Structure, RecordError> {
        super::read(json.as_bytes())
    }

    const CHLORIDE: &str = r#"{"@module": "pymatgen.core.structure", "charge": 0.0,
        "lattice": {"a": 4.12, "matrix": [[4.12, 0.0, 0.0], [0.0, 4.12, 0.0], [0.0, 0.0, 4.12]]},
        "sites": [{"species": [{"element": "Cs+", "occu": 1}], "abc": [0.0, 0.0, 0.0], "xyz": [0.0, 0.0, 0.0]},
                  {"species": [{"element": "Cl", "occu": 1.0}], "xyz": [2.06, 2.06, 2.06], "abc": [0.5, 0.5, 0.5]}]}"#;

    #[test]
    fn sites_are_read() {
        let structure = read(CHLORIDE).expect("a crystal");
        assert_eq!(structure.atomic_numbers, [55, 17]);
        assert_eq!(structure.fractional, [[0.0; 3], [0.5; 3]]);
        let cartesian = read(&CHLORIDE.replace("\"abc\"", "\"x\"")).expect("a crystal");
        for value in cartesian.fractional[1] {
            assert!((value - 0.5).abs() < 1e-15, "{value}");
        }
    }

    #[test]
    fn lengths_and_angles_make_the_lattice_where_there_is_no_matrix() {
        let text = r#"{"sites": [{"species": [{"element": "Po", "occu": 1}], "abc": [0, 0, 0]}],
            "lattice": {"a": 3, "b": 4, "c": 5, "alpha": 80, "beta": 95, "gamma": 110}}"#;
        let [a, b, c] = read(text).expect("a crystal").lattice;
        let dot = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for (found, expected) in [(dot(a, a), 9.0), (dot(b, b), 16.0), (dot(c, c), 25.0)] {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        for (found, angle) in
            [(dot(b, c) / 20.0, 80.0f64), (dot(a, c) / 15.0, 95.0), (dot(a, b) / 12.0, 110.0)]
        {
            assert!((found - angle.to_radians().cos()).abs() < 1e-12, "{found} {angle}");
        }
        let code = |from: &str, to: &str| {
            read(&text.replace(from, to)).map(|_| ()).map_err(|error| error.reason_code())
        };
        assert_eq!(code("\"a\": 3, ", ""), Err("missing_field"));
        assert_eq!(code("110", "179"), Err("not_finite"));
        assert_eq!(code("\"a\": 3", "\"pbc\": [true, true, false], \"a\": 3"), Err("not_periodic"));
        assert_eq!(code("\"a\": 3", "\"pbc\": [true, true, true], \"a\": 3"), Ok(()));
        for other in ["[]", "[true]", "[true, true]", "[true, true, true, true]"] {
            let periodic = format!("\"pbc\": {other}, \"a\": 3");
            assert_eq!(code("\"a\": 3", &periodic), Err("not_periodic"), "{other}");
        }
    }

    #[test]
    fn properties_of_the_sites_are_read_with_and_without_the_structure() {
        let text = CHLORIDE
            .replace("\"xyz\": [0.0", "\"properties\": {\"q\": 1}, \"xyz\": [0.0")
            .replace("\"abc\": [0.5", "\"properties\": {\"q\": -1, \"v\": [0, 1]}, \"abc\": [0.5");
        let (mut with, mut without) = (SiteProperties::default(), SiteProperties::default());
        let mut cursor = Cursor::new(text.as_bytes());
        read_with_properties(&mut cursor, &mut Structure::default(), Some(&mut with)).expect("a crystal");
        read_site_properties(&mut Cursor::new(text.as_bytes()), &mut without).expect("sites");
        for found in [with, without] {
            assert_eq!(found.keys().collect::<Vec<_>>(), ["q", "v"]);
            assert_eq!(found.numbers("q", 2), Ok(Some(vec![1.0, -1.0])));
            assert!(found.numbers("v", 2).is_err());
        }
    }

    #[test]
    fn what_is_given_twice_agrees() {
        let fault = |from: &str, to: &str| {
            assert!(CHLORIDE.contains(from), "{from}");
            read(&CHLORIDE.replace(from, to)).map(|_| ()).map_err(|error| error.to_string())
        };
        let xyz = "\"xyz\": [2.06, 2.06, 2.06]";
        for to in ["[2.06, 2.062, 2.06]", "[2.06, -2.06, 6.18]", "null", "[NaN, 0, 0]", "\"none\""] {
            assert_eq!(fault(xyz, &format!("\"xyz\": {to}")), Ok(()), "{to}");
        }
        let message = "property \"xyz\" is [1.0, 1.0, 1.0] of site 2, not a Cartesian form of its abc";
        assert_eq!(fault(xyz, "\"xyz\": [1, 1, 1]"), Err(message.to_owned()));
        let lattice = "\"a\": 4.12, ";
        for to in ["\"a\": 4.12, \"alpha\": 90.0, \"volume\": 69.9, ", "\"volume\": null, ", "\"b\": NaN, "] {
            assert_eq!(fault(lattice, to), Ok(()), "{to}");
        }
        for (to, key) in
            [("\"a\": 9.9, ", "a"), ("\"gamma\": 120, ", "gamma"), ("\"volume\": 999, ", "volume")]
        {
            let error = fault(lattice, to).expect_err(to);
            assert!(error.starts_with(&format!("property {key:?} is ")), "{error}");
        }
        let behind = "[0.0, 0.0, 4.12]]";
        assert!(fault(behind, "[0.0, 0.0, 4.12]], \"c\": 5").is_err());
        assert_eq!(fault(behind, "[0.0, 0.0, 4.12]], \"c\": null"), Ok(()));
        for (from, to) in [
            ("\"abc\": [0.5", "\"abc\": [0.25, 0.5, 0.5], \"abc\": [0.5"),
            ("\"sites\": [", "\"sites\": [], \"sites\": ["),
            (
                "\"lattice\": {",
                "\"lattice\": {\"matrix\": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}, \"lattice\": {",
            ),
        ] {
            let error = fault(from, to).expect_err("a second one");
            assert!(error.contains("expected every key once"), "{error}");
        }
    }

    #[test]
    fn a_site_must_be_one_whole_atom() {
        let code = |from: &str, to: &str| {
            assert!(CHLORIDE.contains(from), "{from}");
            read(&CHLORIDE.replace(from, to)).map_err(|error| error.reason_code())
        };
        assert_eq!(code("\"occu\": 1.0", "\"occu\": 0.5"), Err("partial_occupancy"));
        assert_eq!(code("1.0}]", "1.0}, {\"element\": \"Br\", \"occu\": 0.0}]"), Err("partial_occupancy"));
        assert_eq!(code("{\"element\": \"Cl\", \"occu\": 1.0}", ""), Err("partial_occupancy"));
        assert_eq!(code("\"Cl\"", "\"X0+\""), Err("unknown_element"));
        assert_eq!(code("\"matrix\"", "\"m\""), Err("missing_field"));
        assert_eq!(code("\"sites\"", "\"s\""), Err("missing_field"));
        assert_eq!(code("\"abc\": [0.5, 0.5, 0.5]", "\"x\": 1"), Err("missing_field"));
    }
}
