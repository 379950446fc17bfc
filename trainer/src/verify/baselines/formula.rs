//! Weights that follow from the names of their parameters, so that fixtures of large models need not store them.

/// Offset basis and prime of the 64-bit FNV-1a hash.
const FNV: (u64, u64) = (0xCBF2_9CE4_8422_2325, 0x0000_0100_0000_01B3);
/// Increment and multipliers of SplitMix64.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
const MIX: (u64, u64) = (0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB);
/// Number of rows of an embedding of elements.
const ELEMENTS: usize = 119;

/// Returns `count` numbers from -1 to 1 that depend on a text alone.
pub(super) fn unit(text: &str, count: usize) -> impl Iterator<Item = f64> {
    let hash = text.bytes().fold(FNV.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV.1));
    (1..=count as u64).map(move |index| {
        let x = hash.wrapping_add(index.wrapping_mul(GOLDEN));
        let x = (x ^ (x >> 30)).wrapping_mul(MIX.0);
        let x = (x ^ (x >> 27)).wrapping_mul(MIX.1);
        // 24 bits.
        ((x ^ (x >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0
    })
}

/// Returns the factor of the matrices of a system.
fn gain(system: &str) -> f64 {
    match system.split('_').next() {
        Some("megnet") => 1.5,
        Some("schnet") => 0.85,
        Some("infograph") => 0.6,
        _ => 1.0,
    }
}

/// Returns the value of a parameter or running statistic of a system, row-major.
pub(super) fn parameter(system: &str, name: &str, shape: &[usize]) -> Vec<f32> {
    let leaf = name.rsplit('.').next().unwrap_or(name);
    let (offset, factor) = match (leaf, shape) {
        ("running_var", _) => (4.0, 1.0),
        ("weight", [_]) => (1.0, 0.25),
        (_, [_]) => (0.0, 0.125),
        (_, [ELEMENTS, _]) if name.ends_with("embedding.weight") => (0.0, 1.0),
        (_, shape) => (0.0, gain(system) * (3.0 / shape.last().map_or(1.0, |&inputs| inputs as f64)).sqrt()),
    };
    let count = shape.iter().product();
    unit(&format!("{system}/{name}"), count).map(|unit| (offset + factor * unit) as f32).collect()
}
