//! Settings of the memory allocator, so that it keeps freed memory for the next step.
//!
//! A training step frees and allocates the same few hundred megabytes again, in buffers of several megabytes. By
//! default glibc maps such buffers anew every time and the system clears all of their pages, which takes about 5 % of
//! a step.
//!
//! Unsafe because `mallopt` is a C function.

/// Buffers up to this size come from the heap. It is the largest value that glibc takes (32 MiB).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGEST_HEAP_BUFFER: i32 = 32 << 20;
/// Free memory at the end of the heap that is kept, in bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: i32 = i32::MAX;
/// Minimum growth of the heap in bytes (64 MiB).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const GROWTH: i32 = 64 << 20;

/// Tells the allocator to keep freed memory. Call it before much memory is used. Without glibc it does nothing.
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
