//! Crystal Twins with the Barlow Twins loss (Magar, Wang and Barati Farimani 2022,
//! <https://doi.org/10.1038/s41524-022-00921-5>). Two views of a crystal hide some of its atoms and edges, and their
//! embeddings should agree.
//!
//! * [`view`]: the views of a batch; [`displace`]: atoms that are moved, with their new neighbours
//! * [`model`]: CGCNN with a projector
//! * [`objective`]: the model and its loss as an objective

pub mod displace;
pub mod model;
pub mod objective;
#[cfg(test)]
mod tests;
pub mod view;

pub use model::CrystalTwinsModel;
pub use objective::CrystalTwinsObjective;
