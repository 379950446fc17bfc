//! Names of files from identifiers.

use std::fmt::Write as _;

use super::error::ExportError;
use super::format::Naming;

/// Largest length of a file's name in bytes on common file systems.
const MAX_NAME_BYTES: usize = 255;
/// Characters of a name besides letters and digits. None of them has a meaning in a folder's path or on Windows.
const OTHERS: &[u8] = b"-_.,+=()@#~";
/// Characters besides letters and digits that a name may begin with. Others hide a file or look like an option.
const FIRST: &[u8] = b"_(";
/// Names of devices on Windows, with any extension.
const DEVICES: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];
/// Names of devices on Windows that a digit follows.
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];

/// The file of a crystal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileName {
    /// The identifier, percent-encoded where it could not be a file's name.
    pub(super) stem: String,
    /// Name of the file.
    pub(super) file: String,
    /// Identifier of the file in a label table.
    pub(super) label: String,
}

impl FileName {
    /// Returns the name of a crystal's file. Different identifiers have different names.
    ///
    /// # Errors
    /// Returns [`ExportError::Name`] if the identifier is too long.
    pub(super) fn new(material_id: &str, naming: &Naming) -> Result<Self, ExportError> {
        let stem = encoded(material_id);
        let file = format!("{}{stem}{}", naming.prefix, naming.ending);
        if file.len() > MAX_NAME_BYTES {
            return Err(ExportError::Name {
                material_id: material_id.to_owned(),
                bytes: file.len(),
                limit: MAX_NAME_BYTES,
            });
        }
        // An identifier such as `a.cif` would be read as the name of the file of `a`.
        let is_plain = (naming.identifier)(&stem).is_none_or(|identifier| identifier == stem);
        let label = if is_plain { stem.clone() } else { file.clone() };
        Ok(Self { stem, file, label })
    }
}

/// Returns an identifier as printable ASCII that is a safe name on every file system. Other bytes are
/// percent-encoded, as in addresses.
fn encoded(material_id: &str) -> String {
    let mut name = String::with_capacity(material_id.len());
    let is_device = is_device(material_id);
    for (at, byte) in material_id.bytes().enumerate() {
        let is_safe = byte.is_ascii_alphanumeric() || (if at == 0 { FIRST } else { OTHERS }).contains(&byte);
        if is_safe && !(at == 0 && is_device) {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

/// Whether Windows takes a file of this name for a device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let is_numbered = |device: &&str| {
        stem.len() == device.len() + 1
            && stem.get(..device.len()).is_some_and(|start| start.eq_ignore_ascii_case(device))
            && stem.ends_with(|last: char| last.is_ascii_digit())
    };
    DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) || NUMBERED_DEVICES.iter().any(is_numbered)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::format::ExportFormat;
    use super::*;

    fn naming(format: ExportFormat) -> Naming {
        format.naming().expect("a file for each crystal")
    }

    #[test]
    fn identifiers_become_names_of_files() {
        for (id, cif, poscar, label) in [
            ("mp-149", "mp-149.cif", "POSCAR-mp-149.vasp", "mp-149"),
            ("a.b#x_2", "a.b#x_2.cif", "POSCAR-a.b#x_2.vasp", "a.b#x_2"),
            ("../etc/x", "%2E.%2Fetc%2Fx.cif", "POSCAR-%2E.%2Fetc%2Fx.vasp", "%2E.%2Fetc%2Fx"),
            ("-rf *", "%2Drf%20%2A.cif", "POSCAR-%2Drf%20%2A.vasp", "%2Drf%20%2A"),
            ("=1+1", "%3D1+1.cif", "POSCAR-%3D1+1.vasp", "%3D1+1"),
            ("50%", "50%25.cif", "POSCAR-50%25.vasp", "50%25"),
            ("é\n", "%C3%A9%0A.cif", "POSCAR-%C3%A9%0A.vasp", "%C3%A9%0A"),
            ("con.1", "%63on.1.cif", "POSCAR-%63on.1.vasp", "%63on.1"),
            ("LPT9", "%4CPT9.cif", "POSCAR-%4CPT9.vasp", "%4CPT9"),
            ("CONi", "CONi.cif", "POSCAR-CONi.vasp", "CONi"),
        ] {
            let of = |format| FileName::new(id, &naming(format)).expect("short");
            let name = of(ExportFormat::Cif);
            assert_eq!((name.file.as_str(), name.label.as_str()), (cif, label), "{id}");
            assert_eq!(of(ExportFormat::Poscar).file, poscar, "{id}");
        }
    }

    #[test]
    fn a_name_of_a_file_is_labelled_by_its_own_file() {
        let label = |id, format| FileName::new(id, &naming(format)).expect("short").label;
        assert_eq!(label("a.cif", ExportFormat::Cif), "a.cif.cif");
        assert_eq!(label("a.cif", ExportFormat::Poscar), "a.cif");
        assert_eq!(label("POSCAR-1", ExportFormat::Poscar), "POSCAR-POSCAR-1.vasp");
    }

    #[test]
    fn names_that_are_too_long_are_refused() {
        let name = |length| FileName::new(&"x".repeat(length), &naming(ExportFormat::Cif));
        assert!(name(251).is_ok());
        let error = name(252).expect_err("too long").to_string();
        assert!(error.ends_with("256 bytes as a file's name, 255 at most"), "{error}");
    }

    proptest! {
        #[test]
        fn a_build_reads_the_name_back(ids in proptest::collection::vec("\\PC{1,8}|[a-zA-Z._/#-]{1,12}", 1..20)) {
            for format in [ExportFormat::Cif, ExportFormat::Poscar] {
                let naming = naming(format);
                let mut names = HashMap::new();
                for id in &ids {
                    let name = FileName::new(id, &naming).expect("short");
                    prop_assert_eq!((naming.identifier)(&name.file), Some(name.stem.as_str()));
                    prop_assert!(!name.file.contains(['/', '\\', ':']) && name.file.is_ascii());
                    let other = names.insert(name.file, id.clone());
                    prop_assert!(other.is_none_or(|other| other == *id));
                }
            }
        }
    }
}
