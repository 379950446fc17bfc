//! `trainer config`

use clap::Args;

use super::Outcome;
use super::out::write;
use super::settings::Settings;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  trainer config > own.toml
  trainer config --config own.toml --set optimiser.learning_rate=1e-3 --seed 7")]
pub(crate) struct ConfigArguments {
    #[command(flatten)]
    settings: Settings,
}

impl ConfigArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        write(format_args!("{}", self.settings.resolve(None, &[])?.to_toml()))?;
        Ok(Outcome::Clean)
    }
}
