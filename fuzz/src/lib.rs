//! What the fuzz targets call: the programs' readers, with arbitrary bytes.

pub mod columnar;
pub mod entry;
pub mod weights;
