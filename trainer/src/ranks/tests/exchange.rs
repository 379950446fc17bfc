//! Sums over the ranks, and how they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use proptest::prelude::*;

use crate::ranks::threads::on_ranks;
use crate::ranks::{AbortOnPanic, Alone, GlobalSizes, Ranks, Sizes, require};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_rank_has_the_same_sum(
        values in prop::collection::vec(prop::collection::vec(-1e6_f32..1e6, 5), 1..5),
        rounds in 1_usize..4,
    ) {
        let count = values.len();
        let sums = on_ranks(count, |ranks| {
            let mut own = values[ranks.rank()].clone();
            let mut wide: Vec<f64> = own.iter().copied().map(f64::from).collect();
            for _ in 0..rounds {
                own.clone_from(&values[ranks.rank()]);
                ranks.sum_f32(&mut own);
            }
            ranks.average(&mut wide);
            (own, wide)
        });
        for index in 0..5 {
            let sum = values[1..].iter().fold(values[0][index], |sum, rank| sum + rank[index]);
            let wide: f64 = values.iter().map(|rank| f64::from(rank[index])).sum();
            for (own, mean) in &sums {
                prop_assert_eq!(own[index].to_bits(), sum.to_bits());
                prop_assert!((mean[index] - wide / count as f64).abs() <= 1e-9);
            }
        }
    }
}

#[test]
fn what_is_so_on_one_rank_is_known_to_all() {
    assert_eq!(on_ranks(3, |ranks| ranks.any(ranks.rank() == 2)), [true; 3]);
    assert_eq!(on_ranks(3, |ranks| ranks.any(false)), [false; 3]);
    assert!(Alone.any(true) && !Alone.any(false));
}

/// One of two ranks, which remembers how it ended them.
#[derive(Debug, Default)]
struct Remembering(AtomicI32);

impl Ranks for Remembering {
    fn rank(&self) -> usize {
        1
    }

    fn count(&self) -> usize {
        2
    }

    fn sum_f32(&self, _: &mut [f32]) {}

    fn sum_f64(&self, _: &mut [f64]) {}

    fn abort(&self, status: i32) {
        self.0.store(status, Ordering::SeqCst);
    }
}

#[test]
fn a_panic_ends_all() {
    let ended = |work: fn()| {
        let remembering = Arc::new(Remembering::default());
        let ranks: Arc<dyn Ranks> = Arc::<Remembering>::clone(&remembering);
        let _ = std::thread::spawn(move || {
            let _watch = AbortOnPanic::of(&ranks);
            work();
        })
        .join();
        remembering.0.load(Ordering::SeqCst)
    };
    assert_eq!(ended(|| {}), 0, "who ends in order lets the others go on");
    assert_eq!(ended(|| panic!("as a test")), 101);
}

#[test]
fn weights_are_those_of_the_whole_batch() {
    let whole = on_ranks(2, |ranks| {
        let sizes = match ranks.rank() {
            0 => Sizes { crystals: 2, atoms: 9, edges: 40, line_pairs: 7, hidden: [4, 5] },
            _ => Sizes { crystals: 3, atoms: 3, edges: 0, line_pairs: 4, hidden: [0, 3] },
        };
        GlobalSizes::of(sizes, &ranks)
    });
    for whole in whole {
        assert_eq!((whole.crystals(), whole.line_pairs()), (5, 11));
        assert_eq!(whole.per_edge(), 2.0 / 40.0);
        assert_eq!([0, 1].map(|view| whole.per_hidden(view)), [2.0 / 4.0, 2.0 / 8.0]);
    }
    let alone = GlobalSizes::alone(Sizes::default());
    assert_eq!((alone.per_edge(), alone.per_hidden(0)), (1.0, 1.0), "nothing is divided by zero");
}

#[test]
fn a_part_with_fewer_crystals_than_ranks_is_refused() {
    for (crystals, refused) in [(0, false), (1, true), (2, true), (3, false)] {
        let found = on_ranks(3, |ranks| require("validation", crystals, &*ranks).map_err(|e| e.to_string()));
        for found in found {
            assert_eq!(found.is_err(), refused, "{crystals}: {found:?}");
        }
    }
    assert!(require("training", 1, &Alone).is_ok());
}
