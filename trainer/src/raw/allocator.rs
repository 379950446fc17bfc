//! Keeps freed memory for the next step instead of giving it back to the system.
//!
//! A step frees and takes again the same few hundred megabytes in buffers of some megabytes each. By
//! default glibc maps such buffers anew every time, and the system clears every page of them: about
//! 5 % of a step.
//!
//! Unsafe because `mallopt` is a C function.

/// Buffers up to this come from the heap; the largest value that glibc takes (32 MiB).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGEST_HEAP_BUFFER: i32 = 32 << 20;
/// Free memory at the heap's end up to this is kept.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: i32 = i32::MAX;
/// The heap grows by at least this (64 MiB).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const GROWTH: i32 = 64 << 20;

/// Tells the allocator to keep memory; to be called before it is used much. Does nothing where the
/// allocator is not glibc's.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    for (parameter, value) in [
        (libc::M_MMAP_THRESHOLD, LARGEST_HEAP_BUFFER),
        (libc::M_TRIM_THRESHOLD, KEPT),
        (libc::M_TOP_PAD, GROWTH),
    ] {
        // SAFETY: mallopt takes two integers by value and may be called at any time; a value that it
        // refuses changes nothing, and its answer tells only that.
        unsafe { libc::mallopt(parameter, value) };
    }
}
