//! Resident memory of this process.

use std::time::{Duration, Instant};

/// Time for which a [`MemoryGauge`] keeps a value.
const GAUGE_INTERVAL: Duration = Duration::from_secs(1);

/// Resident memory of this process. Values are kept for a second, because asking the system can take longer than a
/// step.
#[derive(Debug, Default)]
pub struct MemoryGauge {
    last: Option<(Instant, u64)>,
}

impl MemoryGauge {
    /// Returns the resident memory in bytes, at most a second old; 0 if the system does not report it.
    pub fn resident_bytes(&mut self) -> u64 {
        match self.last {
            Some((asked, bytes)) if asked.elapsed() < GAUGE_INTERVAL => bytes,
            _ => {
                let bytes = resident_bytes();
                self.last = Some((Instant::now(), bytes));
                bytes
            }
        }
    }
}

/// Returns the resident memory of this process in bytes; 0 if the system does not report it.
pub fn resident_bytes() -> u64 {
    memory_stats::memory_stats().map_or(0, |memory| memory.physical_mem as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_has_memory() {
        assert!(resident_bytes() > 1 << 20);
        assert!(MemoryGauge::default().resident_bytes() > 1 << 20);
    }

    #[test]
    fn a_gauge_asks_once_a_second() {
        let mut gauge = MemoryGauge { last: Some((Instant::now(), 7)) };
        assert_eq!(gauge.resident_bytes(), 7);
        if let Some(before) = Instant::now().checked_sub(2 * GAUGE_INTERVAL) {
            gauge.last = Some((before, 7));
            assert_ne!(gauge.resident_bytes(), 7);
        }
    }
}
