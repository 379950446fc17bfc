//! Entry points of the fuzz targets. Each gives arbitrary bytes to one of the programs' readers, and checks what comes
//! out of it.

pub mod columnar;
pub mod entry;
pub mod weights;
