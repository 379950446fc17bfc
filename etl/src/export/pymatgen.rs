//! A crystal as a JSON record with a structure of pymatgen, as its `Structure.from_dict` reads it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crystal::element::symbol;
use schemas::sites::SiteView;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::label::{Labels, Value};

/// A record: identifier, structure and labels.
struct Record<'a> {
    crystal: &'a SiteView<'a>,
    labels: &'a Labels<'a>,
}

#[derive(Serialize)]
struct Structure<'a> {
    #[serde(rename = "@module")]
    module: &'static str,
    #[serde(rename = "@class")]
    class: &'static str,
    lattice: Lattice<'a>,
    sites: Vec<Site<'a>>,
}

#[derive(Serialize)]
struct Lattice<'a> {
    matrix: &'a [[f64; 3]; 3],
    pbc: [bool; 3],
}

#[derive(Serialize)]
struct Site<'a> {
    species: [Species; 1],
    abc: &'a [f64; 3],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    properties: BTreeMap<&'a str, f64>,
}

#[derive(Serialize)]
struct Species {
    element: &'static str,
    /// Occupancy.
    occu: u8,
}

impl<'a> Serialize for Record<'a> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let SiteView { material_id, lattice_vectors, atomic_numbers, fractional, .. } = self.crystal;
        let number_of = |site: usize, (name, value): &(&'a str, Option<Value<'a>>)| match value {
            Some(Value::Sites(numbers)) => Some((*name, *numbers.get(site)?)),
            _ => None,
        };
        let site = |(site, (number, abc))| Site {
            species: [Species { element: symbol(number), occu: 1 }],
            abc,
            properties: self.labels.iter().filter_map(|label| number_of(site, label)).collect(),
        };
        let structure = Structure {
            module: "pymatgen.core.structure",
            class: "Structure",
            lattice: Lattice { matrix: lattice_vectors, pbc: [true; 3] },
            sites: atomic_numbers.iter().copied().zip(*fractional).enumerate().map(site).collect(),
        };
        let mut record = serializer.serialize_map(None)?;
        record.serialize_entry("material_id", material_id)?;
        record.serialize_entry("structure", &structure)?;
        for (name, value) in self.labels {
            match value {
                None => record.serialize_entry(name, &())?,
                Some(Value::Number(number)) => record.serialize_entry(name, number)?,
                Some(Value::Flag(flag)) => record.serialize_entry(name, flag)?,
                Some(Value::Fold(fold)) => record.serialize_entry(name, fold)?,
                Some(Value::Part(part)) => record.serialize_entry(name, part)?,
                // Properties of the sites.
                Some(Value::Sites(_)) => {}
            }
        }
        record.end()
    }
}

/// Writes a record on one line. Values that are missing are null.
pub(super) fn write(crystal: &SiteView<'_>, labels: &Labels<'_>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(out, &Record { crystal, labels }).map_err(io::Error::from)
}
