//! Rows of a table of predictions.

/// Prediction for a crystal, or for one of its sites.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Identifier.
    pub material_id: String,
    /// Conventional formula.
    pub formula: String,
    /// The site, if its number is predicted.
    pub site: Option<Site>,
    /// What is predicted.
    pub answer: Answer,
    /// How the crystal compares with the training crystals, if they are recorded.
    pub domain: Option<DomainRow>,
}

impl Row {
    /// Whether it is the first row of its crystal.
    pub(in crate::predict) fn begins_crystal(&self) -> bool {
        let is_first = self.site.is_none_or(|site| site.index == 0);
        is_first && !matches!(&self.answer, Answer::Number(number) if number.target > 0)
    }
}

/// A site of a crystal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// Index in the crystal, from 0.
    pub index: usize,
    /// Symbol of its element.
    pub element: &'static str,
}

/// How a crystal compares with the training crystals.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainRow {
    /// Domain distance: 1 is usual among the training crystals.
    pub distance: f64,
    /// Symbols of the elements that no training crystal holds, separated by spaces.
    pub unseen_elements: String,
    /// Whether the crystal is unlike the training crystals.
    pub is_outside: bool,
}

/// A predicted number or class.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A number.
    Number(PredictedNumber),
    /// A class.
    Class {
        /// Probabilities of the classes, `[K]`.
        probabilities: Vec<f64>,
        /// Population standard deviation of several models' probabilities of the predicted class.
        deviation: Option<f64>,
    },
}

/// A predicted number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PredictedNumber {
    /// Index of the target.
    pub target: usize,
    /// Prediction in the unit of the property.
    pub prediction: f64,
    /// Population standard deviation of several models, in the unit of the property.
    pub deviation: Option<f64>,
    /// Ends of the interval around the prediction, in the unit of the property.
    pub interval: Option<[f64; 2]>,
    /// Prediction in the unit of the target, if that is transformed.
    pub transformed: Option<f64>,
}
