//! Holds the features of shared dependencies the same in every build.
//!
//! Cargo compiles a crate, and all that depend on it, again when another selection of packages or features
//! asks for other features of it. The programs depend on this crate, whose manifest asks for all of them at
//! once. Libraries built without the programs' feature `cli` do not.
