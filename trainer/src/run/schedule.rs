//! Learning-rate schedules: learning rate and β1 as functions of the optimiser step, the epoch and, for "plateau", the
//! losses so far.

use std::f64::consts::PI;

use crate::config::schedule::{OneCycleConfig, ScheduleKind, StepsConfig};
use crate::config::{OptimiserConfig, ScheduleConfig};
use crate::optimiser::Rates;
use crate::run::plateau::Plateau;

/// The schedule of a run. It is a pure function of its arguments, so that a resumed run needs no state of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    config: ScheduleConfig,
    full: Rates,
    total_steps: u64,
    epochs: u64,
}

impl Schedule {
    /// Creates the schedule of a run of `total_steps` optimiser steps in `epochs` epochs. The optimiser's settings are
    /// the highest learning rate and β1.
    pub fn new(config: &ScheduleConfig, optimiser: &OptimiserConfig, total_steps: u64, epochs: u64) -> Self {
        let full = Rates::of(optimiser);
        Self { config: config.clone(), full, total_steps: total_steps.max(1), epochs }
    }

    /// Returns the rates of a step of an epoch, both from 0. Steps are counted over all epochs. Those beyond the last
    /// one have the rates of the last one: the number of steps may differ a little between epochs. `plateau` has the
    /// losses of the epochs before.
    pub fn at(&self, step: u64, epoch: u64, plateau: &Plateau) -> Rates {
        let step = step.min(self.total_steps - 1);
        let ScheduleConfig { warmup_steps: warmup, minimum_factor, .. } = self.config;
        let factor = match self.config.kind {
            ScheduleKind::OneCycle => {
                return one_cycle(&self.config.onecycle, self.full, step, self.total_steps);
            }
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Cosine if step < warmup => 1.0,
            ScheduleKind::Cosine => half_cosine(
                1.0,
                minimum_factor,
                share_of_cycle(self.config.cosine.cycles, warmup, step, self.total_steps),
            ),
            ScheduleKind::Steps => multi_step(&self.config.steps, epoch),
            ScheduleKind::Linear => {
                line(self.config.linear.constant_epochs, minimum_factor, epoch, self.epochs)
            }
            ScheduleKind::Plateau => plateau.factor(&self.config.plateau, minimum_factor),
        };
        // The first step already moves: 1/w, 2/w, ... 1.
        let rise = if step < warmup { (step + 1) as f64 / warmup as f64 } else { 1.0 };
        Rates { learning_rate: self.full.learning_rate * (factor * rise), ..self.full }
    }
}

/// Returns the share of its cycle that lies before a step, with `cycles` cycles of the same length in `total` steps. The
/// first begins after the warm-up.
fn share_of_cycle(cycles: u64, warmup: u64, step: u64, total: u64) -> f64 {
    let length = total as f64 / cycles as f64;
    let cycle = (step as f64 / length).floor();
    let begin = (cycle * length).max(warmup as f64);
    (step as f64 - begin) / ((cycle + 1.0) * length - begin)
}

/// Returns the factor of an epoch under PyTorch's `MultiStepLR`.
fn multi_step(steps: &StepsConfig, epoch: u64) -> f64 {
    steps.epochs.iter().filter(|&&before| before <= epoch).fold(1.0, |factor, _| factor * steps.factor)
}

/// Returns the factor of an epoch on a straight line from 1 at epoch `constant` to `minimum` at epoch `epochs`, which
/// is the one after the last. Before `constant` it is 1.
fn line(constant: u64, minimum: f64, epoch: u64, epochs: u64) -> f64 {
    let epoch = epoch.min(epochs);
    if epoch <= constant {
        return 1.0;
    }
    let share = (epoch - constant) as f64 / (epochs - constant) as f64;
    1.0 - (1.0 - minimum) * share
}

/// Returns the rates of PyTorch's `OneCycleLR` with two phases and cosine annealing.
///
/// The learning rate rises from `r/div_factor` to `r` at step `pct_start·total − 1` and falls to
/// `r/(div_factor·final_div_factor)` at step `total − 1`. β1 falls from `max_momentum` to `base_momentum` and rises
/// again, unless `cycle_momentum` is false.
fn one_cycle(cycle: &OneCycleConfig, full: Rates, step: u64, total: u64) -> Rates {
    let highest = full.learning_rate;
    let first = highest / cycle.div_factor;
    let last = first / cycle.final_div_factor;
    let step = step as f64;
    let top = cycle.pct_start * total as f64 - 1.0;
    let end = (total - 1) as f64;
    let rates = if step <= top {
        let share = ratio(step, top);
        (half_cosine(first, highest, share), half_cosine(cycle.max_momentum, cycle.base_momentum, share))
    } else {
        let share = ratio(step - top, end - top);
        (half_cosine(highest, last, share), half_cosine(cycle.base_momentum, cycle.max_momentum, share))
    };
    Rates { learning_rate: rates.0, beta1: if cycle.cycle_momentum { rates.1 } else { full.beta1 } }
}

/// Returns `part/whole`; 1 for a phase without length, where PyTorch divides by zero.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 1.0 }
}

/// Interpolates from `start` to `end` along half a cosine: `end + (start − end)/2·(1 + cos(π·share))`.
fn half_cosine(start: f64, end: f64, share: f64) -> f64 {
    end + (start - end) / 2.0 * ((PI * share).cos() + 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::optimiser::OptimiserKind;

    /// Reference values: schedule, total steps, step, learning rate, β1. The comment in the file tells their origin.
    const TABLE: &str = include_str!("schedule_table.txt");
    /// Relative tolerance of the comparison with the table.
    const TOLERANCE: f64 = 1e-12;
    /// Epochs of a schedule.
    const EPOCHS: u64 = 800;

    /// Returns the rates of a step without losses before it.
    fn at(schedule: &Schedule, step: u64, epoch: u64) -> Rates {
        schedule.at(step, epoch, &Plateau::default())
    }

    fn schedule(kind: ScheduleKind, rate: f64, total: u64) -> Schedule {
        let config = ScheduleConfig { kind, ..ScheduleConfig::default() };
        let optimiser = OptimiserConfig { learning_rate: rate, ..OptimiserConfig::default() };
        Schedule::new(&config, &optimiser, total, EPOCHS)
    }

    /// Returns the schedule of a line of the table.
    fn named(name: &str, total: u64) -> Schedule {
        let mut schedule = match name {
            "cosine" | "cosine_minimum" => schedule(ScheduleKind::Cosine, 0.01, total),
            _ => schedule(ScheduleKind::OneCycle, 0.01, total),
        };
        match name {
            "cosine_minimum" => schedule.config.minimum_factor = 0.1,
            "onecycle_other" => {
                schedule.config.onecycle = OneCycleConfig {
                    pct_start: 0.4,
                    div_factor: 10.0,
                    final_div_factor: 100.0,
                    cycle_momentum: true,
                    base_momentum: 0.8,
                    max_momentum: 0.99,
                };
            }
            "onecycle_fixed" => schedule.config.onecycle.cycle_momentum = false,
            _ => {}
        }
        schedule
    }

    #[test]
    fn the_rates_are_those_of_pytorch() {
        let mut lines = 0;
        for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [name, total, step, rate, beta1] = fields[..] else { panic!("five columns: {line}") };
            let number = |text: &str| text.parse::<f64>().expect("a number");
            let schedule = named(name, total.parse().expect("a count"));
            let found = at(&schedule, step.parse().expect("a count"), 0);
            let off = (found.learning_rate / number(rate) - 1.0).abs();
            assert!(off <= TOLERANCE, "{line}: {found:?}");
            assert!((found.beta1 / number(beta1) - 1.0).abs() <= TOLERANCE, "{line}: {found:?}");
            lines += 1;
        }
        assert!(lines >= 100, "{lines} lines");
    }

    #[test]
    fn a_constant_rate_follows_the_warm_up() {
        let mut schedule = schedule(ScheduleKind::Constant, 0.5, 10);
        schedule.config.warmup_steps = 4;
        let rates: Vec<f64> = (0..7).map(|step| at(&schedule, step, 0).learning_rate).collect();
        assert_eq!(rates, [0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5]);
        assert_eq!(at(&schedule, 3, 0).beta1, 0.9);
    }

    #[test]
    fn a_cosine_after_a_warm_up_is_the_cosine_of_the_rest() {
        let mut late = schedule(ScheduleKind::Cosine, 0.01, 13);
        late.config.warmup_steps = 3;
        let plain = schedule(ScheduleKind::Cosine, 0.01, 10);
        for step in 0..10 {
            assert_eq!(at(&late, step + 3, 0), at(&plain, step, 0));
        }
    }

    #[test]
    fn a_cosine_of_cycles_begins_anew_with_each() {
        let mut cycles = schedule(ScheduleKind::Cosine, 0.01, 30);
        cycles.config.cosine.cycles = 3;
        let plain = schedule(ScheduleKind::Cosine, 0.01, 10);
        for step in 0..30 {
            assert_eq!(at(&cycles, step, 0), at(&plain, step % 10, 0), "step {step}");
        }
        // The warm-up shortens the first cycle alone.
        cycles.config.warmup_steps = 4;
        let rest = schedule(ScheduleKind::Cosine, 0.01, 6);
        for step in 4..10 {
            assert_eq!(at(&cycles, step, 0), at(&rest, step - 4, 0), "step {step}");
        }
        assert_eq!(at(&cycles, 12, 0), at(&plain, 2, 0));
    }

    /// Returns the learning rate of an epoch, after any warm-up.
    fn in_epoch(schedule: &Schedule, epoch: u64) -> f64 {
        at(schedule, u64::MAX, epoch).learning_rate
    }

    #[test]
    fn steps_multiply_the_rate_after_their_epochs() {
        let mut schedule = schedule(ScheduleKind::Steps, 0.5, 10);
        schedule.config.steps = StepsConfig { epochs: vec![400, 200], factor: 0.5 };
        for (epoch, rate) in [(0, 0.5), (199, 0.5), (200, 0.25), (399, 0.25), (400, 0.125), (5000, 0.125)] {
            assert_eq!(in_epoch(&schedule, epoch), rate, "epoch {epoch}");
        }
        schedule.config.warmup_steps = 4;
        assert_eq!(at(&schedule, 0, 0).learning_rate, 0.125);
        assert_eq!(at(&schedule, 1, 200).learning_rate, 0.125);
    }

    #[test]
    fn a_line_follows_the_constant_epochs() {
        let mut schedule = schedule(ScheduleKind::Linear, 5e-4, 10);
        schedule.config.minimum_factor = 0.02;
        schedule.config.linear.constant_epochs = 100;
        // From 5e-4 in epoch 100 to 1e-5 in epoch 800, which is the one after the last: 7e-7 an epoch.
        for (epoch, rate) in
            [(0, 5e-4), (99, 5e-4), (100, 5e-4), (101, 4.993e-4), (450, 2.55e-4), (799, 1.07e-5), (900, 1e-5)]
        {
            let found = in_epoch(&schedule, epoch);
            assert!((found / rate - 1.0).abs() <= TOLERANCE, "epoch {epoch}: {found}");
        }
        schedule.config.linear.constant_epochs = EPOCHS;
        assert_eq!(in_epoch(&schedule, 2 * EPOCHS), 5e-4);
    }

    #[test]
    fn the_momentum_of_sgd_takes_the_place_of_beta1() {
        let sgd = OptimiserConfig { kind: OptimiserKind::Sgd, momentum: 0.8, ..OptimiserConfig::default() };
        let of = |kind| {
            let config = ScheduleConfig { kind, ..ScheduleConfig::default() };
            at(&Schedule::new(&config, &sgd, 10, 1), 0, 0).beta1
        };
        assert_eq!((of(ScheduleKind::Constant), of(ScheduleKind::OneCycle)), (0.8, 0.95));
    }

    proptest! {
        #[test]
        fn rates_stay_within_their_bounds(
            kind in prop_oneof![
                Just(ScheduleKind::Constant), Just(ScheduleKind::Cosine), Just(ScheduleKind::OneCycle),
                Just(ScheduleKind::Steps), Just(ScheduleKind::Linear)],
            total in 0_u64..200,
            warmup in 0_u64..300,
            pct_start in 0.0..=1.0_f64,
            minimum_factor in 0.0..=1.0_f64,
            step in 0_u64..400,
            epoch in 0_u64..1000,
            between in 0_u64..1000,
            cycles in 1_u64..9,
        ) {
            let mut schedule = schedule(kind, 0.01, total);
            schedule.config.warmup_steps = warmup;
            schedule.config.minimum_factor = minimum_factor;
            schedule.config.onecycle.pct_start = pct_start;
            schedule.config.steps.epochs = vec![between];
            schedule.config.linear.constant_epochs = between;
            schedule.config.cosine.cycles = cycles;
            let Rates { learning_rate, beta1 } = at(&schedule, step, epoch);
            prop_assert!((0.0..=0.01 + 1e-15).contains(&learning_rate), "{learning_rate}");
            prop_assert!((0.85 - 1e-12..=0.95 + 1e-12).contains(&beta1), "{beta1}");
            prop_assert_eq!(at(&schedule, step.max(total), epoch), at(&schedule, u64::MAX, epoch));
        }
    }
}
