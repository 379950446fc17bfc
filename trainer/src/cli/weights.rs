//! `trainer weights`, and the weights that other commands are given.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use etl::fetch::{FetchProgress, Place, TerminalProgress};
use schemas::count::counted;
use schemas::output;
use trainer::catalogue::{Cache, Entry, Origin, State, locate};
use trainer::weights::{ElementType, pack};

use super::Outcome;
use super::out::{remark, say, write};
use super::suggestions;
use super::text_table::{Side, print_table};

/// Beginnings of the address of a mirror.
const SCHEMES: [&str; 2] = ["http://", "https://"];

/// What is done with the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// List all, or tell more of those named
    List,
    /// Fetch those named into the cache, and print their paths
    Get,
    /// Write a file with half of the bytes: its numbers in half precision
    Pack,
}

/// Half precisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Precision {
    /// 11 binary digits
    F16,
    /// 8 binary digits, in the range of single precision
    Bf16,
}

impl From<Precision> for ElementType {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F16 => Self::F16,
            Precision::Bf16 => Self::BF16,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
Every option --weights takes such a name where no file or folder is called so. Copies are kept in \
$XDG_CACHE_HOME/crystal-mmpt/weights or ~/.cache/crystal-mmpt/weights; the environment variable CRYSTAL_MMPT_CACHE names \
another folder in place of crystal-mmpt. Each is compared with its SHA-256 before it is used, and fetched again if it is \
damaged.

Weights of others are named by a TOML file with the keys about, licence (of their data), url, bytes and sha256.

Examples:
  trainer weights list
  trainer weights list lab.toml
  trainer weights get lab.toml --mirror /mnt/mirror
  trainer weights pack runs/a/best.safetensors --out lab.safetensors")]
pub(crate) struct WeightsArguments {
    /// list, get or pack
    #[arg(value_enum, value_name = "ACTION")]
    action: Action,
    /// Names of the catalogue, or TOML files that describe weights; of pack, the weights file
    #[arg(value_name = "NAME", value_parser = suggestions::weights(), hide_possible_values = true)]
    names: Vec<PathBuf>,
    /// Take the files from this folder or HTTP root, where they lie as weights/<NAME>.safetensors
    #[arg(long, value_name = "FOLDER|URL")]
    mirror: Option<String>,
    /// Of pack: the file to write
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Of pack: the precision; f16 unless given
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Output")]
    precision: Option<Precision>,
}

impl WeightsArguments {
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        let is = |action| self.action == action;
        ensure!(is(Action::Get) || self.mirror.is_none(), "--mirror is for get alone");
        let is_packed = self.out.is_some() || self.precision.is_some();
        ensure!(is(Action::Pack) || !is_packed, "--out and --precision are for pack alone");
        match self.action {
            Action::List if self.names.is_empty() => list()?,
            Action::List => self.entries()?.iter().try_for_each(describe)?,
            Action::Get => self.get()?,
            Action::Pack => self.pack()?,
        }
        Ok(Outcome::Clean)
    }

    /// Loads the entries that are named.
    fn entries(&self) -> anyhow::Result<Vec<Entry>> {
        self.names.iter().map(|name| Ok(Entry::load(&name.to_string_lossy())?)).collect()
    }

    /// Fetches the weights that are named.
    fn get(&self) -> anyhow::Result<()> {
        let entries = self.entries()?;
        ensure!(!entries.is_empty(), "name the weights to get; `trainer weights list` lists them");
        let place = self.mirror.as_deref().map_or(Place::Published, place);
        let cache = Cache::of_user()?;
        let mut progress = TerminalProgress::new();
        for entry in &entries {
            say!("{}", cache.get(entry, &place, &mut progress)?.display());
        }
        Ok(())
    }

    /// Writes a weights file in half precision.
    fn pack(&self) -> anyhow::Result<()> {
        let ([file], Some(out)) = (self.names.as_slice(), &self.out) else {
            bail!("pack takes one weights file, and --out")
        };
        output::require_apart(out, [file])?;
        ensure!(!out.exists(), "{} already exists; give another --out", out.display());
        pack(file, out, self.precision.unwrap_or(Precision::F16).into())?;
        let bytes = std::fs::metadata(out).with_context(|| format!("cannot read {}", out.display()))?.len();
        say!("{}: {}", out.display(), counted(bytes, "byte"));
        Ok(())
    }
}

/// Returns the path of the weights that the argument of `--weights` names: a path, a name of the catalogue, or a TOML file
/// of an entry ([`locate`]). Unless `quiet`, prints which weights were taken if the argument is no path.
pub(super) fn located(argument: &Path, quiet: bool) -> anyhow::Result<PathBuf> {
    let mut bar = TerminalProgress::new();
    let progress: &mut dyn FetchProgress = if quiet { &mut () } else { &mut bar };
    let located = locate(argument, progress)?;
    if let Some(note) = located.note.filter(|_| !quiet) {
        remark!("{note}");
    }
    Ok(located.path)
}

/// Returns the place that `--mirror` names: an HTTP root or a folder.
fn place(mirror: &str) -> Place {
    match SCHEMES.iter().any(|scheme| mirror.starts_with(scheme)) {
        true => Place::BaseUrl(mirror.to_owned()),
        false => Place::Mirror(PathBuf::from(mirror)),
    }
}

/// Returns where the file of an entry is, for the user to read.
fn whereabouts(entry: &Entry) -> anyhow::Result<&'static str> {
    let state = match Cache::of_user() {
        Ok(cache) => cache.state(entry)?,
        Err(_) => State::Absent,
    };
    Ok(match (state, &entry.origin) {
        (State::Whole, _) => "in the cache",
        (_, Origin::Program(_)) => "in the program",
        (State::Absent, Origin::Address(_)) => "to be fetched",
        (State::Damaged(_), Origin::Address(_)) => "damaged, to be fetched again",
    })
}

/// Prints a line for every built-in entry.
fn list() -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for name in Entry::names() {
        let entry = Entry::load(name)?;
        let (size, place) = (format!("{:.1} MB", entry.bytes as f64 / 1e6), whereabouts(&entry)?.to_owned());
        rows.push([entry.name, size, place, entry.licence, entry.about]);
    }
    let columns = [
        ("weights", Side::Left),
        ("size", Side::Right),
        ("where", Side::Left),
        ("licence of the data", Side::Left),
        ("about", Side::Left),
    ];
    print_table(columns, &rows)?;
    say!("trainer weights list NAME tells more of one");
    Ok(())
}

/// Prints all that is known of an entry.
fn describe(entry: &Entry) -> anyhow::Result<()> {
    let Entry { name, about, licence, card, bytes, sha256, origin } = entry;
    say!("{name}: {about}");
    say!("licence      {licence} (of the data)");
    say!("size         {}", counted(*bytes, "byte"));
    say!("SHA-256      {sha256}");
    match origin {
        Origin::Program(_) => say!("from         this program"),
        Origin::Address(url) => say!("from         {url}"),
    }
    say!("where        {}", whereabouts(entry)?);
    match card {
        Some(card) => write(format_args!("\n{card}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_an_address_or_a_folder() {
        assert_eq!(place("https://m.test/a"), Place::BaseUrl("https://m.test/a".to_owned()));
        assert_eq!(place("http://m.test"), Place::BaseUrl("http://m.test".to_owned()));
        for folder in ["/mnt/mirror", "mirror", "ftp://m.test", "httpd"] {
            assert_eq!(place(folder), Place::Mirror(folder.into()));
        }
    }
}
