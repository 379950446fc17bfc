//! Columns of the store that are filled from label tables, with one value for each row of all tables.

use std::collections::HashMap;

/// A type of values in a label column.
pub(super) trait Label: Copy {
    /// The missing value.
    const NONE: Self;
    /// Whether the value is missing.
    fn is_none(self) -> bool;
}

impl Label for f64 {
    const NONE: Self = f64::NAN;
    fn is_none(self) -> bool {
        self.is_nan()
    }
}

impl Label for u32 {
    const NONE: Self = u32::MAX;
    fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl Label for i8 {
    const NONE: Self = -1;
    fn is_none(self) -> bool {
        self == Self::NONE
    }
}

/// A column filled by one table, or by several tables without a common row.
#[derive(Debug)]
pub(super) struct Slots<T> {
    values: Vec<T>,
    /// Index of the first table.
    first: usize,
    /// Tables of the values that are from other tables, by row.
    later: HashMap<u32, usize>,
}

impl<T: Label> Slots<T> {
    /// Creates an empty column that a table is about to fill.
    pub(super) fn new(table: usize) -> Self {
        Self { values: Vec::new(), first: table, later: HashMap::new() }
    }

    /// Stores the value of a row from a table.
    ///
    /// # Errors
    /// Returns the earlier value of the row and its table, if there is one.
    pub(super) fn put(&mut self, row: u32, value: T, table: usize) -> Result<(), (T, usize)> {
        if value.is_none() {
            return Ok(());
        }
        let at = row as usize;
        if at >= self.values.len() {
            self.values.resize(at + 1, T::NONE);
        }
        let Some(slot) = self.values.get_mut(at) else { return Ok(()) };
        if !slot.is_none() {
            return Err((*slot, self.later.get(&row).copied().unwrap_or(self.first)));
        }
        *slot = value;
        if table != self.first {
            self.later.insert(row, table);
        }
        Ok(())
    }

    /// Returns the value of a row, or `None` if it is missing.
    pub(super) fn get(&self, row: u32) -> Option<T> {
        self.values.get(row as usize).copied().filter(|value| !value.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_one_value_and_its_table() {
        let mut slots = Slots::new(3);
        assert_eq!(slots.put(2, 1.5, 3), Ok(()));
        assert_eq!(slots.put(5, f64::NAN, 3), Ok(()));
        assert_eq!(slots.put(5, 2.5, 4), Ok(()));
        assert_eq!(slots.put(2, 1.5, 4), Err((1.5, 3)));
        assert_eq!(slots.put(5, 9.0, 5), Err((2.5, 4)));
        assert_eq!(slots.put(2, f64::NAN, 5), Ok(()));
        assert_eq!([1, 2, 5, 6].map(|row| slots.get(row)), [None, Some(1.5), Some(2.5), None]);
    }
}
