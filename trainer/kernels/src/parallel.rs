//! Parallel loops over blocks of fixed size on the current rayon pool.

use rayon::prelude::*;
use std::ops::Range;

use super::awake::Awake;
use super::real::Real;
use crate::vectorised::vectorised;

/// The threads that work on the blocks.
static AWAKE: Awake = Awake::new();

/// Returns consecutive ranges of `size` rows. The last one may be shorter.
#[inline]
pub(super) fn ranges(rows: usize, size: usize) -> impl ExactSizeIterator<Item = Range<usize>> + Clone {
    (0..rows.div_ceil(size)).map(move |block| block * size..(block * size + size).min(rows))
}

/// Returns the results of `work` on every item in order. `scratch` makes the memory that `work` reuses from item to
/// item; a result must not depend on its content. With a single thread everything runs in the caller.
pub(super) fn map<T: Send, S, P: Send>(
    items: Vec<T>,
    scratch: impl Fn() -> S + Sync + Send,
    work: impl Fn(&mut S, T) -> P + Sync + Send,
) -> Vec<P> {
    if items.len() < 2 || rayon::current_num_threads() == 1 {
        let mut memory = scratch();
        return items.into_iter().map(|item| work(&mut memory, item)).collect();
    }
    let results = items.into_par_iter().map_init(scratch, work).collect();
    AWAKE.expect_more();
    results
}

/// Returns the element-wise sum of the parts in order; zeros of `length` without parts.
///
/// # Panics
/// If a part has another length.
pub(super) fn sum<R: Real>(parts: impl IntoIterator<Item = Vec<R>>, length: usize) -> Vec<R> {
    let mut parts = parts.into_iter();
    let mut total = parts.next().unwrap_or_else(|| vec![R::ZERO; length]);
    assert_eq!(total.len(), length, "a part's length");
    parts.for_each(|part| add(&mut total, &part));
    total
}

vectorised! {
    /// total += part.
    pub(super) fn add<'a>(total: &'a mut [R], part: &'a [R]) {
        assert_eq!(total.len(), part.len(), "a part's length");
        for (sum, value) in total.iter_mut().zip(part) {
            *sum += *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_all_rows() {
        assert_eq!(ranges(7, 3).collect::<Vec<_>>(), [0..3, 3..6, 6..7]);
        assert_eq!(ranges(0, 3).len(), 0);
    }

    #[test]
    fn results_keep_the_order_of_the_items() {
        let double = |_: &mut (), item: usize| 2 * item;
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let results = pool.install(|| map((0..100).collect(), || (), double));
            assert_eq!(results, (0..200).step_by(2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn sums_of_parts() {
        assert_eq!(sum([vec![1.0, 2.0], vec![3.0, 4.0]], 2), [4.0, 6.0]);
        assert_eq!(sum::<f32>([], 2), [0.0, 0.0]);
    }
}
