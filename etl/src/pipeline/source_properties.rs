//! Properties of a source, sorted into columns of doubles and of text.

use std::sync::Arc;

use schemas::property::PropertyKind;

use crate::source::PropertyColumn;

/// The properties of a source, by the kind of their columns.
#[derive(Debug, Default)]
pub(crate) struct SourceProperties {
    /// Indices of the properties stored as doubles.
    numbers: Vec<usize>,
    /// Indices of the properties stored as text, with the names of their classes.
    classes: Vec<(usize, Arc<[String]>)>,
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
            }
        }
        properties
    }

    /// Returns the doubles among the values of a crystal.
    pub(super) fn numbers(&self, values: &[Option<f64>]) -> impl Iterator<Item = Option<f64>> {
        self.numbers.iter().map(|at| values.get(*at).copied().flatten())
    }

    /// Returns the number of columns of classes.
    pub(super) fn class_count(&self) -> usize {
        self.classes.len()
    }

    /// Returns the class of a crystal in the column of classes with this index.
    pub(super) fn class(&self, values: &[Option<f64>], column: usize) -> Option<&str> {
        let (at, names) = self.classes.get(column)?;
        let index = values.get(*at).copied().flatten()?;
        names.get(index as usize).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_to_the_columns_of_their_kinds() {
        let kinds = [PropertyKind::Class, PropertyKind::Number, PropertyKind::Boolean, PropertyKind::Class];
        let columns = kinds.map(|kind| PropertyColumn { kind, ..PropertyColumn::number("x", "x") });
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Arc<[String]>>();
        let classes = [names(&["a", "b"]), names(&[]), names(&[]), names(&["c"])];
        let properties = SourceProperties::new(&columns, &classes);
        let values = [Some(1.0), Some(0.5), None, Some(7.0)];
        assert_eq!(properties.numbers(&values).collect::<Vec<_>>(), [Some(0.5), None]);
        assert_eq!(properties.class_count(), 2);
        let found: Vec<_> = (0..3).map(|column| properties.class(&values, column)).collect();
        assert_eq!(found, [Some("b"), None, None]);
        assert_eq!(properties.class(&[], 0), None);
    }
}
