//! The Arrow schema of a shard, with one row for each crystal.
//!
//! Related lists (those of the edges, those of the sites) are parallel flat lists. A reader gets them as slices
//! without copying, and DuckDB can `unnest` them together.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::property::{self, PropertyColumn, PropertyKind};

/// Version of the format. Readers read it and those from [`FIRST_FORMAT_VERSION`] on, and refuse all others.
pub const FORMAT_VERSION: u32 = 3;
/// The first version: manifest and rejects lie in the folder of the shards ([`crate::layout`]). The shards of version 2 are
/// the same. Stores of both are read but not written, and lack the columns that came later ([`Column::since`]).
pub const FIRST_FORMAT_VERSION: u32 = 1;
/// Metadata key of [`FORMAT_VERSION`].
pub const FORMAT_VERSION_KEY: &str = "mmpt.format_version";
/// Metadata key of the version of the software that wrote a file.
pub const SOFTWARE_VERSION_KEY: &str = "mmpt.software_version";
/// Version of this library.
pub const SOFTWARE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Arrow type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// List of UTF-8 texts.
    TextList,
    /// 64-bit float.
    Double,
    /// Unsigned 32-bit integer.
    Unsigned,
    /// Signed 8-bit integer.
    Byte,
    /// A fixed number of 64-bit floats.
    Doubles(i32),
    /// A fixed number of signed 32-bit integers.
    Integers(i32),
    /// List of unsigned 8-bit integers.
    Unsigned8List,
    /// List of signed 16-bit integers.
    Signed16List,
    /// List of unsigned 32-bit integers.
    Unsigned32List,
    /// List of 32-bit floats.
    FloatList,
    /// List of 64-bit floats.
    DoubleList,
    /// List of booleans.
    BooleanList,
}

impl ColumnType {
    /// The Arrow data type.
    pub fn data_type(self) -> DataType {
        let list = |item: DataType| DataType::List(item_field(item));
        match self {
            ColumnType::Text => DataType::Utf8,
            ColumnType::TextList => list(DataType::Utf8),
            ColumnType::Double => DataType::Float64,
            ColumnType::Unsigned => DataType::UInt32,
            ColumnType::Byte => DataType::Int8,
            ColumnType::Doubles(n) => DataType::FixedSizeList(item_field(DataType::Float64), n),
            ColumnType::Integers(n) => DataType::FixedSizeList(item_field(DataType::Int32), n),
            ColumnType::Unsigned8List => list(DataType::UInt8),
            ColumnType::Signed16List => list(DataType::Int16),
            ColumnType::Unsigned32List => list(DataType::UInt32),
            ColumnType::FloatList => list(DataType::Float32),
            ColumnType::DoubleList => list(DataType::Float64),
            ColumnType::BooleanList => list(DataType::Boolean),
        }
    }

    /// Whether a column of this type holds a single value in each row.
    pub fn is_scalar(self) -> bool {
        matches!(self, ColumnType::Text | ColumnType::Double | ColumnType::Unsigned | ColumnType::Byte)
    }
}

/// Returns the child field of every list: named `item`, not nullable.
pub fn item_field(data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", data_type, false))
}

/// A column that is in every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Name of the column.
    pub name: &'static str,
    /// Type of the column.
    pub column_type: ColumnType,
    /// Whether the column is nullable.
    pub nullable: bool,
    /// Unit; `1` for dimensionless numbers, empty for text.
    pub unit: &'static str,
    /// Shape of the value in one row.
    pub shape: &'static str,
    /// Meaning and conventions.
    pub description: &'static str,
    /// The first version of the format that has the column.
    pub since: u32,
}

/// Creates an entry of [`COLUMNS`].
const fn column(
    name: &'static str,
    column_type: ColumnType,
    unit: &'static str,
    shape: &'static str,
    description: &'static str,
) -> Column {
    Column { name, column_type, nullable: false, unit, shape, description, since: FIRST_FORMAT_VERSION }
}

/// Returns a column that came with version 3.
const fn since_version_3(column: Column) -> Column {
    Column { since: 3, ..column }
}

/// Returns a column that may have no value.
const fn nullable(column: Column) -> Column {
    Column { nullable: true, ..column }
}

/// The columns that are in every store, in order. They are followed by the split columns (`split_<task>`, nullable
/// text) and the property columns: nullable doubles, nullable text for classes, or nullable lists of doubles for numbers
/// of the sites.
#[rustfmt::skip]
pub const COLUMNS: &[Column] = &[
    column("material_id", ColumnType::Text, "", "", "Identifier of the crystal in its source, unique in the store"),
    column("source", ColumnType::Text, "", "", "Name of the source"),
    column("chemical_formula_reduced", ColumnType::Text, "", "", "Elements in alphabetical order with their smallest whole-number proportions (OPTIMADE)"),
    column("elements", ColumnType::TextList, "", "[nelements]", "Element symbols in alphabetical order"),
    column("nelements", ColumnType::Unsigned, "1", "", "Number of different elements"),
    column("nsites", ColumnType::Unsigned, "1", "", "Number of sites in the cell"),
    column("lattice_vectors", ColumnType::Doubles(9), "Å", "[3, 3] row-major", "Niggli cell, rows l1, l2, l3; a Cartesian position is x = f · L (specification 2.1)"),
    column("a", ColumnType::Double, "Å", "", "Length of l1"),
    column("b", ColumnType::Double, "Å", "", "Length of l2"),
    column("c", ColumnType::Double, "Å", "", "Length of l3"),
    column("alpha", ColumnType::Double, "°", "", "Angle between l2 and l3"),
    column("beta", ColumnType::Double, "°", "", "Angle between l1 and l3"),
    column("gamma", ColumnType::Double, "°", "", "Angle between l1 and l2"),
    column("volume", ColumnType::Double, "Å³", "", "Volume of the cell"),
    column("niggli_transform", ColumnType::Integers(9), "1", "[3, 3] row-major", "T of L = T · L0 with L0 the cell as published, det T = +1"),
    column("atomic_numbers", ColumnType::Unsigned8List, "1", "[nsites]", "Atomic number Z of every site, in the source's order"),
    column("fractional_site_positions", ColumnType::DoubleList, "1", "[nsites, 3] row-major", "Fractional coordinates in the Niggli cell, wrapped into [-1e-6, 1 - 1e-6) (specification 2.1)"),
    column("edge_source", ColumnType::Unsigned32List, "1", "[nedges]", "Neighbour site j of every edge; messages flow from source to target"),
    column("edge_target", ColumnType::Unsigned32List, "1", "[nedges]", "Centre site i of every edge, ascending"),
    column("edge_k1", ColumnType::Signed16List, "1", "[nedges]", "Cell of the neighbour along l1: v = x_j + k · L - x_i (specification 2.2)"),
    column("edge_k2", ColumnType::Signed16List, "1", "[nedges]", "Cell of the neighbour along l2"),
    column("edge_k3", ColumnType::Signed16List, "1", "[nedges]", "Cell of the neighbour along l3"),
    column("edge_distance", ColumnType::FloatList, "Å", "[nedges]", "Distance |v|, computed in double precision"),
    column("edge_direction", ColumnType::Unsigned8List, "1", "[nedges]", "9(s1+1) + 3(s2+1) + (s3+1) with s = sign(k), 0..=26, 13 the same cell (specification 2.4)"),
    column("edge_same_cell", ColumnType::BooleanList, "1", "[nedges]", "Whether k = (0, 0, 0)"),
    column("edge_direction_centred", ColumnType::Unsigned8List, "1", "[nedges]", "As edge_direction with the home cell centred on the target: independent of the origin (specification 2.4)"),
    column("edge_same_cell_centred", ColumnType::BooleanList, "1", "[nedges]", "Whether edge_direction_centred is 13"),
    nullable(column("split", ColumnType::Text, "", "", "train, val or test, where the store has exactly one split")),
    nullable(column("fold", ColumnType::Byte, "1", "", "Test fold of a cross-validation, counted from 0, where the source defines one")),
    since_version_3(nullable(column("immutable_id", ColumnType::Text, "", "", "Identifier that its source never changes (OPTIMADE), if it gives one; it may be material_id"))),
    since_version_3(column("chemical_formula_anonymous", ColumnType::Text, "", "", "Smallest whole-number proportions in descending order, of A, B, C, ... (OPTIMADE)")),
    since_version_3(column("elements_ratios", ColumnType::DoubleList, "1", "[nelements]", "Share of every element among the sites, in the order of elements (OPTIMADE)")),
    since_version_3(column("species_at_sites", ColumnType::TextList, "", "[nsites]", "Element symbol of every site, in the order of atomic_numbers (OPTIMADE)")),
    since_version_3(column("dimension_types", ColumnType::Integers(3), "1", "[3]", "Whether the crystal is periodic along l1, l2 and l3 (OPTIMADE): always 1, 1, 1, since others are rejected")),
    since_version_3(column("nperiodic_dimensions", ColumnType::Unsigned, "1", "", "Number of periodic directions (OPTIMADE): always 3")),
    since_version_3(nullable(column("space_group_number", ColumnType::Unsigned, "1", "", "Number of the space group, 1..=230, within 0.01 Å (specification 2.7); none unless the store was built with --space-groups, or for more than 200 sites"))),
    since_version_3(nullable(column("structure_hash", ColumnType::Text, "", "", "The same for equal crystals, whatever their cell, origin, orientation and order of sites (specification 2.8)"))),
];

/// Columns that say nothing new: `edge_same_cell` and `edge_same_cell_centred` follow from `edge_direction` and
/// `edge_direction_centred`, the formula, ratios and symbols from `atomic_numbers`, and the dimensions are always the same.
/// They are stored for the convenience of other programs. [`Shard::crystals`](crate::reader::Shard::crystals) does not
/// read them.
pub const RESTATED: [&str; 7] = [
    "edge_same_cell",
    "edge_same_cell_centred",
    "chemical_formula_anonymous",
    "elements_ratios",
    "species_at_sites",
    "dimension_types",
    "nperiodic_dimensions",
];

/// Prefix of the columns that hold a named split.
pub const SPLIT_PREFIX: &str = "split_";

/// Returns the fixed column with this name, or `None` if there is none.
pub fn column_by_name(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.name == name)
}

/// Metadata key of a property's field that says what its doubles stand for, if they are no plain numbers.
const VALUES_KEY: &str = "values";
/// Value of [`VALUES_KEY`] for truth values.
const BOOLEAN_VALUES: &str = "boolean";
/// Metadata key of a property's field that says what its lists have one value for, and its only value.
const PER_KEY: &str = "per";
const PER_SITE: &str = "site";

/// The role of a column that is not in every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelKind {
    /// Parts of a named split.
    Split,
    /// Values of a property.
    Property(PropertyKind),
}

/// Returns the role of a column by its name, type and metadata. Returns `None` for fixed columns and for types that no
/// other column has.
pub fn label_kind(field: &Field) -> Option<LabelKind> {
    if column_by_name(field.name()).is_some() {
        return None;
    }
    let is_split = field.name().starts_with(SPLIT_PREFIX);
    let is_boolean = field.metadata().get(VALUES_KEY).is_some_and(|values| values == BOOLEAN_VALUES);
    match field.data_type() {
        DataType::Utf8 if is_split => Some(LabelKind::Split),
        DataType::Utf8 => Some(LabelKind::Property(PropertyKind::Class)),
        DataType::Float64 if is_split => None,
        DataType::Float64 if is_boolean => Some(LabelKind::Property(PropertyKind::Boolean)),
        DataType::Float64 => Some(LabelKind::Property(PropertyKind::Number)),
        DataType::List(item) if !is_split && item.data_type() == &DataType::Float64 => {
            Some(LabelKind::Property(PropertyKind::SiteNumbers))
        }
        _ => None,
    }
}

/// Returns the schema of a store with the given additional split columns and property columns.
///
/// Every field states its unit, shape and description in its Arrow metadata, and that of a property its key.
/// [`label_kind`] tells the kinds of the additional columns apart.
pub fn shard_schema(splits: &[String], properties: &[PropertyColumn]) -> SchemaRef {
    let mut fields: Vec<Field> = COLUMNS
        .iter()
        .map(|column| {
            Field::new(column.name, column.column_type.data_type(), column.nullable)
                .with_metadata(documentation(column.unit, column.shape, column.description))
        })
        .collect();
    fields.extend(splits.iter().map(|name| {
        Field::new(name, DataType::Utf8, true).with_metadata(documentation(
            "",
            "",
            "train, val or test in this split",
        ))
    }));
    fields.extend(properties.iter().map(property_field));
    Arc::new(Schema::new(fields))
}

/// Returns the field of a property column.
fn property_field(property: &PropertyColumn) -> Field {
    let PropertyColumn { column, key, kind } = property;
    let description = match (kind, property::by_column(column)) {
        (PropertyKind::Number, Some(definition)) => definition.description,
        (PropertyKind::Number, None) => "Numeric property passed through from the source",
        (PropertyKind::Boolean, _) => "Truth value passed through from the source: 1 for true, 0 for false",
        (PropertyKind::Class, _) => "Class passed through from the source",
        (PropertyKind::SiteNumbers, _) => "Number of every site, passed through from the source",
    };
    let shape = if *kind == PropertyKind::SiteNumbers { "[nsites]" } else { "" };
    // A number without a unit has none here; that of a pure number is 1.
    let mut metadata = documentation(property.unit().unwrap_or_default(), shape, description);
    metadata.insert("key".to_owned(), key.clone());
    if *kind == PropertyKind::Boolean {
        metadata.insert(VALUES_KEY.to_owned(), BOOLEAN_VALUES.to_owned());
    }
    if *kind == PropertyKind::SiteNumbers {
        metadata.insert(PER_KEY.to_owned(), PER_SITE.to_owned());
    }
    let data_type = match kind {
        PropertyKind::Number | PropertyKind::Boolean => DataType::Float64,
        PropertyKind::Class => DataType::Utf8,
        PropertyKind::SiteNumbers => ColumnType::DoubleList.data_type(),
    };
    Field::new(column, data_type, true).with_metadata(metadata)
}

/// Returns the field metadata that documents a column. Empty entries are left out.
fn documentation(unit: &str, shape: &str, description: &str) -> HashMap<String, String> {
    [("unit", unit), ("shape", shape), ("description", description)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Returns what a column is in one text, for databases that keep a comment with each column: the meaning, the shape and
/// the unit, the latter two where there are any. It is the text of the comments in `duckdb/views.sql`.
pub fn comment(description: &str, shape: &str, unit: &str) -> String {
    let mut comment = description.to_owned();
    if !shape.is_empty() {
        comment += "; ";
        comment += shape;
    }
    if !matches!(unit, "" | "1") {
        comment += ", in ";
        comment += unit;
    }
    comment
}

/// Returns the schema of the rejects table, which lists all entries that were not stored and the reason for each.
pub fn reject_schema() -> SchemaRef {
    let text = |name: &str, nullable, description: &str| {
        Field::new(name, DataType::Utf8, nullable).with_metadata(documentation("", "", description))
    };
    Arc::new(Schema::new(vec![
        text("material_id", true, "Identifier of the entry, where it could be read"),
        text("source_file", false, "Input file, `archive!member` for an archive"),
        Field::new("record", DataType::UInt64, false).with_metadata(documentation(
            "1",
            "",
            "Position of the entry in its input, counted from 1",
        )),
        Field::new("line", DataType::UInt32, true).with_metadata(documentation(
            "1",
            "",
            "Line of the fault, counted from 1, where there is one",
        )),
        text("reason", false, "Stable code; `filtered` for an entry that a filter dropped"),
        text("message", false, "What is wrong, with the value at fault"),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_documented() {
        let property = |kind| PropertyColumn { kind, ..PropertyColumn::number("is_metal", "is metal") };
        let properties = [PropertyColumn::number("band_gap_ev", "band_gap"), property(PropertyKind::Boolean)];
        let schema = shard_schema(&["split_megnet".into()], &properties);
        for field in schema.fields() {
            assert!(field.metadata().contains_key("description"), "{} has no description", field.name());
        }
        let gap = schema.field_with_name("band_gap_ev").expect("the property is a column");
        assert_eq!(gap.metadata()["unit"], "eV");
        assert_eq!(gap.metadata()["key"], "band_gap");
    }

    #[test]
    fn numbers_are_stored_with_the_unit_of_their_key() {
        let properties = [
            PropertyColumn::number("e_coh_ev_atom", "E_coh (eV/atom)"),
            PropertyColumn::number("refractive_index", "n"),
            PropertyColumn::number("hardness", "hardness"),
            PropertyColumn { kind: PropertyKind::Class, ..PropertyColumn::number("phase_k", "phase (K)") },
        ];
        let schema = shard_schema(&[], &properties);
        let units = properties.map(|property| {
            let field = schema.field_with_name(&property.column).expect("the property is a column");
            field.metadata().get("unit").cloned()
        });
        assert_eq!(units, [Some("eV/atom".to_owned()), Some("1".to_owned()), None, None]);
    }

    #[test]
    fn comments_say_shape_and_unit() {
        assert_eq!(comment("Length of l1", "", "Å"), "Length of l1, in Å");
        assert_eq!(comment("Distance", "[nedges]", "Å"), "Distance; [nedges], in Å");
        assert_eq!(comment("Number of sites", "", "1"), "Number of sites");
    }

    #[test]
    fn further_columns_are_told_apart() {
        let property = |column: &str, kind| PropertyColumn { kind, ..PropertyColumn::number(column, column) };
        let kinds =
            [PropertyKind::Number, PropertyKind::Boolean, PropertyKind::Class, PropertyKind::SiteNumbers];
        let properties: Vec<_> = ["x", "is_metal", "phase", "site_charge"]
            .into_iter()
            .zip(kinds)
            .map(|(name, kind)| property(name, kind))
            .collect();
        let schema = shard_schema(&["split_megnet".into()], &properties);
        let found: Vec<_> = schema.fields().iter().filter_map(|field| label_kind(field)).collect();
        let expected = kinds.map(LabelKind::Property);
        assert_eq!(found, [&[LabelKind::Split][..], &expected].concat());
        let charge = schema.field_with_name("site_charge").expect("the property is a column");
        assert_eq!([&charge.metadata()["per"], &charge.metadata()["shape"]], ["site", "[nsites]"]);
        assert_eq!(label_kind(&Field::new("split_x", DataType::Float64, true)), None);
        assert_eq!(label_kind(&Field::new("split_x", charge.data_type().clone(), true)), None);
        assert_eq!(label_kind(&Field::new("x", DataType::Int64, true)), None);
    }

    #[test]
    fn fixed_columns_have_unique_names() {
        for (position, column) in COLUMNS.iter().enumerate() {
            assert!(COLUMNS[..position].iter().all(|other| other.name != column.name), "{}", column.name);
        }
    }
}
