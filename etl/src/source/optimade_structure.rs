//! Attributes of a structure by OPTIMADE (v1.2, section "Structures Entries").

use std::collections::HashMap;

use crystal::structure::Structure;

use super::RecordError;
use super::atoms::{Coordinates, OCCUPANCY_TOLERANCE, complete, read_lattice, require_room};
use super::json::{Cursor, given_twice};
use super::json_string::JsonString;
use super::quote::shown;
use super::record_fields::{IdKey, RecordFields, json_identifier, json_property};
use super::site_properties::SiteProperties;
use super::species::{element, species};
use super::stated_sites::StatedSites;

/// Attributes that OPTIMADE defines and that are neither properties of the crystal nor read.
const DEFINED: [&str; 10] = [
    "nelements",
    "elements_ratios",
    "chemical_formula_descriptive",
    "chemical_formula_hill",
    "chemical_formula_anonymous",
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
/// Number of directions in which a crystal is periodic.
const DIRECTIONS: f64 = 3.0;

/// The attributes that make the structure, as written. `null` counts as absent.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a> {
    lattice: Option<&'a [u8]>,
    positions: Option<&'a [u8]>,
    names: Option<&'a [u8]>,
    species: Option<&'a [u8]>,
    dimensions: Option<&'a [u8]>,
    /// Number of periodic directions.
    periodic: Option<&'a [u8]>,
    features: Option<&'a [u8]>,
    /// Groups of sites that are occupied together, or exclude each other.
    assemblies: Option<&'a [u8]>,
    /// Number, elements and formula of the sites.
    stated: StatedSites<'a>,
    /// The first of these keys that is given twice.
    doubled: Option<&'a [u8]>,
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
                b"nperiodic_dimensions" => &mut attributes.periodic,
                b"structure_features" => &mut attributes.features,
                b"assemblies" => &mut attributes.assemblies,
                b"nsites" => &mut attributes.stated.nsites,
                b"elements" => &mut attributes.stated.elements,
                b"chemical_formula_reduced" => &mut attributes.stated.formula,
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
            let value = Some(cursor.raw()?).filter(|raw| *raw != b"null");
            if std::mem::replace(place, value).is_some() {
                attributes.doubled.get_or_insert(key.raw);
            }
        }
        Ok(attributes)
    }

    /// Makes the structure of the attributes.
    ///
    /// # Errors
    /// Returns a [`RecordError`] if it is not a crystal whose sites are all known and occupied by one atom, if number,
    /// elements or formula contradict the sites, or if an attribute is given twice.
    pub(super) fn structure(&self, structure: &mut Structure) -> Result<(), RecordError> {
        structure.clear();
        if let Some(key) = self.doubled {
            // Of two values nothing says which is meant.
            return Err(given_twice(key, 0).into());
        }
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
        self.stated.check(structure)
    }

    /// Checks that the structure is periodic in three directions, as far as that is given.
    fn check_dimensions(&self) -> Result<(), RecordError> {
        let are_all = match self.dimensions {
            Some(raw) => Cursor::new(raw).triple()? == [1.0; 3],
            None => true,
        };
        let is_number = match self.periodic {
            Some(raw) => Cursor::new(raw).number()? == DIRECTIONS,
            None => true,
        };
        if are_all && is_number {
            return Ok(());
        }
        // Both, as they may contradict each other.
        let given = [("dimension_types", self.dimensions), ("nperiodic_dimensions", self.periodic)];
        let given: Vec<String> =
            given.iter().filter_map(|(key, raw)| raw.map(|raw| format!("{key} {}", shown(raw)))).collect();
        Err(RecordError::NotPeriodic(given.join(", ")))
    }

    /// Checks that the structure has no other atoms than those at its sites.
    fn check_features(&self) -> Result<(), RecordError> {
        if let Some(raw) = self.assemblies.filter(|raw| !is_empty_list(raw)) {
            return Err(RecordError::HiddenAtoms(format!("assemblies {}", shown(raw))));
        }
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

/// Whether a value is an array without elements.
fn is_empty_list(raw: &[u8]) -> bool {
    let inside = raw.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    inside.is_some_and(|inside| inside.trim_ascii().is_empty())
}

/// Occupation of a species' sites.
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
mod tests;
