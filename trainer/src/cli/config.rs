//! `trainer config`

use clap::Args;

use super::Outcome;
use super::out::write;
use super::settings::Settings;

#[derive(Debug, Args)]
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
