//! What is wrong with the values of settings: the ranges that several of them share.

use std::fmt::{self, Display};

/// A setting outside its range; written as `key = value: must be what is needed`.
pub(super) struct Fault {
    /// Dotted key.
    pub(super) key: &'static str,
    /// What was given.
    pub(super) value: String,
    /// What is needed.
    pub(super) needed: &'static str,
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, needed } = self;
        write!(formatter, "{key} = {value}: must be {needed}")
    }
}

/// The first fault so far.
#[derive(Default)]
pub(super) struct Faults(pub(super) Option<Fault>);

impl Faults {
    /// Notes a fault if `holds` is false.
    pub(super) fn unless(
        &mut self,
        holds: bool,
        key: &'static str,
        value: impl Display,
        needed: &'static str,
    ) {
        if !holds && self.0.is_none() {
            self.0 = Some(Fault { key, value: value.to_string(), needed });
        }
    }

    /// A count of at least one.
    pub(super) fn at_least_one(&mut self, key: &'static str, value: usize) {
        self.unless(value >= 1, key, value, "at least 1");
    }

    /// A count from one on that memory bounds.
    pub(super) fn one_to(&mut self, key: &'static str, value: usize, most: usize, needed: &'static str) {
        self.unless((1..=most).contains(&value), key, value, needed);
    }

    /// A finite number that is not negative.
    pub(super) fn not_negative(&mut self, key: &'static str, value: f64) {
        self.unless(value.is_finite() && value >= 0.0, key, value, "finite and not negative");
    }

    /// A finite number above zero.
    pub(super) fn positive(&mut self, key: &'static str, value: f64) {
        self.unless(value.is_finite() && value > 0.0, key, value, "finite and greater than 0");
    }

    /// A decay rate.
    pub(super) fn below_one(&mut self, key: &'static str, value: f64) {
        self.unless((0.0..1.0).contains(&value), key, value, "at least 0 and less than 1");
    }

    /// A share.
    pub(super) fn share(&mut self, key: &'static str, value: f64) {
        self.unless((0.0..=1.0).contains(&value), key, value, "between 0 and 1");
    }
}
