//! Fixes the features of shared dependencies, so that they are the same in every build.
//!
//! Cargo recompiles a crate and its dependents if a different selection of packages or features enables other
//! features of that crate. The programs depend on this crate, and its manifest enables all features that any of them
//! needs. A library that is built without the feature `cli` does not depend on it.
