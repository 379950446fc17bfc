//! A made-up database: an array of entries with the key `example_id`, an `atoms` dictionary and a hardness.

use super::definition::{Opening, SourceDefinition};
use super::entry::EntryLayout;

/// The source.
pub(super) const SOURCE: SourceDefinition = SourceDefinition {
    name: LAYOUT.source,
    has_files: false,
    id_key: Some(LAYOUT.id_key),
    default_filters: &[],
    open: Opening::Own(|inputs, _, name| LAYOUT.open(inputs, name)),
};

/// The layout of its entries.
const LAYOUT: EntryLayout = EntryLayout {
    source: "example",
    id_key: "example_id",
    id_prefix: "example-",
    property_prefix: "example_",
    column_prefix: "",
};

#[cfg(test)]
mod tests {
    use crate::source::tests::{drain, open_default, written};
    use crate::source::{SourceKind, detect};

    const ENTRIES: &[u8] = br#"[{"example_id": 7, "example_hardness": 9.5, "atoms":
        {"lattice_mat": [[4, 0, 0], [0, 4, 0], [0, 0, 4]], "coords": [[0, 0, 0]], "elements": ["Po"]}}]"#;

    #[test]
    fn an_extension_is_a_source() {
        let (_folder, path) = written("entries.json", ENTRIES);
        assert_eq!(detect(&path).expect("it is told by its key"), SourceKind::Example.into());
        assert_eq!("example".parse(), Ok(SourceKind::Example));
        assert!(SourceKind::names().contains("example"), "the help lists it");
        let harvest =
            drain(open_default(SourceKind::Example, &[&path]).expect("a source")).expect("readable");
        assert_eq!(harvest.ids(), ["example-7"]);
        assert_eq!(harvest.crystals[0].properties, [Some(9.5)]);
    }

    #[test]
    fn an_extension_is_a_property() {
        let (_folder, path) = written("entries.json", ENTRIES);
        let source = open_default(SourceKind::Example, &[&path]).expect("a source");
        assert_eq!(source.properties[0].column, "example_hardness_gpa");
        let definition = schemas::property::by_column("example_hardness_gpa").expect("it is documented");
        assert_eq!(definition.unit, "GPa");
    }
}
