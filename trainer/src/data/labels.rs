//! Which of the two pairs of periodic labels an edge is trained on.

use serde::{Deserialize, Serialize};

/// Number of direction classes (specification, section 2.4).
pub const DIRECTIONS: usize = 27;
/// Direction label of a neighbour in the same cell (specification, section 2.4).
pub const HOME_DIRECTION: u8 = 13;

/// The pair of labels "direction" and "same cell" of every edge (specification, section 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeriodicLabels {
    /// Home cell put around the centre atom: independent of the cell's origin.
    #[default]
    Centred,
    /// Signs of the image as stored: the paper's labels, which depend on the cell's origin.
    Cell,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_in_lower_case() {
        let text =
            serde_json::to_string(&[PeriodicLabels::Centred, PeriodicLabels::Cell]).expect("plain names");
        assert_eq!(text, r#"["centred","cell"]"#);
        assert_eq!(
            serde_json::from_str::<PeriodicLabels>(r#""cell""#).expect("a name"),
            PeriodicLabels::Cell
        );
        assert!(serde_json::from_str::<PeriodicLabels>(r#""Cell""#).is_err());
    }
}
