//! `trainer verify`

use std::path::PathBuf;

use burn::prelude::Device;
use clap::{Args, ValueEnum};
use trainer::verify::baselines::{SystemsFixture, compare_system};
use trainer::verify::{Fixture, Kind, Table, TieRule, compare, limits};

use super::Outcome;
use super::out::{say, write};
use super::settings::Machine;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Precision {
    F32,
    F64,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  trainer verify tests/golden
  trainer verify tests/golden --precision f64 --threads 1")]
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
        if let Some(fixture) = SystemsFixture::open(&self.fixture)? {
            return self.verify_systems(&fixture, &device);
        }
        let fixture = Fixture::open(&self.fixture)?;
        let mut outcome = Outcome::Clean;
        for ties in [TieRule::Cut, TieRule::Shell] {
            let table = match self.precision {
                Precision::F32 => compare::<f32>(&fixture, ties, &device)?,
                Precision::F64 => compare::<f64>(&fixture, ties, &device)?,
            };
            say!("ties = {}", ties.name());
            write(format_args!("{table}"))?;
            if !self.within_limits(&table, limits::single, limits::double)? {
                outcome = Outcome::Findings;
            }
        }
        Ok(outcome)
    }

    /// Compares all systems of a fixture, and shows the largest deviation of each kind.
    fn verify_systems(&self, fixture: &SystemsFixture, device: &Device) -> anyhow::Result<Outcome> {
        const KINDS: [Kind; 5] = [Kind::Finetuning, Kind::Loss, Kind::Tensor, Kind::Gradient, Kind::Running];
        let mut outcome = Outcome::Clean;
        let title = |kind: Kind| format!("{:>12}", format!("{kind:?}"));
        say!("{:<20} {}", "system", KINDS.map(title).join(" "));
        for system in fixture.systems() {
            let table = match self.precision {
                Precision::F32 => compare_system::<f32>(fixture, system, device)?,
                Precision::F64 => compare_system::<f64>(fixture, system, device)?,
            };
            let Some(table) = table else {
                say!("{system:<20} unknown");
                outcome = Outcome::Findings;
                continue;
            };
            let worst = KINDS.map(|kind| match table.worst(kind) {
                Some(deviation) => format!("{:>12.1e}", deviation.relative),
                None => format!("{:>12}", "-"),
            });
            say!("{system:<20} {}", worst.join(" "));
            if !self.within_limits(&table, fixture.single(system), limits::double_from_stored)? {
                outcome = Outcome::Findings;
            }
        }
        Ok(outcome)
    }

    fn within_limits(
        &self,
        table: &Table,
        single: impl Fn(Kind) -> f64,
        double: impl Fn(Kind) -> f64,
    ) -> anyhow::Result<bool> {
        let beyond = match self.precision {
            Precision::F32 => table.beyond(single),
            Precision::F64 => table.beyond(double),
        };
        for deviation in &beyond {
            say!("beyond its limit: {} ({:.2e})", deviation.name, deviation.relative);
        }
        Ok(beyond.is_empty())
    }
}
