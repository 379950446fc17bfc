//! `etl`: conversion of published crystal databases into Parquet feature stores.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
