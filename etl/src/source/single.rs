//! Formats of single entries that were extracted from their files.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crystal::structure::Structure;

use super::by_name::by_name;
use super::entry::{EntryLayout, EntryParser};
use super::json::Cursor;
use super::pymatgen::read_structure;
use super::{
    ParsedCrystal, ParserFactory, RawRecord, RecordError, RecordParser, Sink, cif, jarvis, oqmd, poscar,
};

/// The format of the text of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryFormat {
    /// A CIF. Each of its structures is a crystal.
    Cif,
    /// A POSCAR.
    Poscar,
    /// An element of the JSON array of JARVIS-DFT.
    Jarvis,
    /// An element of the JSON array of OQMD.
    Oqmd,
    /// A structure as a JSON dictionary of pymatgen.
    Pymatgen,
}

impl EntryFormat {
    /// All formats.
    pub const ALL: [Self; 5] = [Self::Cif, Self::Poscar, Self::Jarvis, Self::Oqmd, Self::Pymatgen];

    /// Returns the name of the format on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cif => "cif",
            Self::Poscar => "poscar",
            Self::Jarvis => "jarvis",
            Self::Oqmd => "oqmd",
            Self::Pymatgen => "pymatgen",
        }
    }

    /// Returns a factory of parsers for records whose name is the identifier and whose content is the text.
    /// Properties in the text are ignored, so the crystals have none.
    ///
    /// The identifier of a crystal is that in the text if the format has one (JARVIS, OQMD). Otherwise it is the
    /// name, followed by `#block` for a CIF with several structures.
    pub fn parser(self) -> ParserFactory {
        let entries = |layout: EntryLayout| -> ParserFactory {
            Arc::new(move || Box::new(EntryParser::new(layout, &[])))
        };
        match self {
            Self::Cif => Arc::new(|| Box::new(cif::CifParser::default())),
            Self::Poscar => Arc::new(|| Box::new(poscar::PoscarParser::default())),
            Self::Jarvis => entries(jarvis::LAYOUT),
            Self::Oqmd => entries(oqmd::LAYOUT),
            Self::Pymatgen => Arc::new(|| Box::new(PymatgenParser::default())),
        }
    }

    /// Whether the text contains an identifier.
    pub fn has_identifier(self) -> bool {
        matches!(self, Self::Jarvis | Self::Oqmd)
    }
}

impl fmt::Display for EntryFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for EntryFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        by_name("format of an entry", &Self::ALL, Self::name, text)
    }
}

/// A parser of pymatgen dictionaries.
#[derive(Debug, Default)]
struct PymatgenParser {
    structure: Structure,
}

impl PymatgenParser {
    fn read(&mut self, body: &[u8]) -> Result<(), RecordError> {
        let mut cursor = Cursor::new(body);
        read_structure(&mut cursor, &mut self.structure)?;
        Ok(cursor.end()?)
    }
}

impl RecordParser for PymatgenParser {
    fn parse(&mut self, bytes: &[u8], record: &RawRecord, sink: &mut dyn Sink) {
        let name = String::from_utf8_lossy(bytes.get(record.name.clone()).unwrap_or_default());
        match self.read(bytes.get(record.body.clone()).unwrap_or_default()) {
            Ok(()) => sink.crystal(&record.origin, ParsedCrystal::bare(&name, &self.structure)),
            Err(error) => sink.reject(error.reject(Some(name.into_owned()), record.origin.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reject::{Origin, Reject};
    use crate::source::RawBlock;

    /// Identifier and atomic numbers of every crystal, reason of every reject.
    #[derive(Default)]
    struct Found(Vec<String>);

    impl Sink for Found {
        fn crystal(&mut self, _: &Origin, crystal: ParsedCrystal<'_>) {
            self.0.push(format!("{} {:?}", crystal.material_id, crystal.structure.atomic_numbers));
        }
        fn reject(&mut self, reject: Reject) {
            self.0.push(format!("{} {}", reject.material_id.unwrap_or_default(), reject.reason));
        }
    }

    fn read(format: EntryFormat, text: &str) -> Vec<String> {
        let mut block = RawBlock::default();
        block.push(Origin { file: "stdin".into(), record: 1, line: None }, b"name", text.as_bytes());
        let mut found = Found::default();
        let mut parser = format.parser()();
        block.records.iter().for_each(|record| parser.parse(&block.bytes, record, &mut found));
        found.0
    }

    /// Caesium chloride in every format.
    const POSCAR: &str = "CsCl\n1\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n";
    const ATOMS: &str = r#"{"lattice_mat": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "elements": ["Cs", "Cl"],
        "coords": [[0, 0, 0], [0.5, 0.5, 0.5]], "cartesian": false}"#;
    const STRUCTURE: &str = r#"{"lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}, "sites": [
        {"species": [{"element": "Cs", "occu": 1}], "abc": [0, 0, 0]},
        {"species": [{"element": "Cl", "occu": 1}], "abc": [0.5, 0.5, 0.5]}]}"#;

    #[test]
    fn every_format_is_read() {
        let jarvis = format!(r#"{{"jid": "JVASP-1", "atoms": {ATOMS}}}"#);
        let oqmd = format!(r#"{{"_oqmd_entry_id": 7, "atoms": {ATOMS}}}"#);
        for (format, text, id) in [
            (EntryFormat::Poscar, POSCAR, "name"),
            (EntryFormat::Pymatgen, STRUCTURE, "name"),
            (EntryFormat::Jarvis, &jarvis, "JVASP-1"),
            (EntryFormat::Oqmd, &oqmd, "oqmd-7"),
        ] {
            assert_eq!(read(format, text), [format!("{id} [55, 17]")], "{format}");
            assert_eq!(format.has_identifier(), id != "name");
        }
    }

    #[test]
    fn a_broken_entry_is_a_reject() {
        for format in EntryFormat::ALL {
            let found = read(format, "{");
            assert_eq!(found.len(), 1, "{format}: {found:?}");
            assert!(!found[0].contains('['), "{format}: {found:?}");
        }
        assert_eq!(read(EntryFormat::Pymatgen, &format!("{STRUCTURE} x")), ["name bad_json"]);
    }

    #[test]
    fn names_lead_back_to_formats() {
        for format in EntryFormat::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("xyz".parse::<EntryFormat>().is_err());
    }
}
