//! Learning-rate schedules: learning rate and β1 as functions of the optimiser step.

use std::f64::consts::PI;

use crate::config::schedule::{OneCycleConfig, ScheduleKind};
use crate::config::{OptimiserConfig, ScheduleConfig};
use crate::optimiser::Rates;

/// The schedule of a run. It is a pure function of the step, so that a resumed run needs no state.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    config: ScheduleConfig,
    learning_rate: f64,
    beta1: f64,
    total_steps: u64,
}

impl Schedule {
    /// Creates the schedule of a run of `total_steps` optimiser steps. The optimiser's settings are the highest
    /// learning rate and β1.
    pub fn new(config: &ScheduleConfig, optimiser: &OptimiserConfig, total_steps: u64) -> Self {
        Self {
            config: config.clone(),
            learning_rate: optimiser.learning_rate,
            beta1: optimiser.beta1,
            total_steps: total_steps.max(1),
        }
    }

    /// Returns the rates of a step, from 0. Steps beyond the last one have the rates of the last one: the number of
    /// steps may differ a little between epochs.
    pub fn at(&self, step: u64) -> Rates {
        let step = step.min(self.total_steps - 1);
        if self.config.kind == ScheduleKind::OneCycle {
            return one_cycle(&self.config.onecycle, self.learning_rate, self.beta1, step, self.total_steps);
        }
        let warmup = self.config.warmup_steps;
        let factor = if step < warmup {
            // The first step already moves: 1/w, 2/w, ... 1.
            (step + 1) as f64 / warmup as f64
        } else if self.config.kind == ScheduleKind::Cosine {
            let share = (step - warmup) as f64 / (self.total_steps - warmup) as f64;
            half_cosine(1.0, self.config.minimum_factor, share)
        } else {
            1.0
        };
        Rates { learning_rate: self.learning_rate * factor, beta1: self.beta1 }
    }
}

/// Returns the rates of PyTorch's `OneCycleLR` with two phases and cosine annealing.
///
/// The learning rate rises from `r/div_factor` to `r` at step `pct_start·total − 1` and falls to
/// `r/(div_factor·final_div_factor)` at step `total − 1`. β1 falls from `max_momentum` to `base_momentum` and rises
/// again, unless `cycle_momentum` is false.
fn one_cycle(cycle: &OneCycleConfig, highest: f64, beta1: f64, step: u64, total: u64) -> Rates {
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
    Rates { learning_rate: rates.0, beta1: if cycle.cycle_momentum { rates.1 } else { beta1 } }
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

    /// Reference values: schedule, total steps, step, learning rate, β1. The comment in the file tells their origin.
    const TABLE: &str = include_str!("schedule_table.txt");
    /// Relative tolerance of the comparison with the table.
    const TOLERANCE: f64 = 1e-12;

    fn schedule(kind: ScheduleKind, rate: f64, total: u64) -> Schedule {
        let config = ScheduleConfig { kind, ..ScheduleConfig::default() };
        let optimiser = OptimiserConfig { learning_rate: rate, ..OptimiserConfig::default() };
        Schedule::new(&config, &optimiser, total)
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
            let found = schedule.at(step.parse().expect("a count"));
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
        let rates: Vec<f64> = (0..7).map(|step| schedule.at(step).learning_rate).collect();
        assert_eq!(rates, [0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5]);
        assert_eq!(schedule.at(3).beta1, 0.9);
    }

    #[test]
    fn a_cosine_after_a_warm_up_is_the_cosine_of_the_rest() {
        let mut late = schedule(ScheduleKind::Cosine, 0.01, 13);
        late.config.warmup_steps = 3;
        let plain = schedule(ScheduleKind::Cosine, 0.01, 10);
        for step in 0..10 {
            assert_eq!(late.at(step + 3), plain.at(step));
        }
    }

    proptest! {
        #[test]
        fn rates_stay_within_their_bounds(
            kind in prop_oneof![
                Just(ScheduleKind::Constant), Just(ScheduleKind::Cosine), Just(ScheduleKind::OneCycle)],
            total in 0_u64..200,
            warmup in 0_u64..300,
            pct_start in 0.0..=1.0_f64,
            minimum_factor in 0.0..=1.0_f64,
            step in 0_u64..400,
        ) {
            let mut schedule = schedule(kind, 0.01, total);
            schedule.config.warmup_steps = warmup;
            schedule.config.minimum_factor = minimum_factor;
            schedule.config.onecycle.pct_start = pct_start;
            let Rates { learning_rate, beta1 } = schedule.at(step);
            prop_assert!((0.0..=0.01 + 1e-15).contains(&learning_rate), "{learning_rate}");
            prop_assert!((0.85 - 1e-12..=0.95 + 1e-12).contains(&beta1), "{beta1}");
            prop_assert_eq!(schedule.at(step.max(total)), schedule.at(u64::MAX));
        }
    }
}
