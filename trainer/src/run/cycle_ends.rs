//! Weights at the ends of a schedule's cycles. The mean of their predictions and those of the last weights is that of a
//! snapshot ensemble (Huang et al., arXiv 1704.00109).
//!
//! In a weights file their tensors have the names of the last weights' behind `snapshot.N.`, with N from 1.

use std::collections::BTreeMap;

use crate::weights::Tensor;

/// Beginning of the names of the tensors in a file.
pub const SNAPSHOT_PREFIX: &str = "snapshot.";

/// Weights at the ends of the cycles so far, without those of the last cycle.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CycleEnds {
    /// Tensors of the model by name, for every cycle.
    cycles: Vec<BTreeMap<String, Tensor>>,
}

impl CycleEnds {
    /// Adds the weights at the end of the next cycle.
    pub fn push(&mut self, weights: BTreeMap<String, Tensor>) {
        self.cycles.push(weights);
    }

    /// Returns the tensors with their names in a file.
    pub fn named(&self) -> impl Iterator<Item = (String, Tensor)> + '_ {
        (1..).zip(&self.cycles).flat_map(|(number, cycle)| {
            let named = move |(name, tensor): (&String, &Tensor)| {
                (format!("{SNAPSHOT_PREFIX}{number}.{name}"), tensor.clone())
            };
            cycle.iter().map(named)
        })
    }

    /// Divides the tensors of a file into the others and these. Behind a cycle that is missing, and under a name that is
    /// none of these, tensors are among the others, so that a model refuses them.
    pub fn split(mut tensors: BTreeMap<String, Tensor>) -> (BTreeMap<String, Tensor>, Self) {
        let mut cycles = Vec::new();
        loop {
            let prefix = format!("{SNAPSHOT_PREFIX}{}.", cycles.len() + 1);
            let (cycle, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
                tensors.into_iter().partition(|(name, _)| name.starts_with(&prefix));
            tensors = others;
            if cycle.is_empty() {
                return (tensors, Self { cycles });
            }
            let named = cycle.into_iter().map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor));
            cycles.push(named.collect());
        }
    }
}

impl IntoIterator for CycleEnds {
    type Item = BTreeMap<String, Tensor>;
    type IntoIter = std::vec::IntoIter<Self::Item>;

    /// Returns the weights of every cycle.
    fn into_iter(self) -> Self::IntoIter {
        self.cycles.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_found_again_in_the_order_of_the_cycles() {
        let weights = |value: f32| {
            let tensor = |value| Tensor::f32([1], vec![value]);
            BTreeMap::from([("head.0.weight".to_owned(), tensor(value)), ("w".to_owned(), tensor(-value))])
        };
        let mut ends = CycleEnds::default();
        // As texts the numbers of the cycles have another order.
        (1..=11_u8).for_each(|cycle| ends.push(weights(cycle.into())));
        let last = weights(0.5);
        let mut file: BTreeMap<String, Tensor> = ends.named().chain(last.clone()).collect();
        assert_eq!(file.len(), 24);
        assert_eq!(CycleEnds::split(file.clone()), (last, ends));
        for name in ["snapshot.x.w", "snapshot.01.w", "snapshot.13.w"] {
            file.insert(name.to_owned(), Tensor::f32([1], vec![0.0]));
            assert!(CycleEnds::split(file.clone()).0.contains_key(name), "{name} is of no cycle");
        }
    }
}
