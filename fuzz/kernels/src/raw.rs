//! The `unsafe` code that needs no tensor library.

#[path = "../../../trainer/src/raw/allocator.rs"]
pub mod allocator;
#[path = "../../../trainer/src/raw/fresh.rs"]
pub(crate) mod fresh;
#[path = "../../../trainer/src/raw/simd.rs"]
pub(crate) mod simd;
