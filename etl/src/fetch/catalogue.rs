//! The catalogue of published files, with the sizes and hashes that are known.

mod files;

use std::fmt;
use std::str::FromStr;

pub use files::CATALOGUE;

use super::FetchError;

/// Largest size of a compressed file in bytes per entry. Entries of JARVIS-DFT take 0.5 to 8 KiB, and crystals of
/// MatBench with coordinates to 6 decimals take less than 1 KiB.
const MOST_BYTES_PER_ENTRY: u64 = 16 << 10;
/// Largest size in bytes of a file of any database but OQMD. The 106,113 crystals of `mp_gap` with coordinates to 6
/// decimals take 83 MB.
const LONGEST_FILE_BYTES: u64 = 1 << 30;
/// Largest size in bytes of the file of OQMD, which has eight times as many crystals.
const LONGEST_OQMD_BYTES: u64 = 4 << 30;

/// A database that can be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Database {
    /// Open Quantum Materials Database, as published by JARVIS.
    Oqmd,
    /// JARVIS-DFT, and the splits of the JARVIS leaderboard.
    Jarvis,
    /// The tasks of MatBench v0.1 on structures, and their official folds.
    Matbench,
    /// LeMat-Bulk: crystals of the Materials Project, Alexandria and OQMD by the density functional PBE.
    Lemat,
    /// Alexandria: crystals by the density functional PBE, in the release of 15 December 2024.
    Alexandria,
}

impl Database {
    /// All databases, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Oqmd, Self::Jarvis, Self::Matbench, Self::Lemat, Self::Alexandria];

    /// Returns the name of the database on the command line, of its folder in `data/raw` and of its folder in a
    /// mirror.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oqmd => "oqmd",
            Self::Jarvis => "jarvis",
            Self::Matbench => "matbench",
            Self::Lemat => "lemat",
            Self::Alexandria => "alexandria",
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Database {
    type Err = FetchError;

    fn from_str(name: &str) -> Result<Self, FetchError> {
        Self::ALL.into_iter().find(|database| database.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            FetchError::UnknownDatabase { name: name.to_owned(), known }
        })
    }
}

/// Licence and citation of a published work.
#[derive(Debug, PartialEq, Eq)]
pub struct Publication {
    /// Licence as its publisher states it.
    pub licence: &'static str,
    /// The article or data set to cite.
    pub citation: &'static str,
}

/// A published file.
#[derive(Debug, PartialEq, Eq)]
pub struct CatalogueFile {
    /// The database it belongs to.
    pub database: Database,
    /// Name of its task on the command line.
    pub task: &'static str,
    /// Group of the file. Some groups can be fetched as one task.
    pub group: Group,
    /// Path of the file relative to the folder of the database, with `/` as separator.
    pub name: &'static str,
    /// Other paths under which a mirror may hold the file or a part of it, also relative to the folder of the
    /// database.
    pub mirror_names: &'static [&'static str],
    /// Public address.
    pub url: &'static str,
    /// Number of entries, if its publisher states it.
    pub entries: Option<u64>,
    /// Size in bytes, if known.
    pub bytes: Option<u64>,
    /// SHA-256 in lower-case hexadecimal, if known.
    pub sha256: Option<&'static str>,
    /// Licence and citation.
    pub publication: &'static Publication,
}

impl CatalogueFile {
    /// Returns the largest size in bytes that is accepted if the size is not known. It is well above the size that
    /// the number of entries and the database suggest.
    #[must_use]
    pub fn most_bytes(&self) -> u64 {
        let of_database = match self.database {
            Database::Oqmd => LONGEST_OQMD_BYTES,
            Database::Jarvis | Database::Matbench | Database::Lemat | Database::Alexandria => {
                LONGEST_FILE_BYTES
            }
        };
        let of_entries = self.entries.map(|entries| entries.saturating_mul(MOST_BYTES_PER_ENTRY));
        of_entries.map_or(of_database, |bytes| bytes.min(of_database))
    }
}

/// The content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Crystals and their properties.
    Crystals,
    /// Identifiers of the train, validation and test parts for one property. The task `splits` fetches all files of
    /// this group.
    Splits,
    /// Cross-validation folds of all tasks. They are fetched along with every MatBench task.
    Folds,
}

/// Name of the task that fetches all files in [`Group::Splits`].
pub const SPLITS_TASK: &str = "splits";

/// Returns the files of a task in the order of the catalogue.
///
/// `None` selects all files of the database, and [`SPLITS_TASK`] selects all splits. A MatBench task includes the
/// folds, and its prefix `matbench_` may be left out.
///
/// # Errors
/// Returns [`FetchError::UnknownTask`], which lists the known tasks.
pub fn select(database: Database, task: Option<&str>) -> Result<Vec<&'static CatalogueFile>, FetchError> {
    let of_database = || CATALOGUE.iter().filter(move |file| file.database == database);
    let Some(task) = task else { return Ok(of_database().collect()) };
    let plain = task.strip_prefix("matbench_").unwrap_or(task);
    let asked = |file: &CatalogueFile| {
        file.task == task
            || (database == Database::Matbench && file.task == plain)
            || (task == SPLITS_TASK && file.group == Group::Splits)
    };
    if !of_database().any(asked) {
        return Err(FetchError::UnknownTask {
            database: database.as_str(),
            task: task.to_owned(),
            known: tasks(database).join(", "),
        });
    }
    Ok(of_database().filter(|file| asked(file) || file.group == Group::Folds).collect())
}

/// Returns the names of a database's tasks that [`select`] accepts.
#[must_use]
pub fn tasks(database: Database) -> Vec<&'static str> {
    let files = || CATALOGUE.iter().filter(move |file| file.database == database);
    let has_splits = files().any(|file| file.group == Group::Splits);
    let mut tasks: Vec<_> = files().map(|file| file.task).chain(has_splits.then_some(SPLITS_TASK)).collect();
    // The files of a task follow each other.
    tasks.dedup();
    tasks
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_line_is_sound() {
        let mut seen = HashSet::new();
        for file in CATALOGUE {
            for name in std::iter::once(&file.name).chain(file.mirror_names) {
                assert!(seen.insert((file.database, *name)), "{name} stands twice");
                assert!(
                    name.split('/').all(|part| !part.is_empty() && !part.starts_with('.')),
                    "{name} is no plain relative path"
                );
            }
            assert!(file.url.starts_with("https://"), "{}", file.url);
            assert!(file.bytes != Some(0) && file.entries != Some(0), "{}", file.name);
            if let Some(hash) = file.sha256 {
                let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
                assert!(hash.len() == 64 && hash.bytes().all(lower_hex), "{}", file.name);
            }
        }
        let hashes: Vec<_> = CATALOGUE.iter().filter_map(|file| file.sha256).collect();
        assert_eq!(hashes.len(), hashes.iter().collect::<HashSet<_>>().len(), "a hash stands twice");
    }

    #[test]
    fn tasks_select_their_files() {
        let names = |database, task| -> Vec<&str> {
            select(database, task).unwrap().iter().map(|file| file.name).collect()
        };
        assert_eq!(names(Database::Oqmd, None), ["all_oqmd.json.zip"]);
        let jdft2d = ["matbench_jdft2d.json.gz", "matbench_v0.1_validation.json"];
        assert_eq!(names(Database::Matbench, Some("jdft2d")), jdft2d);
        assert_eq!(names(Database::Matbench, Some("matbench_jdft2d")), jdft2d);
        assert_eq!(names(Database::Matbench, None).len(), 10);
        assert_eq!(names(Database::Jarvis, Some("dft_2d")), ["d2-12-12-2022.json.zip"]);
        assert!(names(Database::Jarvis, Some(SPLITS_TASK)).iter().all(|name| name.starts_with("splits/")));
        assert_eq!(names(Database::Jarvis, None).len(), 2 + names(Database::Jarvis, Some("splits")).len());
        for (database, task, count) in
            [(Database::Lemat, "compatible_pbe", 17), (Database::Alexandria, "pbe", 50)]
        {
            assert_eq!(names(database, Some(task)).len(), count);
            assert_eq!(tasks(database), [task]);
        }
    }

    #[test]
    fn a_file_without_a_length_has_a_limit() {
        let most = |database, task| select(database, Some(task)).unwrap()[0].most_bytes();
        assert_eq!(most(Database::Oqmd, "oqmd_3d_no_cfid"), 4 << 30);
        assert_eq!(most(Database::Matbench, "jdft2d"), 636 * (16 << 10));
        assert_eq!(most(Database::Matbench, "mp_e_form"), 1 << 30);
        for file in CATALOGUE {
            assert!(file.bytes.is_none_or(|bytes| 2 * bytes < file.most_bytes()), "{}", file.name);
        }
    }

    /// The copies in `../shared` have less than an eighth of their limits in bytes.
    #[test]
    fn the_limits_leave_room_for_the_files_at_hand() {
        let shared = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared"));
        if !shared.is_dir() {
            println!("skipped: ../shared is not here");
            return;
        }
        for file in CATALOGUE.iter().filter(|file| file.bytes.is_none()) {
            for mirror in ["mirror", "mirror-full"] {
                let path = shared.join(mirror).join(file.database.as_str()).join(file.name);
                let bytes = path.metadata().map_or(0, |metadata| metadata.len());
                assert!(8 * bytes < file.most_bytes(), "{}", path.display());
            }
        }
    }

    #[test]
    fn an_unknown_task_lists_the_known_ones() {
        let message = select(Database::Matbench, Some("steels")).unwrap_err().to_string();
        assert!(message.contains("\"steels\"") && message.contains("jdft2d, phonons"), "{message}");
        assert!(select(Database::Jarvis, Some("matbench_dft_3d")).is_err());
        assert!(
            "materials_project"
                .parse::<Database>()
                .unwrap_err()
                .to_string()
                .contains("oqmd, jarvis, matbench")
        );
    }

    /// The real files that are at hand carry the hashes the catalogue says.
    #[test]
    fn the_splits_at_hand_match_the_catalogue() {
        let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/mirror/jarvis");
        if !std::path::Path::new(shared).is_dir() {
            println!("skipped: ../shared is not here");
            return;
        }
        let mut found = 0;
        for file in CATALOGUE.iter().filter(|file| file.group == Group::Splits) {
            let path = std::path::Path::new(shared).join(file.name);
            if path.is_file() {
                let digest = super::super::verify::digest_file(&path).unwrap();
                assert_eq!(Some(digest.bytes), file.bytes, "{}", file.name);
                assert_eq!(Some(digest.sha256.as_str()), file.sha256, "{}", file.name);
                found += 1;
            }
        }
        assert!(found >= 8, "only {found} split files found");
    }
}
