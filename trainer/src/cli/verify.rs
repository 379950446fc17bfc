//! `trainer verify`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use trainer::verify::{Fixture, Table, TieRule, compare, limits};

use super::Outcome;
use super::out::{say, write};
use super::settings::Machine;

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
            say!("ties = {}", ties.name());
            write(format_args!("{table}"))?;
            if !self.within_limits(&table)? {
                outcome = Outcome::Findings;
            }
        }
        Ok(outcome)
    }

    fn within_limits(&self, table: &Table) -> anyhow::Result<bool> {
        let beyond = match self.precision {
            Precision::F32 => table.beyond(limits::single),
            Precision::F64 => table.beyond(limits::double),
        };
        for deviation in &beyond {
            say!("beyond its limit: {} ({:.2e})", deviation.name, deviation.relative);
        }
        Ok(beyond.is_empty())
    }
}
