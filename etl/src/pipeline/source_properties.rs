//! Properties of a source, sorted into columns of doubles, of text and of lists.

use std::sync::Arc;

use schemas::property::PropertyKind;

use crate::source::{PropertyColumn, PropertyValues};

/// The properties of a source, by the kind of their columns.
#[derive(Debug, Default)]
pub(crate) struct SourceProperties {
    /// Indices of the properties stored as doubles.
    numbers: Vec<usize>,
    /// Indices of the properties stored as text, with the names of their classes.
    classes: Vec<(usize, Arc<[String]>)>,
    /// Indices of the properties stored as lists.
    lists: Vec<usize>,
}

impl SourceProperties {
    /// Creates the properties of a source with these columns and names of classes.
    pub(crate) fn new(columns: &[PropertyColumn], names: &[Arc<[String]>]) -> Self {
        let mut properties = Self::default();
        for (at, column) in columns.iter().enumerate() {
            match column.kind {
                PropertyKind::Number | PropertyKind::Boolean => properties.numbers.push(at),
                PropertyKind::Class => {
                    let names = names.get(at).cloned().unwrap_or_else(|| Arc::new([]));
                    properties.classes.push((at, names));
                }
                PropertyKind::SiteNumbers => properties.lists.push(at),
            }
        }
        properties
    }

    /// Returns the doubles among the values of a crystal.
    pub(super) fn numbers(&self, values: PropertyValues<'_>) -> impl Iterator<Item = Option<f64>> {
        self.numbers.iter().map(move |at| values.value(*at))
    }

    /// Returns the lists among the values of a crystal.
    pub(super) fn lists<'a>(&self, values: PropertyValues<'a>) -> impl Iterator<Item = Option<&'a [f64]>> {
        self.lists.iter().map(move |at| values.list(*at))
    }

    /// Returns the number of columns of classes.
    pub(super) fn class_count(&self) -> usize {
        self.classes.len()
    }

    /// Returns the class of a crystal in the column of classes with this index.
    pub(super) fn class(&self, values: PropertyValues<'_>, column: usize) -> Option<&str> {
        let (at, names) = self.classes.get(column)?;
        names.get(values.value(*at)? as usize).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_to_the_columns_of_their_kinds() {
        use PropertyKind::{Boolean, Class, Number, SiteNumbers};
        let kinds = [Class, Number, Boolean, Class, SiteNumbers, SiteNumbers];
        let columns = kinds.map(|kind| PropertyColumn { kind, ..PropertyColumn::number("x", "x") });
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Arc<[String]>>();
        let classes = [names(&["a", "b"]), names(&[]), names(&[]), names(&["c"])];
        let properties = SourceProperties::new(&columns, &classes);
        let lists = [vec![1.0, 2.0]];
        let values = PropertyValues {
            values: &[Some(1.0), Some(0.5), None, Some(7.0), Some(0.0), None],
            lists: &lists,
        };
        assert_eq!(properties.lists(values).collect::<Vec<_>>(), [Some(&[1.0, 2.0][..]), None]);
        assert_eq!(properties.numbers(values).collect::<Vec<_>>(), [Some(0.5), None]);
        assert_eq!(properties.class_count(), 2);
        let found: Vec<_> = (0..3).map(|column| properties.class(values, column)).collect();
        assert_eq!(found, [Some("b"), None, None]);
        assert_eq!(properties.class(PropertyValues::default(), 0), None);
    }
}
