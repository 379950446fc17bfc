//! All `unsafe` code of the crate.
//!
//! * [`level`]: loops with the machine's vector instructions
//! * [`product`]: matrix products with the machine's vector instructions
//! * [`fresh`]: vectors that several threads write once, without filling them with zeros first
//!
//! Each file says why it needs `unsafe` and how it keeps the contract. Its functions for other modules are safe to call
//! with any arguments. The lint against `unsafe` is allowed here and nowhere else in the crate; a test of the trainer
//! looks. `make sanitize` runs the crate's tests under AddressSanitizer and Valgrind.
#![allow(unsafe_code)]

pub(crate) mod fresh;
pub(crate) mod level;
pub(crate) mod product;
