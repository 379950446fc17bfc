//! Whether a batch fits into memory, asked before it is tried: a process that takes more than there
//! is gets killed without a word.

use crate::config::ModelConfig;
use crate::error::TrainError;

/// Bytes that a training step holds for each edge at the default sizes of the model: messages,
/// slopes and gradients of every layer. Measured as 58,000 from batches of 2,300 and 24,000 edges.
const BYTES_AN_EDGE: f64 = 60.0 * 1024.0;
/// Width of the messages at which that was measured.
const MEASURED_HIDDEN: f64 = 128.0;
/// Interaction blocks at which that was measured.
const MEASURED_BLOCKS: f64 = 4.0;
/// File with the state of the memory.
const MEMORY_FILE: &str = "/proc/meminfo";
/// Its line about what programs can still take.
const AVAILABLE_KEY: &str = "MemAvailable:";
/// Bytes of the unit that it counts in.
const KIBIBYTE: u64 = 1024;

/// Bytes that a training step on a batch needs beside the weights, about.
pub fn estimate(model: &ModelConfig, edges: usize) -> u64 {
    let widths = model.hidden as f64 / MEASURED_HIDDEN;
    let blocks = (model.interaction_blocks as f64 + 1.0) / (MEASURED_BLOCKS + 1.0);
    (edges as f64 * BYTES_AN_EDGE * widths * blocks) as u64
}

/// Bytes that programs can still take, where the system tells.
pub fn available() -> Option<u64> {
    parse(&std::fs::read_to_string(MEMORY_FILE).ok()?)
}

fn parse(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(AVAILABLE_KEY))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(KIBIBYTE)
}

/// Refuses a batch that needs more than there is.
///
/// # Errors
/// [`TrainError::Memory`], naming the flags that help.
pub fn require(
    model: &ModelConfig,
    crystals: usize,
    edges: usize,
    available: Option<u64>,
) -> Result<(), TrainError> {
    let needed = estimate(model, edges);
    match available {
        Some(available) if needed > available => {
            Err(TrainError::Memory { crystals, edges, needed, available })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_answer_is_read() {
        let text = "MemTotal:       24000000 kB\nMemFree:          100 kB\nMemAvailable:     2048 kB\n";
        assert_eq!(parse(text), Some(2048 * 1024));
        assert_eq!(parse("MemTotal: 1 kB\n"), None);
        assert_eq!(parse("MemAvailable: many kB\n"), None);
    }

    #[test]
    fn a_batch_that_does_not_fit_is_refused_with_the_flags_that_help() {
        let model = ModelConfig::default();
        let needed = estimate(&model, 10_000);
        assert!(require(&model, 64, 10_000, Some(needed)).is_ok());
        assert!(require(&model, 64, 10_000, None).is_ok());
        let error = require(&model, 64, 10_000, Some(needed - 1)).expect_err("too little");
        let text = error.to_string();
        assert!(text.contains("--batch-triplets") && text.contains("64 crystals"), "{text}");
    }

    #[test]
    fn a_wider_or_deeper_model_needs_more() {
        let model = ModelConfig::default();
        let wider = ModelConfig { hidden: 256, ..ModelConfig::default() };
        let deeper = ModelConfig { interaction_blocks: 8, ..ModelConfig::default() };
        assert!(estimate(&wider, 100) > estimate(&model, 100));
        assert!(estimate(&deeper, 100) > estimate(&model, 100));
    }
}
