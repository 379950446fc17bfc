//! Whether the sites of two crystals can be paired.

use std::collections::VecDeque;

use super::environment::Environments;

/// Whether every site of one crystal can be matched with sites of the other that have the same surroundings. The cells may
/// differ in size: if they have n and m sites, each site of the first must have m partners and each of the second n.
///
/// This is a maximum-flow problem between the distinct sites of both crystals: a matching exists if the maximum flow
/// (Edmonds and Karp, 1972, <https://doi.org/10.1145/321694.321699>) is n · m. Surroundings agree within the relative
/// `tolerance` of distances.
pub(super) fn same_structure(first: &Environments, second: &Environments, tolerance: f64) -> bool {
    let agrees: Vec<Vec<bool>> = first
        .distinct
        .iter()
        .map(|site| second.distinct.iter().map(|other| site.agrees(other, tolerance as f32)).collect())
        .collect();
    let supply = |count: u32, others: usize| u64::from(count) * others as u64;
    let mut left: Vec<u64> = first.distinct.iter().map(|site| supply(site.count, second.sites)).collect();
    let mut right: Vec<u64> = second.distinct.iter().map(|site| supply(site.count, first.sites)).collect();
    let mut flow = vec![vec![0_u64; right.len()]; left.len()];
    // Most sites have one possible partner.
    for (row, agrees) in agrees.iter().enumerate() {
        for (column, _) in agrees.iter().enumerate().filter(|(_, agrees)| **agrees) {
            let amount = left[row].min(right[column]);
            flow[row][column] += amount;
            left[row] -= amount;
            right[column] -= amount;
        }
    }
    while let Some(row) = left.iter().position(|amount| *amount > 0) {
        if !augment(row, &agrees, &mut flow, &mut left, &mut right) {
            return false;
        }
    }
    true
}

/// Increases the flow from a site along the shortest augmenting path. Returns `false` if there is none.
fn augment(
    from: usize,
    agrees: &[Vec<bool>],
    flow: &mut [Vec<u64>],
    left: &mut [u64],
    right: &mut [u64],
) -> bool {
    /// The site before another one on a path.
    #[derive(Clone, Copy, PartialEq)]
    enum Origin {
        None,
        Start,
        From(usize),
    }
    let mut to_left = vec![Origin::None; left.len()];
    let mut to_right = vec![Origin::None; right.len()];
    to_left[from] = Origin::Start;
    let mut queue = VecDeque::from([from]);
    let end = 'search: loop {
        let Some(row) = queue.pop_front() else { return false };
        for column in (0..right.len()).filter(|&column| agrees[row][column]) {
            if to_right[column] != Origin::None {
                continue;
            }
            to_right[column] = Origin::From(row);
            if right[column] > 0 {
                break 'search column;
            }
            for other in (0..left.len()).filter(|&other| flow[other][column] > 0) {
                if to_left[other] == Origin::None {
                    to_left[other] = Origin::From(column);
                    queue.push_back(other);
                }
            }
        }
    };
    // The path from its end: forward over (row, column), back over (other, column).
    let mut steps = Vec::new();
    let (mut amount, mut column) = (left[from].min(right[end]), end);
    while let Origin::From(row) = to_right[column] {
        steps.push((row, column, true));
        let Origin::From(before) = to_left[row] else { break };
        steps.push((row, before, false));
        amount = amount.min(flow[row][before]);
        column = before;
    }
    for (row, column, forward) in steps {
        if forward {
            flow[row][column] += amount;
        } else {
            flow[row][column] -= amount;
        }
    }
    left[from] -= amount;
    right[end] -= amount;
    true
}

#[cfg(test)]
mod tests {
    use super::super::environment::Site;
    use super::*;

    /// Sites that differ in the distance of one neighbour.
    fn crystal(sites: &[(f32, u32)]) -> Environments {
        let site = |&(distance, count): &(f32, u32)| Site {
            element: 6,
            count,
            horizon: 5.0,
            neighbours: [(6, distance)].into(),
        };
        let total = sites.iter().map(|(_, count)| *count as usize).sum();
        Environments { sites: total, distinct: sites.iter().map(site).collect() }
    }

    #[test]
    fn sites_are_paired_in_proportion() {
        let cell = crystal(&[(1.0, 1), (2.0, 1)]);
        for (other, same) in [
            (crystal(&[(2.0, 3), (1.0, 3)]), true),
            (crystal(&[(1.0, 2), (2.0, 1)]), false),
            (crystal(&[(1.0, 2)]), false),
            (crystal(&[(1.04, 1), (2.05, 1)]), true),
            (crystal(&[(1.04, 1), (2.2, 1)]), false),
        ] {
            assert_eq!(same_structure(&cell, &other, 0.05), same, "{other:?}");
            assert_eq!(same_structure(&other, &cell, 0.05), same, "{other:?}");
        }
    }

    #[test]
    fn a_hasty_partner_is_given_up_for_another() {
        // The first may pair with either, the second with the first alone: 1.03 must let 1.0 go.
        let first = crystal(&[(1.03, 1), (1.0, 1)]);
        let second = crystal(&[(1.02, 1), (1.07, 1)]);
        assert!(same_structure(&first, &second, 0.045));
        assert!(!same_structure(&first, &second, 0.02));
        let chain: Vec<(f32, u32)> = (0..9).map(|step| (1.0 + 0.03 * step as f32, 2)).collect();
        let shifted: Vec<(f32, u32)> = (0..9).map(|step| (1.03 + 0.03 * step as f32, 1)).collect();
        assert!(same_structure(&crystal(&chain), &crystal(&shifted), 0.031));
        assert!(!same_structure(&crystal(&chain), &crystal(&shifted), 0.02));
    }
}
