//! Instruction sets, determined at run time, and loops that are compiled once for each of them.
//!
//! Unsafe because calling a function compiled for an instruction set is sound only on a machine that has it. The
//! machine is asked once per program.

use std::sync::OnceLock;

/// Instruction set of the loops and products, in ascending order of width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The instruction set of all machines of the target.
    Baseline,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 (F, VL, DQ, BW).
    Avx512,
}

impl Level {
    /// Returns the widest instruction set of this machine.
    #[inline]
    pub fn of_machine() -> Level {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            #[cfg(target_arch = "x86_64")]
            {
                let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
                if avx2
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                {
                    return Level::Avx512;
                }
                if avx2 {
                    return Level::Avx2;
                }
            }
            Level::Baseline
        })
    }
}

/// A loop that is compiled once for each instruction set. `run` must be `#[inline(always)]`, so that its body becomes
/// part of the function with the instruction set. The macro `vectorised!` implements this trait.
pub(crate) trait Loop {
    /// Runs the loop. `FUSED` is true if the machine has a fused multiply-add.
    fn run<const FUSED: bool>(self);
}

/// Runs a loop with the widest instruction set of this machine.
#[inline]
pub(crate) fn run<L: Loop>(work: L) {
    #[cfg(target_arch = "x86_64")]
    match Level::of_machine() {
        // SAFETY: `of_machine` found these instructions on this machine.
        Level::Avx512 => unsafe { run_avx512(work) },
        // SAFETY: as above.
        Level::Avx2 => unsafe { run_avx2(work) },
        Level::Baseline => work.run::<false>(),
    }
    #[cfg(not(target_arch = "x86_64"))]
    // 64-bit ARM always has the fused instruction.
    work.run::<{ cfg!(target_arch = "aarch64") }>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
fn run_avx512<L: Loop>(work: L) {
    work.run::<true>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<L: Loop>(work: L) {
    work.run::<true>();
}
