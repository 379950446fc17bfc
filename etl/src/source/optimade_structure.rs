//! Attributes of a structure by OPTIMADE (v1.2, section "Structures Entries").

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crystal::element::atomic_number_of;
use crystal::structure::Structure;
use schemas::count::counted;

use super::RecordError;
use super::atoms::{Coordinates, OCCUPANCY_TOLERANCE, complete, read_lattice, require_room};
use super::json::Cursor;
use super::json_string::JsonString;
use super::record_fields::{IdKey, RecordFields, json_identifier, json_property};
use super::site_properties::SiteProperties;
use super::species::{element, species};

/// Attributes that OPTIMADE defines and that are neither properties of the crystal nor read.
const DEFINED: [&str; 12] = [
    "nelements",
    "elements_ratios",
    "chemical_formula_descriptive",
    "chemical_formula_hill",
    "chemical_formula_anonymous",
    "nperiodic_dimensions",
    "assemblies",
    "last_modified",
    "type",
    "space_group_symbol_hall",
    "space_group_symbol_hermann_mauguin",
    "space_group_it_number",
];
/// Features of a structure that has other atoms than the listed ones.
const HIDDEN_ATOMS: [&str; 4] = ["assemblies", "implicit_atoms", "site_attachments", "unknown_positions"];
/// Symbol of a part of a site that no atom occupies.
const VACANCY: &str = "vacancy";
/// Largest number of characters of an attribute that a message quotes.
const SHOWN_CHARACTERS: usize = 64;

/// The attributes that make the structure, as written. `null` counts as absent.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a> {
    lattice: Option<&'a [u8]>,
    positions: Option<&'a [u8]>,
    names: Option<&'a [u8]>,
    species: Option<&'a [u8]>,
    dimensions: Option<&'a [u8]>,
    features: Option<&'a [u8]>,
    /// Number of sites.
    nsites: Option<&'a [u8]>,
    /// Symbols of the elements at the sites.
    elements: Option<&'a [u8]>,
    /// Formula of the sites.
    formula: Option<&'a [u8]>,
    /// Lists with a number of every site.
    pub(super) site_properties: SiteProperties,
}

impl<'a> Attributes<'a> {
    /// Reads an object of attributes. Those that OPTIMADE does not define are properties: of the sites those in
    /// `site_keys`, and the others of the crystal.
    ///
    /// # Errors
    /// Returns a [`RecordError`] if it is malformed.
    pub(super) fn read(
        cursor: &mut Cursor<'a>,
        fields: &mut dyn RecordFields,
        site_keys: &[&str],
    ) -> Result<Self, RecordError> {
        let mut attributes = Self::default();
        cursor.expect(b'{', "the attributes of a structure")?;
        let mut first = true;
        while let Some(key) = cursor.next_key(&mut first)? {
            let place = match key.raw {
                b"lattice_vectors" => &mut attributes.lattice,
                b"cartesian_site_positions" => &mut attributes.positions,
                b"species_at_sites" => &mut attributes.names,
                b"species" => &mut attributes.species,
                b"dimension_types" => &mut attributes.dimensions,
                b"structure_features" => &mut attributes.features,
                b"nsites" => &mut attributes.nsites,
                b"elements" => &mut attributes.elements,
                b"chemical_formula_reduced" => &mut attributes.formula,
                b"immutable_id" => {
                    json_identifier(IdKey::IMMUTABLE, cursor, fields)?;
                    continue;
                }
                raw if DEFINED.iter().any(|known| known.as_bytes() == raw) => {
                    cursor.skip()?;
                    continue;
                }
                raw => {
                    match site_keys.iter().find(|known| known.as_bytes() == raw) {
                        Some(key) => attributes.site_properties.add_list(key, cursor.raw()?),
                        None => json_property(key, cursor, fields)?,
                    }
                    continue;
                }
            };
            *place = Some(cursor.raw()?).filter(|raw| *raw != b"null");
        }
        Ok(attributes)
    }

    /// Makes the structure of the attributes.
    ///
    /// # Errors
    /// Returns a [`RecordError`] if it is not a crystal whose sites are all known and occupied by one atom, or if number,
    /// elements or formula contradict the sites.
    pub(super) fn structure(&self, structure: &mut Structure) -> Result<(), RecordError> {
        structure.clear();
        self.check_dimensions()?;
        self.check_features()?;
        let need = |value: Option<&'a [u8]>, field| value.ok_or(RecordError::MissingField(field));
        let lattice = need(self.lattice, "lattice_vectors")?;
        let positions = need(self.positions, "cartesian_site_positions")?;
        let names = need(self.names, "species_at_sites")?;
        structure.lattice = read_lattice(&mut Cursor::new(lattice))?;
        let mut cursor = Cursor::new(positions);
        cursor.expect(b'[', "an array of positions")?;
        let mut first = true;
        while cursor.next_element(&mut first)? {
            require_room(structure.fractional.len())?;
            structure.fractional.push(cursor.triple()?);
        }
        // LeMat-Bulk writes the species as a text that holds JSON.
        let text = self.species.filter(|raw| raw.starts_with(b"\"")).map(|raw| Cursor::new(raw).string());
        let text = text.transpose()?.map(|string| string.text());
        let species = text.as_deref().map(str::as_bytes).or(self.species);
        let species = species.map(SpeciesTable::read).transpose()?;
        let mut cursor = Cursor::new(names);
        cursor.expect(b'[', "an array of names of species")?;
        let mut first = true;
        while cursor.next_element(&mut first)? {
            require_room(structure.atomic_numbers.len())?;
            let site = structure.atomic_numbers.len() + 1;
            let name = cursor.string()?;
            let number = match &species {
                Some(table) => table.number(&name.text(), site)?,
                None => element(name.raw, site)?,
            };
            structure.atomic_numbers.push(number);
        }
        complete(structure, Coordinates::Cartesian)?;
        self.check_sites(structure)
    }

    /// Checks number, elements and formula of the sites, if these are given. One that cannot be read says nothing.
    fn check_sites(&self, structure: &Structure) -> Result<(), RecordError> {
        let contradicts = |key: &str, raw: &[u8], wanted: &'static str| {
            let value = String::from_utf8_lossy(raw).chars().take(SHOWN_CHARACTERS).collect();
            Err(RecordError::PropertyValue { key: key.to_owned(), value, wanted })
        };
        let mut atoms: BTreeMap<u8, u64> = BTreeMap::new();
        for number in &structure.atomic_numbers {
            *atoms.entry(*number).or_default() += 1;
        }
        let sites = structure.atomic_numbers.len();
        if let Some(raw) = self.nsites {
            let number = Cursor::new(raw).number().ok().filter(|number| number.is_finite());
            if number.is_some_and(|number| number != sites as f64) {
                let shown = format!("{} for {}", String::from_utf8_lossy(raw), counted(sites, "position"));
                return contradicts("nsites", shown.as_bytes(), "count of them");
            }
        }
        if let Some(raw) = self.elements {
            let is_other =
                |listed: BTreeSet<Option<u8>>| listed.into_iter().ne(atoms.keys().copied().map(Some));
            if read_elements(raw).is_ok_and(is_other) {
                return contradicts("elements", raw, "list of the elements at the sites");
            }
        }
        if let Some(raw) = self.formula {
            let formula = Cursor::new(raw).string().ok().and_then(|text| read_formula(text.raw));
            if formula.is_some_and(|formula| !is_proportional(&formula, &atoms)) {
                return contradicts("chemical_formula_reduced", raw, "formula of the sites");
            }
        }
        Ok(())
    }

    /// Checks that the structure is periodic in three directions, if that is given.
    fn check_dimensions(&self) -> Result<(), RecordError> {
        let Some(raw) = self.dimensions else { return Ok(()) };
        if Cursor::new(raw).triple()? == [1.0; 3] {
            return Ok(());
        }
        Err(RecordError::NotPeriodic(format!("dimension_types {}", String::from_utf8_lossy(raw))))
    }

    /// Checks that the structure has no other atoms than those at its sites.
    fn check_features(&self) -> Result<(), RecordError> {
        let Some(raw) = self.features else { return Ok(()) };
        let mut cursor = Cursor::new(raw);
        cursor.expect(b'[', "an array of features")?;
        let mut first = true;
        while cursor.next_element(&mut first)? {
            let feature = cursor.string()?.text();
            if HIDDEN_ATOMS.contains(&&*feature) {
                return Err(RecordError::HiddenAtoms(format!("structure_features has {feature:?}")));
            }
        }
        Ok(())
    }
}

/// Returns the elements in an array of symbols, and `None` for a symbol of no element.
fn read_elements(raw: &[u8]) -> Result<BTreeSet<Option<u8>>, RecordError> {
    let (mut cursor, mut first, mut elements) = (Cursor::new(raw), true, BTreeSet::new());
    cursor.expect(b'[', "an array of symbols")?;
    while cursor.next_element(&mut first)? {
        elements.insert(atomic_number_of(cursor.string()?.raw));
    }
    Ok(elements)
}

/// Returns the number of atoms of each element in a formula such as `H2O`. Returns `None` for any other text.
fn read_formula(mut text: &[u8]) -> Option<BTreeMap<u8, u64>> {
    let mut atoms: BTreeMap<u8, u64> = BTreeMap::new();
    while !text.is_empty() {
        let letters = 1 + text.iter().skip(1).take_while(|byte| byte.is_ascii_lowercase()).count();
        let (symbol, rest) = text.split_at_checked(letters)?;
        let (digits, rest) =
            rest.split_at_checked(rest.iter().take_while(|byte| byte.is_ascii_digit()).count())?;
        let count: u64 =
            if digits.is_empty() { 1 } else { std::str::from_utf8(digits).ok()?.parse().ok()? };
        let total = atoms.entry(atomic_number_of(symbol)?).or_default();
        *total = total.checked_add(count)?;
        text = rest;
    }
    (!atoms.is_empty()).then_some(atoms)
}

/// Whether two formulas have the same elements in the same proportions.
fn is_proportional(a: &BTreeMap<u8, u64>, b: &BTreeMap<u8, u64>) -> bool {
    let (Some(first), Some(other)) = (a.values().next(), b.values().next()) else { return false };
    let product = |a: &u64, b: &u64| u128::from(*a) * u128::from(*b);
    a.keys().eq(b.keys()) && a.values().zip(b.values()).all(|(a, b)| product(a, other) == product(b, first))
}

/// What occupies the sites of a species.
#[derive(Debug, Clone, PartialEq)]
enum Occupant {
    /// One atom, by its symbol.
    Atom(String),
    /// Several atoms, or less than one.
    Partial(String),
    /// An atom with others attached to it.
    Attached,
    /// Several species have the name.
    Ambiguous,
}

/// The species of a structure by their names.
struct SpeciesTable(HashMap<String, Occupant>);

impl SpeciesTable {
    fn read(raw: &[u8]) -> Result<Self, RecordError> {
        let mut table = HashMap::new();
        let mut cursor = Cursor::new(raw);
        cursor.expect(b'[', "an array of species")?;
        let mut first = true;
        while cursor.next_element(&mut first)? {
            let (name, occupant) = read_species(&mut cursor)?;
            table
                .entry(name)
                .and_modify(|known| {
                    if *known != occupant {
                        *known = Occupant::Ambiguous;
                    }
                })
                .or_insert(occupant);
        }
        Ok(Self(table))
    }

    /// Returns the atomic number of the species at a site.
    fn number(&self, name: &str, site: usize) -> Result<u8, RecordError> {
        let partial = |detail: &str| RecordError::PartialOccupancy { site, detail: detail.to_owned() };
        match self.0.get(name) {
            Some(Occupant::Atom(symbol)) => species(symbol.as_bytes(), site),
            Some(Occupant::Partial(detail)) => Err(partial(detail)),
            Some(Occupant::Attached) => {
                Err(RecordError::HiddenAtoms(format!("others are attached to the atom of site {site}")))
            }
            Some(Occupant::Ambiguous) => Err(RecordError::AmbiguousElement { site, symbol: name.to_owned() }),
            None => Err(RecordError::UnknownElement { site, symbol: name.to_owned() }),
        }
    }
}

/// Reads a species. Returns its name and what occupies its sites.
fn read_species(cursor: &mut Cursor<'_>) -> Result<(String, Occupant), RecordError> {
    let (mut name, mut symbols, mut shares, mut attached) = (None, Vec::new(), None, false);
    cursor.expect(b'{', "a species")?;
    let mut first = true;
    while let Some(key) = cursor.next_key(&mut first)? {
        match key.raw {
            b"name" => name = Some(cursor.string()?.text().into_owned()),
            b"chemical_symbols" => {
                cursor.expect(b'[', "an array of symbols")?;
                let mut first = true;
                while cursor.next_element(&mut first)? {
                    symbols.push(cursor.string()?);
                }
            }
            b"concentration" => shares = read_shares(cursor)?,
            b"attached" => attached = !matches!(cursor.raw()?, b"null" | b"[]"),
            _ => cursor.skip()?,
        }
    }
    let name = name.ok_or(RecordError::MissingField("name"))?;
    let text = |symbol: &JsonString<'_>| symbol.text().into_owned();
    let occupant = match (&symbols[..], shares.as_deref()) {
        _ if attached => Occupant::Attached,
        ([], _) => Occupant::Partial("no chemical symbol".to_owned()),
        ([symbol], _) if symbol.text() == VACANCY => Occupant::Partial(VACANCY.to_owned()),
        ([symbol], None) => Occupant::Atom(text(symbol)),
        ([symbol], Some([share])) if (share - 1.0).abs() <= OCCUPANCY_TOLERANCE => {
            Occupant::Atom(text(symbol))
        }
        ([_], Some([share])) => Occupant::Partial(format!("occupancy {share}")),
        ([_], Some(_)) => Occupant::Partial("several concentrations of one symbol".to_owned()),
        _ => Occupant::Partial("several species".to_owned()),
    };
    Ok((name, occupant))
}

/// Reads an array of concentrations, which may be `null`.
fn read_shares(cursor: &mut Cursor<'_>) -> Result<Option<Vec<f64>>, RecordError> {
    if cursor.peek() != Some(b'[') {
        cursor.skip()?;
        return Ok(None);
    }
    cursor.expect(b'[', "an array of concentrations")?;
    let (mut first, mut shares) = (true, Vec::new());
    while cursor.next_element(&mut first)? {
        shares.push(cursor.number()?);
    }
    Ok(Some(shares))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::record_fields::CrystalFields;

    /// Reads a crystal of Cu2O with further attributes. Returns the message of its error.
    fn read(further: &str) -> Result<usize, String> {
        let text = format!(
            r#"{{{further}, "lattice_vectors": [[4, 0, 0], [0, 4, 0], [0, 0, 4]],
            "cartesian_site_positions": [[0, 0, 0], [2, 2, 2], [0, 2, 2], [0, 1, 3], [1, 1, 1], [3, 3, 3]],
            "species_at_sites": ["Cu", "O", "Cu", "Cu", "Cu", "O"]}}"#
        );
        let (mut fields, mut structure) = (CrystalFields::new(&[]), Structure::default());
        let attributes = Attributes::read(&mut Cursor::new(text.as_bytes()), &mut fields, &[]);
        let made = attributes.and_then(|attributes| attributes.structure(&mut structure));
        made.map(|()| structure.atomic_numbers.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_fits_the_sites_or_cannot_be_read_is_accepted() {
        for further in [
            r#""nsites": 6, "elements": ["Cu", "O"], "chemical_formula_reduced": "Cu2O""#,
            r#""nsites": 6.0, "elements": ["O", "Cu"], "chemical_formula_reduced": "OCu2""#,
            r#""nsites": null, "elements": null, "chemical_formula_reduced": null"#,
            r#""nsites": NaN, "elements": "Cu, O", "chemical_formula_reduced": "(CuO)3""#,
            r#""nsites": "many", "elements": {}, "chemical_formula_reduced": """#,
        ] {
            assert_eq!(read(further), Ok(6), "{further}");
        }
    }

    #[test]
    fn what_contradicts_the_sites_is_named() {
        for (further, message) in [
            (r#""nsites": 3"#, r#"property "nsites" is 3 for 6 positions, not a count of them"#),
            (
                r#""elements": ["Cu", "S"]"#,
                r#"property "elements" is ["Cu", "S"], not a list of the elements at the sites"#,
            ),
            (
                r#""chemical_formula_reduced": "CuO""#,
                r#"property "chemical_formula_reduced" is "CuO", not a formula of the sites"#,
            ),
        ] {
            assert_eq!(read(further), Err(message.to_owned()));
        }
        for further in [
            r#""elements": ["Cu"]"#,
            r#""elements": ["Cu", "O", "Xx"]"#,
            r#""elements": []"#,
            r#""chemical_formula_reduced": "Cu2""#,
            r#""chemical_formula_reduced": "Cu2OS""#,
        ] {
            assert!(read(further).is_err(), "{further}");
        }
    }
}
