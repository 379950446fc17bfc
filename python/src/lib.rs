//! The module `crystal_mmpt._native`: the libraries of the ETL and the trainer for Python.
//!
//! * `table`: record batches as Arrow streams, without a copy; `values`: their values as Python's own
//! * `work`: work on a thread of its own, with progress and Ctrl-C; `fault`: errors as Python's exceptions
//! * `entries`: structures that Python holds; `memory`: their identity as inputs of a store
//! * `options`: settings and limits by keyword
//! * `featurise`, `build`, `store`, `batches`: features, stores and batches of graphs
//! * `predict`, `embed`, `finetune`, `evaluate`: the trainer
//!
//! The package `crystal_mmpt` around it says what users see, with types and documentation (`_native.pyi`). Nothing here
//! installs a handler of signals, sets an allocator or ends the process.

mod batches;
mod build;
mod embed;
mod entries;
mod evaluate;
mod fault;
mod featurise;
mod finetune;
mod memory;
mod options;
mod predict;
mod store;
mod table;
mod values;
mod work;

use pyo3::prelude::*;

/// The module.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::batches::Batches;
    #[pymodule_export]
    use super::build::build;
    #[pymodule_export]
    use super::embed::embed;
    #[pymodule_export]
    use super::entries::Entries;
    #[pymodule_export]
    use super::evaluate::evaluate;
    #[pymodule_export]
    use super::featurise::featurise;
    #[pymodule_export]
    use super::finetune::{check_settings, finetune};
    #[pymodule_export]
    use super::predict::predict;
    #[pymodule_export]
    use super::store::{Cells, Store, StoreTable};
    #[pymodule_export]
    use super::table::{Table, read_table};

    /// Version of the workspace, and of every store and weights file that it writes.
    #[pymodule_export]
    const VERSION: &str = schemas::store::SOFTWARE_VERSION;

    /// Names of the devices in this build, separated by commas.
    #[pymodule_export]
    const DEVICES: &str = trainer::device::BUILT_FOR;
}
