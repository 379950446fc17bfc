//! The progress of a build.

/// The progress of reading the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Number of bytes read so far, as stored on disk.
    pub bytes_read: u64,
    /// Total size of the inputs in bytes.
    pub total_bytes: u64,
}

/// Receives the progress of a build. The methods may be called from any thread.
pub trait BuildProgress: Sync {
    /// Reports how far the input was read.
    fn position(&self, position: Position);
    /// Reports the numbers of rows and rejects of a block.
    fn entries(&self, rows: u64, rejects: u64);
    /// Reports that the rows are being merged into their final order.
    fn merging(&self) {}
}
