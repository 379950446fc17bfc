//! `trainer config`

use clap::Args;

use super::Outcome;
use super::settings::Settings;

#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    #[command(flatten)]
    settings: Settings,
}

impl ConfigArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        print!("{}", self.settings.resolve(&[])?.to_toml());
        Ok(Outcome::Clean)
    }
}
