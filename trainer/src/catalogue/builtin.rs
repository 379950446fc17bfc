//! The built-in entries.
//!
//! Every name in the lists stands for files in `data/weights`: `NAME.toml`, the entry; `NAME.md`, the card; and
//! `NAME.safetensors`, the weights, unless the entry has their address. Small weights are part of the program, so that they
//! are there without a network and wherever the program is copied to.

/// A built-in entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct BuiltIn {
    /// The name.
    pub(super) name: &'static str,
    /// Content of the entry's file.
    pub(super) entry: &'static str,
    /// The card in Markdown.
    pub(super) card: &'static str,
    /// The weights file, if it is part of the program.
    pub(super) content: Option<&'static [u8]>,
}

/// Expands to the entries of [`BUILT_IN`].
macro_rules! entries {
    (shipped: [$($shipped:literal),* $(,)?], elsewhere: [$($elsewhere:literal),* $(,)?] $(,)?) => {
        &[
            $(BuiltIn {
                name: $shipped,
                entry: include_str!(concat!("../../../data/weights/", $shipped, ".toml")),
                card: include_str!(concat!("../../../data/weights/", $shipped, ".md")),
                content: Some(include_bytes!(concat!("../../../data/weights/", $shipped, ".safetensors"))),
            },)*
            $(BuiltIn {
                name: $elsewhere,
                entry: include_str!(concat!("../../../data/weights/", $elsewhere, ".toml")),
                card: include_str!(concat!("../../../data/weights/", $elsewhere, ".md")),
                content: None,
            },)*
        ]
    };
}

/// The entries: weights that are part of the program, and those at an address.
pub(super) const BUILT_IN: &[BuiltIn] = entries!(
    shipped: ["denoise-mp", "mmpt-mp"],
    elsewhere: [],
);
