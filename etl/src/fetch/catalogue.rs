//! The catalogue of published files, with the sizes and hashes that are known.
//!
//! Numbers are given only if a source states them; `None` means that no source was found:
//! * MatBench: addresses, numbers of entries and SHA-256 are from the dataset metadata of matminer and of MatBench.
//!   Neither gives sizes.
//! * JARVIS-DFT: figshare file numbers are from jarvis-tools (`jarvis/db/figshare.py`). Size and SHA-256 of `dft_3d`
//!   are from downloads whose MD5 matched that of figshare (`fb3e1eb80339a70ff313af1c644c1777`). The size of `dft_2d`
//!   is from the metadata of figshare.
//! * JARVIS leaderboard: sizes and SHA-256 are those of the files in the repository at the commit in the address.
//! * OQMD: the address is from jarvis-tools, which gives neither size nor hash.
//! * LeMat-Bulk: the files are those of the repository at the commit in the address. Sizes are left out, since its listing
//!   rounds them.
//! * Alexandria: the address contains the date of the release. The publisher's list of files gives neither sizes nor hashes.

use std::fmt;
use std::str::FromStr;

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

static OQMD: Publication = Publication {
    licence: "CC BY 4.0",
    citation: "Kirklin et al., npj Comput. Mater. 1, 15010 (2015), doi:10.1038/npjcompumats.2015.10; \
               copy: doi:10.6084/m9.figshare.14206169",
};
static JARVIS_3D: Publication = Publication {
    licence: "CC BY 4.0",
    citation: "Choudhary et al., npj Comput. Mater. 6, 173 (2020), doi:10.1038/s41524-020-00440-1; \
               data: doi:10.6084/m9.figshare.6815699",
};
static JARVIS_2D: Publication = Publication {
    licence: "CC BY 4.0",
    citation: "Choudhary et al., npj Comput. Mater. 6, 173 (2020), doi:10.1038/s41524-020-00440-1; \
               data: doi:10.6084/m9.figshare.6815705",
};
static LEADERBOARD: Publication = Publication {
    licence: "public domain (NIST, 17 U.S.C. 105)",
    citation: "JARVIS-Leaderboard, github.com/usnistgov/jarvis_leaderboard",
};
static MATBENCH: Publication = Publication {
    licence: "CC BY 4.0",
    citation: "Dunn et al., npj Comput. Mater. 6, 138 (2020), doi:10.1038/s41524-020-00406-3",
};
static MATBENCH_FOLDS: Publication = Publication {
    licence: "MIT",
    citation: "Dunn et al., npj Comput. Mater. 6, 138 (2020), doi:10.1038/s41524-020-00406-3",
};
static LEMAT: Publication =
    Publication { licence: "CC BY 4.0", citation: "LeMaterial, LeMat-Bulk (2024), doi:10.57967/hf/3762" };
static ALEXANDRIA: Publication = Publication {
    licence: "CC BY 4.0",
    citation: "Schmidt et al., Mater. Today Phys. 48, 101560 (2024), doi:10.1016/j.mtphys.2024.101560",
};

/// Creates the catalogue's description of a table of LeMat-Bulk, from its number. The crystals that were computed with the
/// density functional PBE fill 17 tables, from `"00000"` to `"00016"`. The address names a commit of the data set, so that
/// it always means the same file.
macro_rules! lemat {
    ($number:literal) => {
        CatalogueFile {
            database: Database::Lemat,
            task: "compatible_pbe",
            group: Group::Crystals,
            name: concat!("compatible_pbe/train-", $number, "-of-00017.parquet"),
            mirror_names: &[],
            url: concat!(
                "https://huggingface.co/datasets/LeMaterial/LeMat-Bulk/resolve/",
                "c7c6a85694a9f02cf0bcd33511a025eb463ac9c9/",
                "compatible_pbe/train-",
                $number,
                "-of-00017.parquet"
            ),
            entries: None,
            bytes: None,
            sha256: None,
            publication: &LEMAT,
        }
    };
}

/// Creates the catalogue's description of a file of Alexandria, from its number. The crystals that were computed with the
/// density functional PBE fill 50 files, from `"000"` to `"049"`, in the release of 15 December 2024, which the address names.
macro_rules! alexandria {
    ($number:literal) => {
        CatalogueFile {
            database: Database::Alexandria,
            task: "pbe",
            group: Group::Crystals,
            name: concat!("pbe/alexandria_", $number, ".json.bz2"),
            mirror_names: &[],
            url: concat!(
                "https://alexandria.icams.rub.de/data/pbe/2024.12.15/alexandria_",
                $number,
                ".json.bz2"
            ),
            entries: None,
            bytes: None,
            sha256: None,
            publication: &ALEXANDRIA,
        }
    };
}

/// Creates the catalogue file of a MatBench task. The files share one address and differ in name, entries and hash.
macro_rules! matbench {
    ($task:literal, $entries:literal, $sha256:literal) => {
        CatalogueFile {
            database: Database::Matbench,
            task: $task,
            group: Group::Crystals,
            name: concat!("matbench_", $task, ".json.gz"),
            mirror_names: &[],
            url: concat!("https://ml.materialsproject.org/projects/matbench_", $task, ".json.gz"),
            entries: Some($entries),
            bytes: None,
            sha256: Some($sha256),
            publication: &MATBENCH,
        }
    };
}

/// Creates the catalogue file of a split of the JARVIS leaderboard at a fixed commit.
macro_rules! split {
    ($task:literal, $bytes:literal, $sha256:literal) => {
        CatalogueFile {
            database: Database::Jarvis,
            task: $task,
            group: Group::Splits,
            name: concat!("splits/", $task, ".json.zip"),
            mirror_names: &[],
            url: concat!(
                "https://raw.githubusercontent.com/usnistgov/jarvis_leaderboard/",
                "57afc55f94c8a6f4562f73a3173968cd4b2f83b1/",
                "jarvis_leaderboard/benchmarks/AI/SinglePropertyPrediction/",
                $task,
                ".json.zip"
            ),
            entries: None,
            bytes: Some($bytes),
            sha256: Some($sha256),
            publication: &LEADERBOARD,
        }
    };
}

/// Every file that can be fetched.
#[rustfmt::skip]
pub static CATALOGUE: &[CatalogueFile] = &[
    CatalogueFile { database: Database::Oqmd, task: "oqmd_3d_no_cfid", group: Group::Crystals, name: "all_oqmd.json.zip", mirror_names: &[], url: "https://ndownloader.figshare.com/files/26790182", entries: Some(817_636), bytes: None, sha256: None, publication: &OQMD },
    CatalogueFile { database: Database::Jarvis, task: "dft_3d", group: Group::Crystals, name: "jdft_3d-12-12-2022.json.zip", mirror_names: &["jdft_3d.json.zip", "jdft_3d-subset.json.zip"], url: "https://ndownloader.figshare.com/files/38521619", entries: Some(75_993), bytes: Some(40_811_489), sha256: Some("d4c64660e9e1fa45c82bd8868a96ec10162195eed69636445972c05550d8d0d6"), publication: &JARVIS_3D },
    CatalogueFile { database: Database::Jarvis, task: "dft_2d", group: Group::Crystals, name: "d2-12-12-2022.json.zip", mirror_names: &["jdft_2d.json.zip", "jdft_2d-subset.json.zip"], url: "https://ndownloader.figshare.com/files/38521268", entries: Some(1_103), bytes: Some(8_394_653), sha256: None, publication: &JARVIS_2D },
    split!("dft_3d_avg_elec_mass", 72_851, "9b2b493db8a0fe49395050c120e7986d5932d91cccf52509ee87520ebb4c229d"),
    split!("dft_3d_avg_hole_mass", 73_668, "f24307e8caa3fa8b9562bde27bcdef6d4d42d40d156700b1364e94fccd357afb"),
    split!("dft_3d_bulk_modulus_kv", 125_080, "5535abd36e95770708fb59404174a0de1b6ff9245ac5714dcffcc1ff57fb7239"),
    split!("dft_3d_dfpt_piezo_max_dielectric", 48_039, "3dc7b8badbeabb9d3d03c01fd66e7f6933169b41102e097913beee59c2f5b721"),
    split!("dft_3d_dfpt_piezo_max_dij", 27_351, "54840fc9d40a2ed6c3ee75db1bd3635522485127bbeaad9dd160226ca33844b8"),
    split!("dft_3d_ehull", 590_007, "25b7ca5c43f5dd54fc98ff01e46bc42033e22d0b9e20048d90d628ea35e169ff"),
    split!("dft_3d_encut", 236_486, "1c6a670dc7134eef85abfbd775c7edcc18ddb060fccc2b94acea62af4bb309a3"),
    split!("dft_3d_epsx", 343_145, "ba1989e259653c3a923525d1e553cfa025c99f3957a2395a38f2e9e7a514aa78"),
    split!("dft_3d_epsy", 342_854, "fa1ca4657cd74cb7dfaf4a8ed49164f0fa980b927ea787218349cc9428df7329"),
    split!("dft_3d_epsz", 342_056, "da92c42a6e49a53734cd97fd8cf87da9875be197b2755e0ed9793755e7fc778a"),
    split!("dft_3d_exfoliation_energy", 5_502, "d7a3127002098c3da40292bee8d78de0e45ca42bef81adc73a07bc47e900a9a4"),
    split!("dft_3d_formation_energy_peratom", 408_864, "ffaef5d3512a29c93f005c8b9f014b467dfa561b1c23632524ff91bbfa6f759f"),
    split!("dft_3d_kpoint_length_unit", 239_120, "35e305fa449118b0c3991c155c866fabb943854563e6df32e0ce393ca9259e78"),
    split!("dft_3d_magmom_oszicar", 225_224, "e149212f11e14504d4949d7325e6a3d6fd4377bbc8393fa3feb6fcad4546ec79"),
    split!("dft_3d_max_efg", 81_561, "688ca60548d0f72d40d92a46511165191100fc33ec53b87e5a648eb6fc9a99a7"),
    split!("dft_3d_mbj_bandgap", 91_819, "7aee71bfea2f67e10a9aad4cc6b83636b58e09b46e01c713a82a333e9632fd95"),
    split!("dft_3d_mepsx", 127_200, "fa2e424bfa9e692b3813b5b736258f70dea18484ccd6de91a027c162a02e3ffd"),
    split!("dft_3d_mepsy", 127_220, "ea143d8361781dca4a55e73f1642caf645bd521ece16d8674ea0bbe1ef00f5c1"),
    split!("dft_3d_mepsz", 126_775, "e0bfa7e4e178bdeb99267df17dd7612ded113f61c83f3951c7500fa74c497b76"),
    split!("dft_3d_n_Seebeck", 180_209, "6a55be2a7fb180128a571c5f151f6531bd0caa88c64327200e75cae278c9a107"),
    split!("dft_3d_n_powerfact", 190_171, "3d61131f5c413c83c031ccfbd29ff485973d851a673e3e851f31e805590dbf4b"),
    split!("dft_3d_optb88vdw_bandgap", 260_687, "6d9f7f6a7c321497649afa10f11e5e3b17f5ae7de4ff508e5e1ec2ee7cfb59e9"),
    split!("dft_3d_optb88vdw_total_energy", 420_696, "8bfde50dc6a22b5249d3b818082dadfb0171ee0416790f97d25e7d9e9161a8af"),
    split!("dft_3d_ph_heat_capacity", 156_582, "b521d42eb722ea82f2dc4ec7e9aee84cb848b9e0eefb65c634c6c16797216ab7"),
    split!("dft_3d_shear_modulus_gv", 122_449, "9fffd5990b7d695636194dcfd55b154782e58c7befdcb5713ec1248b4e510d5a"),
    split!("dft_3d_slme", 48_039, "f929bd463c98af317d98de6641c48f6347e6a069af03a3d6266c3bd3cafc049a"),
    split!("dft_3d_spillage", 62_957, "495bed4377f32e4495e399920f90a88ac097470e793379b775d14af209c8e36a"),
    split!("megnet_e_form", 801_781, "da8612889b31ac223465011c07d19ad1649802c4fa17aeaa515b3c53b6c60ddf"),
    matbench!("jdft2d", 636, "26057dc4524e193e32abffb296ce819b58b6e11d1278cae329a2f97817a4eddf"),
    matbench!("phonons", 1_265, "4db551f21ec5f577e6202725f10e34dfc509aa7df3a6bdaac497da7f6dbbb9b3"),
    matbench!("dielectric", 4_764, "83befa09bc2ec2f4b6143afc413157827a90e5e2e42c1eb507ccfa01bf26a1d6"),
    matbench!("log_gvrh", 10_987, "098af941f4c663270f1fe21abf20ffad6fb85ecbfcba5786ceac03983ac29da7"),
    matbench!("log_kvrh", 10_987, "44b113ddb7e23aa18731a62c74afa7e5aa654199e0db5f951c8248a00955c9cd"),
    matbench!("perovskites", 18_928, "4641e2417f8ec8b50096d2230864468dfa08278dc9d257c327f65d0305278483"),
    matbench!("mp_gap", 106_113, "58b65746bd88329986ed66031a2ac1369c7c522f7bc9f9081528e07097c2c057"),
    matbench!("mp_is_metal", 106_113, "9a028ed5750a4c76ca36e9f3c8d48fe0bf3fb21b76ec2289e58ae7048d527919"),
    matbench!("mp_e_form", 132_752, "dedcb1d4ba2e3e50dbdd45ba5bc647a00e9c2bcf8f8bf556dc8e92caa39eb21f"),
    CatalogueFile { database: Database::Matbench, task: "folds", group: Group::Folds, name: "matbench_v0.1_validation.json", mirror_names: &["folds.csv"], url: "https://raw.githubusercontent.com/materialsproject/matbench/936176db18ca4cd7b38cbd957c017a5bac770c6b/matbench/matbench_v0.1_validation.json", entries: None, bytes: None, sha256: None, publication: &MATBENCH_FOLDS },
    lemat!("00000"),
    lemat!("00001"),
    lemat!("00002"),
    lemat!("00003"),
    lemat!("00004"),
    lemat!("00005"),
    lemat!("00006"),
    lemat!("00007"),
    lemat!("00008"),
    lemat!("00009"),
    lemat!("00010"),
    lemat!("00011"),
    lemat!("00012"),
    lemat!("00013"),
    lemat!("00014"),
    lemat!("00015"),
    lemat!("00016"),
    alexandria!("000"),
    alexandria!("001"),
    alexandria!("002"),
    alexandria!("003"),
    alexandria!("004"),
    alexandria!("005"),
    alexandria!("006"),
    alexandria!("007"),
    alexandria!("008"),
    alexandria!("009"),
    alexandria!("010"),
    alexandria!("011"),
    alexandria!("012"),
    alexandria!("013"),
    alexandria!("014"),
    alexandria!("015"),
    alexandria!("016"),
    alexandria!("017"),
    alexandria!("018"),
    alexandria!("019"),
    alexandria!("020"),
    alexandria!("021"),
    alexandria!("022"),
    alexandria!("023"),
    alexandria!("024"),
    alexandria!("025"),
    alexandria!("026"),
    alexandria!("027"),
    alexandria!("028"),
    alexandria!("029"),
    alexandria!("030"),
    alexandria!("031"),
    alexandria!("032"),
    alexandria!("033"),
    alexandria!("034"),
    alexandria!("035"),
    alexandria!("036"),
    alexandria!("037"),
    alexandria!("038"),
    alexandria!("039"),
    alexandria!("040"),
    alexandria!("041"),
    alexandria!("042"),
    alexandria!("043"),
    alexandria!("044"),
    alexandria!("045"),
    alexandria!("046"),
    alexandria!("047"),
    alexandria!("048"),
    alexandria!("049"),
];

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
