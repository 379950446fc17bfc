//! Output buffers that are written exactly once. They are not filled with zeros first, and several threads write
//! blocks of one buffer.
//!
//! Unsafe because `Vec` has no safe way to write its spare capacity from several places. The contract is kept by
//! counting: every writer counts the elements it has initialised, and [`Fresh::finish`] returns the vector only if
//! the count is its length.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A vector of `length` elements that are not written yet.
pub(crate) struct Fresh<R> {
    /// The vector. Its length is 0 until [`Fresh::finish`], and its capacity is at least `length`.
    values: Vec<R>,
    length: usize,
    written: AtomicUsize,
}

impl<R: Copy + Send + Sync> Fresh<R> {
    /// Allocates `length` elements, none of them written.
    pub(crate) fn new(length: usize) -> Self {
        Fresh { values: Vec::with_capacity(length), length, written: AtomicUsize::new(0) }
    }

    /// Returns writers of consecutive blocks. Block `k` ends before element `ends[k]` and begins where the one before
    /// it ends. Each block is filled from its front by [`Block::append`].
    ///
    /// # Panics
    /// If `ends` decreases or exceeds the length.
    pub(crate) fn blocks(&mut self, ends: impl Iterator<Item = usize>) -> Vec<Block<'_, R>> {
        *self.written.get_mut() = 0;
        let written = &self.written;
        let mut rest = &mut self.values.spare_capacity_mut()[..self.length];
        let mut start = 0;
        let mut blocks = Vec::with_capacity(ends.size_hint().0);
        for end in ends {
            let (slots, others) = rest.split_at_mut(end.checked_sub(start).expect("blocks in order"));
            blocks.push(Block { slots, count: 0, written });
            rest = others;
            start = end;
        }
        blocks
    }

    /// Returns a writer of rows of `width` elements in any order and from any thread.
    ///
    /// # Panics
    /// If the length is not a multiple of `width`.
    pub(crate) fn scatter(&mut self, width: usize) -> Scatter<'_, R> {
        *self.written.get_mut() = 0;
        let rows = self.length.checked_div(width).unwrap_or(0);
        assert_eq!(rows * width, self.length, "whole rows");
        Scatter {
            slots: self.values.spare_capacity_mut().as_mut_ptr(),
            width,
            taken: (0..rows).map(|_| AtomicBool::new(false)).collect(),
            written: &self.written,
            buffer: PhantomData,
        }
    }

    /// Returns the vector after all elements are written.
    ///
    /// # Panics
    /// If the writers of the last call of [`Fresh::blocks`] or [`Fresh::scatter`] left a gap.
    pub(crate) fn finish(mut self) -> Vec<R> {
        assert_eq!(*self.written.get_mut(), self.length, "every element of a kernel's result is written");
        // SAFETY: the capacity is at least `length`. The writers handed out by one call cover disjoint
        // elements and count each initialised element once; the count starts at zero with each call and
        // borrows end before this call. So a count of `length` means that all elements are initialised.
        unsafe { self.values.set_len(self.length) };
        self.values
    }
}

/// A block of a [`Fresh`] vector, which is filled from its front.
pub(crate) struct Block<'a, R> {
    slots: &'a mut [MaybeUninit<R>],
    count: usize,
    written: &'a AtomicUsize,
}

impl<R: Copy> Block<'_, R> {
    /// Appends `values` to the block.
    ///
    /// # Panics
    /// If the block has less room left.
    #[inline]
    pub(crate) fn append(&mut self, values: &[R]) {
        let end = self.count + values.len();
        self.slots[self.count..end].write_copy_of_slice(values);
        self.count = end;
    }

    /// Appends the first `width` elements of each row of `values`, whose rows are `stride` apart.
    pub(crate) fn append_rows(&mut self, values: &[R], width: usize, stride: usize) {
        if width == stride {
            self.append(values);
        } else if width > 0 {
            values.chunks_exact(stride).for_each(|row| self.append(&row[..width]));
        }
    }
}

impl<R> Drop for Block<'_, R> {
    fn drop(&mut self) {
        self.written.fetch_add(self.count, Ordering::Relaxed);
    }
}

/// The rows of a [`Fresh`] vector, each written once, in any order.
pub(crate) struct Scatter<'a, R> {
    slots: *mut MaybeUninit<R>,
    width: usize,
    taken: Vec<AtomicBool>,
    written: &'a AtomicUsize,
    buffer: PhantomData<&'a mut [MaybeUninit<R>]>,
}

// SAFETY: the pointer is to a buffer borrowed for 'a, and a row is written only by the one call that
// takes its flag, so no two threads touch the same element; `R: Send` lets values cross threads.
unsafe impl<R: Send> Sync for Scatter<'_, R> {}
// SAFETY: as above: the buffer is borrowed exclusively for 'a and its elements may change threads.
unsafe impl<R: Send> Send for Scatter<'_, R> {}

impl<R: Copy> Scatter<'_, R> {
    /// Writes row `row`.
    ///
    /// # Panics
    /// If the row was written before or is out of range, or `values` is not one row.
    #[inline]
    pub(crate) fn write(&self, row: usize, values: &[R]) {
        assert_eq!(values.len(), self.width, "one row");
        assert!(!self.taken[row].swap(true, Ordering::Relaxed), "row {row} is written once");
        // SAFETY: `row` is below the number of rows (indexing above), so the destination lies in the
        // buffer of rows * width elements; the flag gives this call alone the right to write it, and
        // `values` cannot overlap a buffer whose elements no reference reaches.
        unsafe {
            let slot = self.slots.add(row * self.width).cast::<R>();
            std::ptr::copy_nonoverlapping(values.as_ptr(), slot, self.width);
        }
        self.written.fetch_add(self.width, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_fill_the_vector() {
        let mut fresh = Fresh::new(5);
        let mut blocks = fresh.blocks([2, 2, 5].into_iter());
        blocks[2].append(&[3, 4]);
        blocks[0].append_rows(&[1, 0, 2, 0], 1, 2);
        blocks[2].append(&[5]);
        drop(blocks);
        assert_eq!(fresh.finish(), [1, 2, 3, 4, 5]);
        assert!(Fresh::<f32>::new(0).finish().is_empty());
    }

    #[test]
    #[should_panic(expected = "every element")]
    fn a_gap_is_not_handed_out() {
        let mut fresh = Fresh::new(3);
        fresh.blocks([3].into_iter())[0].append(&[1, 2]);
        fresh.finish();
    }

    #[test]
    #[should_panic(expected = "every element")]
    fn writing_half_twice_is_not_the_whole() {
        let mut fresh = Fresh::new(4);
        for _ in 0..2 {
            fresh.blocks([4].into_iter())[0].append(&[1, 2]);
        }
        fresh.finish();
    }

    #[test]
    fn rows_in_any_order() {
        let mut fresh = Fresh::new(6);
        let scatter = fresh.scatter(2);
        [2, 0, 1].into_iter().for_each(|row| scatter.write(row, &[row, 10 * row]));
        assert_eq!(fresh.finish(), [0, 0, 1, 10, 2, 20]);
    }

    #[test]
    #[should_panic(expected = "written once")]
    fn a_row_is_written_once() {
        let mut fresh = Fresh::new(4);
        let scatter = fresh.scatter(2);
        scatter.write(1, &[1, 2]);
        scatter.write(1, &[1, 2]);
    }
}
