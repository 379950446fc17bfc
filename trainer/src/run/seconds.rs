//! The host's time in the parts of a training step.

use std::ops::{AddAssign, Div};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// Seconds of the model's thread in the parts of a step.
///
/// On the CPU they are the times of the parts. A device with its own memory works on after an operation has been
/// given to it; they are then what giving the work takes, and the device's time shows in `read`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct HostSeconds {
    /// Waiting for a batch.
    pub wait: f64,
    /// Drawing masks, and moving the batch to the device; 0 where another thread does it.
    pub upload: f64,
    /// Losses.
    pub forward: f64,
    /// Gradients.
    pub backward: f64,
    /// Norm of the gradients.
    pub norm: f64,
    /// Step of the optimiser.
    pub optimiser: f64,
    /// Reading losses and norm, which waits for the device.
    pub read: f64,
    /// Writing the record of the step before.
    pub record: f64,
}

impl HostSeconds {
    /// Adds the seconds since `begun` to a part, and sets `begun` to now.
    pub fn lap(part: &mut f64, begun: &mut Instant) {
        let now = Instant::now();
        *part += (now - *begun).as_secs_f64();
        *begun = now;
    }

    /// Returns the parts in order.
    fn parts(&mut self) -> [&mut f64; 8] {
        let Self { wait, upload, forward, backward, norm, optimiser, read, record } = self;
        [wait, upload, forward, backward, norm, optimiser, read, record]
    }
}

impl AddAssign for HostSeconds {
    fn add_assign(&mut self, mut other: Self) {
        for (part, other) in self.parts().into_iter().zip(other.parts()) {
            *part += *other;
        }
    }
}

impl Div<f64> for HostSeconds {
    type Output = Self;

    fn div(mut self, divisor: f64) -> Self {
        self.parts().into_iter().for_each(|part| *part /= divisor);
        self
    }
}
