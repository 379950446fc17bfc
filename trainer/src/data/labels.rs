//! Kinds of periodic labels of an edge.

use serde::{Deserialize, Serialize};

/// Number of direction classes (specification, section 2.4).
pub const DIRECTIONS: usize = 27;
/// Direction class of a neighbour in the same cell (specification, section 2.4).
pub const HOME_DIRECTION: u8 = 13;

/// Kind of the labels "direction" and "same cell" of every edge (specification, section 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeriodicLabels {
    /// The home cell is centred on the centre atom. The labels do not depend on the origin of the cell.
    #[default]
    Centred,
    /// Signs of the stored image. These are the paper's labels, which depend on the origin of the cell.
    Cell,
}

impl PeriodicLabels {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Centred, Self::Cell];

    /// Returns the word for it in a configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Centred => "centred",
            Self::Cell => "cell",
        }
    }
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
