//! The way of a batch's lists to a device.

use std::ops::Range;

use burn::prelude::*;
use burn::tensor::Element;

use super::bases::groups;
use crate::ops::{BySource, Edges, upload};

/// Lists of floats and integers on their way to a device.
///
/// On the host, a list becomes a tensor as it is. A copy to another device costs as much as a launch, however short the
/// list is. All lists therefore go there as one of floats and one of integers, which the device parts again.
#[derive(Debug)]
pub(super) struct Upload<R> {
    floats: Vec<Vec<R>>,
    integers: Vec<Vec<i32>>,
}

/// A list of floats in an [`Upload`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Floats(usize);

/// A list of integers in an [`Upload`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Integers(usize);

/// The lists of an [`Upload`] on the device.
#[derive(Debug)]
pub(super) struct Uploaded {
    floats: Vec<Tensor<1>>,
    integers: Vec<Tensor<1, Int>>,
}

impl<R: Element> Upload<R> {
    /// Creates an upload without lists.
    pub(super) fn new() -> Self {
        Self { floats: Vec::new(), integers: Vec::new() }
    }

    /// Adds a list of floats.
    pub(super) fn floats(&mut self, values: Vec<R>) -> Floats {
        self.floats.push(values);
        Floats(self.floats.len() - 1)
    }

    /// Adds a list of integers.
    pub(super) fn integers(&mut self, values: Vec<i32>) -> Integers {
        self.integers.push(values);
        Integers(self.integers.len() - 1)
    }

    /// Returns the number of bytes.
    pub(super) fn bytes(&self) -> usize {
        let floats: usize = self.floats.iter().map(Vec::len).sum();
        let integers: usize = self.integers.iter().map(Vec::len).sum();
        floats * size_of::<R>() + integers * size_of::<i32>()
    }

    /// Moves the lists to a device, `joined` or each by itself.
    pub(super) fn to(self, device: &Device, joined: bool) -> Uploaded {
        let floats = |values| upload::floats::<R>(values, device);
        let integers = |values| upload::integers(values, device);
        if !joined {
            let floats = self.floats.into_iter().map(floats).collect();
            return Uploaded { floats, integers: self.integers.into_iter().map(integers).collect() };
        }
        let (of_floats, of_integers) = (ranges(&self.floats), ranges(&self.integers));
        let (floats, integers) = (floats(self.floats.concat()), integers(self.integers.concat()));
        Uploaded {
            floats: of_floats.map(|range| floats.clone().slice([range])).collect(),
            integers: of_integers.map(|range| integers.clone().slice([range])).collect(),
        }
    }
}

/// Returns the ranges of lists that follow one another.
fn ranges<T>(lists: &[Vec<T>]) -> impl Iterator<Item = Range<usize>> + use<T> {
    let lengths: Vec<usize> = lists.iter().map(Vec::len).collect();
    lengths.into_iter().scan(0, |end, length| {
        let start = *end;
        *end += length;
        Some(start..*end)
    })
}

impl Uploaded {
    /// Returns a list of floats.
    pub(super) fn floats(&self, list: Floats) -> Tensor<1> {
        self.floats[list.0].clone()
    }

    /// Returns a list of integers.
    pub(super) fn integers(&self, list: Integers) -> Tensor<1, Int> {
        self.integers[list.0].clone()
    }
}

/// The two atoms of E edges among N atoms.
#[derive(Debug)]
pub(super) struct EdgeEnds {
    /// Target atom of every edge, ascending, `[E]`.
    pub(super) target: Vec<i32>,
    /// Source atom of every edge, `[E]`.
    pub(super) source: Vec<i32>,
    /// Offsets by target, `[N + 1]`.
    pub(super) incoming: Vec<i32>,
}

/// Edges in an [`Upload`]. Only what other lists do not determine goes to a device with its own memory.
#[derive(Debug)]
pub(super) struct UploadedEdges {
    count: usize,
    source: Integers,
    incoming: Integers,
    target: Option<Integers>,
    by_source: Option<[Integers; 2]>,
}

impl UploadedEdges {
    /// Adds edges to an upload. `by_source` has the lists of [`BySource`].
    pub(super) fn new<R: Element>(
        upload: &mut Upload<R>,
        ends: EdgeEnds,
        by_source: [Vec<i32>; 2],
        on_host: bool,
    ) -> Self {
        Self {
            count: ends.target.len(),
            source: upload.integers(ends.source),
            incoming: upload.integers(ends.incoming),
            target: on_host.then(|| upload.integers(ends.target)),
            by_source: on_host.then(|| by_source.map(|list| upload.integers(list))),
        }
    }

    /// Returns the edges on the device, without angles.
    pub(super) fn edges(&self, lists: &Uploaded) -> Edges {
        let incoming = lists.integers(self.incoming);
        let target = match self.target {
            Some(target) => lists.integers(target),
            None => groups(incoming.clone().slice([1..]), self.count),
        };
        let by_source = self.by_source.map(|[offsets, edges]| BySource {
            offsets: lists.integers(offsets),
            edges: lists.integers(edges),
        });
        Edges {
            target,
            source: lists.integers(self.source),
            incoming,
            by_source,
            angles: None,
            triplets: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_lists_are_the_same_lists() {
        let device = Device::flex();
        for joined in [false, true] {
            let mut upload = Upload::<f64>::new();
            let floats = [vec![1.5, 2.5], vec![], vec![3.5]].map(|list| (upload.floats(list.clone()), list));
            let integers =
                [vec![], vec![7, 8, 9], vec![-1]].map(|list| (upload.integers(list.clone()), list));
            assert_eq!(upload.bytes(), 3 * 8 + 4 * 4);
            let uploaded = upload.to(&device, joined);
            for (list, values) in floats {
                assert_eq!(uploaded.floats(list).into_data().iter::<f64>().collect::<Vec<_>>(), values);
            }
            for (list, values) in integers {
                assert_eq!(uploaded.integers(list).into_data().iter::<i32>().collect::<Vec<_>>(), values);
            }
        }
    }
}
