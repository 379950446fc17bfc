//! `etl --version`, `etl completions` and `etl man`.

#[path = "../common/manual.rs"]
mod manual;

use schemas::store::FORMAT_VERSION;

use crate::support::*;

/// The name under which the program is installed.
const NAME: &str = "etl";

#[test]
fn the_version_tells_the_format_of_stores() {
    let version = env!("CARGO_PKG_VERSION");
    let short = String::from_utf8(etl(["-V"]).stdout).expect("UTF-8");
    assert_eq!(short, format!("etl {version}\n"));
    let long = String::from_utf8(etl(["--version"]).stdout).expect("UTF-8");
    assert!(long.starts_with(&short), "{long}");
    assert!(long.lines().any(|line| line == format!("store format {FORMAT_VERSION}")), "{long}");
}

#[test]
fn shells_complete_commands_and_options() {
    manual::completes(ETL, NAME, ["build", "--allow", "--allow-rejects"]);
    manual::prints_to_who_reads(ETL);
}

#[test]
fn shells_complete_kinds_of_sources() {
    assert_eq!(manual::offered(ETL, NAME, &[NAME, "build", "oq"]), ["oqmd"]);
}

#[test]
fn every_command_has_a_manual_page() {
    manual::describes_itself(ETL, NAME);
    manual::names_the_folder_that_cannot_be_made(ETL);
}

#[test]
fn an_unknown_shell_is_told_with_those_there_are() {
    let output = etl(["completions", "tcsh"]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(said.contains("tcsh") && said.contains("bash, elvish, fish, powershell, zsh"), "{said}");
}
