//! Of the operations, the one number that the model's settings name.

/// The kernels.
pub mod kernel {
    /// The sum over triplets.
    pub mod triplet {
        /// Width between the two linear maps of each basis; no reader depends on it.
        pub const BASIS: usize = 8;
    }
}
