//! `trainer verify`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use trainer::verify::{Fixture, Kind, Table, TieRule, compare};

use super::Outcome;
use super::settings::Machine;

/// Largest deviation of intermediates and losses in single precision.
const SINGLE_TENSOR: f64 = 1e-5;
/// Largest deviation of gradients in single precision.
const SINGLE_GRADIENT: f64 = 1e-4;
/// Largest deviation in double precision.
const DOUBLE: f64 = 1e-9;
/// Largest deviation from numbers that the fixture stores in single precision.
const STORED_SINGLE: f64 = 1e-7;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Precision {
    F32,
    F64,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Folder of the fixture: manifest.json, weights, cases and the numbers to compare with
    #[arg(value_name = "FOLDER")]
    fixture: PathBuf,
    /// Precision to compute in
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    precision: Precision,
    #[command(flatten)]
    machine: Machine,
}

impl VerifyArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let device = self.machine.prepare()?.open()?;
        let fixture = Fixture::open(&self.fixture)?;
        let mut outcome = Outcome::Clean;
        for ties in [TieRule::Cut, TieRule::Shell] {
            let table = match self.precision {
                Precision::F32 => compare::<f32>(&fixture, ties, &device)?,
                Precision::F64 => compare::<f64>(&fixture, ties, &device)?,
            };
            println!("ties = {}", ties.name());
            print!("{table}");
            if !self.within_limits(&table) {
                outcome = Outcome::Findings;
            }
        }
        Ok(outcome)
    }

    fn within_limits(&self, table: &Table) -> bool {
        let limit = |kind: Kind| match (self.precision, kind) {
            (Precision::F64, Kind::Gradient) => STORED_SINGLE,
            (Precision::F64, _) => DOUBLE,
            (Precision::F32, Kind::Gradient | Kind::GradientNorm) => SINGLE_GRADIENT,
            (Precision::F32, _) => SINGLE_TENSOR,
        };
        let beyond = table.beyond(limit);
        for deviation in &beyond {
            println!("beyond its limit: {} ({:.2e})", deviation.name, deviation.relative);
        }
        beyond.is_empty()
    }
}
