//! Columns of text that hold classes: few different texts, each of them in several rows.
//!
//! The rule is the same for all sources and label tables. Columns of names, formulas, references and remarks are no
//! classes, because they soon have more texts than a crystal property has classes, or a text of their own in every
//! row.

use std::fmt;

/// Largest number of classes of a column. There are 32 point groups and 7 crystal systems.
pub(crate) const MAX_CLASSES: usize = 64;
/// Smallest number of values for each class, on average. A column of names has one.
pub(crate) const MIN_VALUES_PER_CLASS: u64 = 2;
/// Largest length of a class's name in bytes. Longer texts are remarks.
pub(crate) const MAX_CLASS_BYTES: usize = 128;

/// Why the texts of a column are no classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoClasses {
    /// A value is no text, as a list or an object.
    NoText,
    /// Booleans and numbers, without a text.
    Mixed,
    /// A text is too long.
    Long,
    /// A text contains control characters, such as line breaks.
    Control,
    /// There are too many different texts.
    Many,
    /// There are too many different texts for so few values.
    Rare {
        /// Number of different texts.
        texts: usize,
        /// Number of values.
        values: u64,
    },
    /// Numbers that are not written plainly, as `10%`, alone or with plain ones.
    OddNumbers,
    /// All values are the same.
    One,
}

impl fmt::Display for NoClasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoText => f.write_str("values that are no texts"),
            Self::Mixed => f.write_str("booleans among numbers"),
            Self::Long => write!(f, "a text of over {MAX_CLASS_BYTES} bytes"),
            Self::Control => f.write_str("a text with line breaks or other control characters"),
            Self::Many => write!(f, "over {MAX_CLASSES} different texts"),
            Self::Rare { texts, values } => write!(f, "{texts} different texts in {values} values"),
            Self::OddNumbers => f.write_str("numbers with units, marks or separators"),
            Self::One => f.write_str("the same text everywhere"),
        }
    }
}

/// The different texts of a column, as long as they may be classes.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClassScan {
    /// The texts in the order of their first occurrence.
    names: Vec<String>,
    /// Number of values.
    values: u64,
    /// What makes them no classes.
    fault: Option<NoClasses>,
}

impl ClassScan {
    /// Counts a value and returns the index of its text. Returns `None` as soon as the texts are no classes.
    pub(crate) fn see(&mut self, text: &str) -> Option<u32> {
        if self.fault.is_some() {
            return None;
        }
        self.values += 1;
        // So few texts are compared as fast as they are hashed.
        let at = self.names.iter().position(|name| name == text).or_else(|| {
            self.fault = if text.len() > MAX_CLASS_BYTES {
                Some(NoClasses::Long)
            } else if text.chars().any(char::is_control) {
                Some(NoClasses::Control)
            } else if self.names.len() == MAX_CLASSES {
                Some(NoClasses::Many)
            } else {
                self.names.push(text.to_owned());
                return Some(self.names.len() - 1);
            };
            None
        });
        if at.is_none() {
            self.names = Vec::new();
        }
        at.and_then(|at| u32::try_from(at).ok())
    }

    /// Records a value that is no text.
    pub(crate) fn see_other(&mut self) {
        self.fault.get_or_insert(NoClasses::NoText);
        self.names = Vec::new();
    }

    /// Whether the texts so far may be classes.
    pub(crate) fn is_open(&self) -> bool {
        self.fault.is_none()
    }

    /// Returns the texts by index; empty once they are known not to be classes.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the names of the classes by their indices.
    ///
    /// # Errors
    /// Returns why the texts are no classes.
    pub(crate) fn classes(&self) -> Result<&[String], NoClasses> {
        match (self.fault, self.names.len()) {
            (Some(fault), _) => Err(fault),
            (None, 0 | 1) => Err(NoClasses::One),
            (None, texts) if texts as u64 * MIN_VALUES_PER_CLASS > self.values => {
                Err(NoClasses::Rare { texts, values: self.values })
            }
            (None, _) => Ok(&self.names),
        }
    }

    /// Returns two classes whose names differ by case alone, if there are any. They may have been meant as one.
    pub(crate) fn alike(&self) -> Option<(&str, &str)> {
        self.names.iter().enumerate().find_map(|(at, name)| {
            let lower = name.to_lowercase();
            let other = self.names.get(at + 1..)?.iter().find(|other| other.to_lowercase() == lower)?;
            Some((name.as_str(), other.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> ClassScan {
        let mut scan = ClassScan::default();
        texts.into_iter().for_each(|text| {
            scan.see(text.as_ref());
        });
        scan
    }

    #[test]
    fn few_texts_of_several_values_are_classes() {
        assert_eq!(scan(["b", "a", "b", "a"]).classes(), Ok(&["b".to_owned(), "a".to_owned()][..]));
        assert_eq!(scan(["a", "b", "a"]).classes(), Err(NoClasses::Rare { texts: 2, values: 3 }));
        assert_eq!(scan(["a"; 9]).classes(), Err(NoClasses::One));
        assert_eq!(scan([""; 0]).classes(), Err(NoClasses::One));
        let numbered = |count: usize| (0..4 * count).map(move |at| (at % count).to_string());
        assert_eq!(scan(numbered(64)).classes().map(<[_]>::len), Ok(64));
        assert_eq!(scan(numbered(65)).classes(), Err(NoClasses::Many));
    }

    #[test]
    fn remarks_are_no_classes() {
        let long = "x".repeat(MAX_CLASS_BYTES + 1);
        assert_eq!(scan([&long; 4]).classes(), Err(NoClasses::Long));
        assert_eq!(scan(["a", "b\nc", "a", "a"]).classes(), Err(NoClasses::Control));
        let mut nested = scan(["a", "b", "a", "b"]);
        nested.see_other();
        assert_eq!(nested.classes(), Err(NoClasses::NoText));
        assert_eq!((nested.see("a"), nested.names().len()), (None, 0));
    }

    #[test]
    fn names_that_differ_by_case_are_told() {
        assert_eq!(scan(["FM", "AFM", "Fm"]).alike(), Some(("FM", "Fm")));
        assert_eq!(scan(["FM", "AFM"]).alike(), None);
    }

    proptest! {
        #[test]
        fn indices_lead_back_to_texts(texts in proptest::collection::vec("[a-e]{1,2}", 0..200)) {
            let mut scan = ClassScan::default();
            let indices: Vec<_> = texts.iter().filter_map(|text| scan.see(text)).collect();
            let back: Vec<_> = indices.iter().map(|at| scan.names()[*at as usize].clone()).collect();
            prop_assert_eq!(back, texts);
        }
    }
}
