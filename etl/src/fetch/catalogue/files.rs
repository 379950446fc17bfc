//! The files of the catalogue.
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

use super::{CatalogueFile, Database, Group, Publication};

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

/// Creates the description of a file of crystals of which nothing but its address is known.
const fn crystals(
    database: Database,
    task: &'static str,
    name: &'static str,
    url: &'static str,
    publication: &'static Publication,
) -> CatalogueFile {
    CatalogueFile {
        database,
        task,
        group: Group::Crystals,
        name,
        mirror_names: &[],
        url,
        entries: None,
        bytes: None,
        sha256: None,
        publication,
    }
}

/// Creates the catalogue. Groups of files whose names and addresses follow a pattern are lists of what tells them apart.
macro_rules! catalogue {
    (
        oqmd_and_jarvis: [$($first:expr,)*],
        splits: [$(($split:literal, $split_bytes:literal, $split_sha256:literal),)*],
        matbench: [$(($task:literal, $entries:literal, $sha256:literal),)*],
        folds: $folds:expr,
        lemat: [$($lemat:literal)*],
        alexandria: [$($alexandria:literal)*],
    ) => {
        &[
            $($first,)*
            $(CatalogueFile {
                group: Group::Splits,
                bytes: Some($split_bytes),
                sha256: Some($split_sha256),
                ..crystals(
                    Database::Jarvis,
                    $split,
                    concat!("splits/", $split, ".json.zip"),
                    concat!(
                        "https://raw.githubusercontent.com/usnistgov/jarvis_leaderboard/",
                        "57afc55f94c8a6f4562f73a3173968cd4b2f83b1/",
                        "jarvis_leaderboard/benchmarks/AI/SinglePropertyPrediction/",
                        $split,
                        ".json.zip"
                    ),
                    &LEADERBOARD,
                )
            },)*
            $(CatalogueFile {
                entries: Some($entries),
                sha256: Some($sha256),
                ..crystals(
                    Database::Matbench,
                    $task,
                    concat!("matbench_", $task, ".json.gz"),
                    concat!("https://ml.materialsproject.org/projects/matbench_", $task, ".json.gz"),
                    &MATBENCH,
                )
            },)*
            $folds,
            $(crystals(
                Database::Lemat,
                "compatible_pbe",
                concat!("compatible_pbe/train-", $lemat, "-of-00017.parquet"),
                concat!(
                    "https://huggingface.co/datasets/LeMaterial/LeMat-Bulk/resolve/",
                    "c7c6a85694a9f02cf0bcd33511a025eb463ac9c9/",
                    "compatible_pbe/train-",
                    $lemat,
                    "-of-00017.parquet"
                ),
                &LEMAT,
            ),)*
            $(crystals(
                Database::Alexandria,
                "pbe",
                concat!("pbe/alexandria_", $alexandria, ".json.bz2"),
                concat!(
                    "https://alexandria.icams.rub.de/data/pbe/2024.12.15/alexandria_",
                    $alexandria,
                    ".json.bz2"
                ),
                &ALEXANDRIA,
            ),)*
        ]
    };
}

/// Every file that can be fetched.
///
/// * The splits of the JARVIS leaderboard: task, size in bytes and SHA-256
/// * The tasks of MatBench: task, number of entries and SHA-256
/// * LeMat-Bulk: the numbers of the 17 tables that the crystals by the density functional PBE fill
/// * Alexandria: the numbers of the 50 files that the crystals by the density functional PBE fill
#[rustfmt::skip]
pub static CATALOGUE: &[CatalogueFile] = catalogue! {
    oqmd_and_jarvis: [
        CatalogueFile {
            entries: Some(817_636),
            ..crystals(Database::Oqmd, "oqmd_3d_no_cfid", "all_oqmd.json.zip", "https://ndownloader.figshare.com/files/26790182", &OQMD)
        },
        CatalogueFile {
            mirror_names: &["jdft_3d.json.zip", "jdft_3d-subset.json.zip"],
            entries: Some(75_993),
            bytes: Some(40_811_489),
            sha256: Some("d4c64660e9e1fa45c82bd8868a96ec10162195eed69636445972c05550d8d0d6"),
            ..crystals(Database::Jarvis, "dft_3d", "jdft_3d-12-12-2022.json.zip", "https://ndownloader.figshare.com/files/38521619", &JARVIS_3D)
        },
        CatalogueFile {
            mirror_names: &["jdft_2d.json.zip", "jdft_2d-subset.json.zip"],
            entries: Some(1_103),
            bytes: Some(8_394_653),
            ..crystals(Database::Jarvis, "dft_2d", "d2-12-12-2022.json.zip", "https://ndownloader.figshare.com/files/38521268", &JARVIS_2D)
        },
    ],
    splits: [
        ("dft_3d_avg_elec_mass", 72_851, "9b2b493db8a0fe49395050c120e7986d5932d91cccf52509ee87520ebb4c229d"),
        ("dft_3d_avg_hole_mass", 73_668, "f24307e8caa3fa8b9562bde27bcdef6d4d42d40d156700b1364e94fccd357afb"),
        ("dft_3d_bulk_modulus_kv", 125_080, "5535abd36e95770708fb59404174a0de1b6ff9245ac5714dcffcc1ff57fb7239"),
        ("dft_3d_dfpt_piezo_max_dielectric", 48_039, "3dc7b8badbeabb9d3d03c01fd66e7f6933169b41102e097913beee59c2f5b721"),
        ("dft_3d_dfpt_piezo_max_dij", 27_351, "54840fc9d40a2ed6c3ee75db1bd3635522485127bbeaad9dd160226ca33844b8"),
        ("dft_3d_ehull", 590_007, "25b7ca5c43f5dd54fc98ff01e46bc42033e22d0b9e20048d90d628ea35e169ff"),
        ("dft_3d_encut", 236_486, "1c6a670dc7134eef85abfbd775c7edcc18ddb060fccc2b94acea62af4bb309a3"),
        ("dft_3d_epsx", 343_145, "ba1989e259653c3a923525d1e553cfa025c99f3957a2395a38f2e9e7a514aa78"),
        ("dft_3d_epsy", 342_854, "fa1ca4657cd74cb7dfaf4a8ed49164f0fa980b927ea787218349cc9428df7329"),
        ("dft_3d_epsz", 342_056, "da92c42a6e49a53734cd97fd8cf87da9875be197b2755e0ed9793755e7fc778a"),
        ("dft_3d_exfoliation_energy", 5_502, "d7a3127002098c3da40292bee8d78de0e45ca42bef81adc73a07bc47e900a9a4"),
        ("dft_3d_formation_energy_peratom", 408_864, "ffaef5d3512a29c93f005c8b9f014b467dfa561b1c23632524ff91bbfa6f759f"),
        ("dft_3d_kpoint_length_unit", 239_120, "35e305fa449118b0c3991c155c866fabb943854563e6df32e0ce393ca9259e78"),
        ("dft_3d_magmom_oszicar", 225_224, "e149212f11e14504d4949d7325e6a3d6fd4377bbc8393fa3feb6fcad4546ec79"),
        ("dft_3d_max_efg", 81_561, "688ca60548d0f72d40d92a46511165191100fc33ec53b87e5a648eb6fc9a99a7"),
        ("dft_3d_mbj_bandgap", 91_819, "7aee71bfea2f67e10a9aad4cc6b83636b58e09b46e01c713a82a333e9632fd95"),
        ("dft_3d_mepsx", 127_200, "fa2e424bfa9e692b3813b5b736258f70dea18484ccd6de91a027c162a02e3ffd"),
        ("dft_3d_mepsy", 127_220, "ea143d8361781dca4a55e73f1642caf645bd521ece16d8674ea0bbe1ef00f5c1"),
        ("dft_3d_mepsz", 126_775, "e0bfa7e4e178bdeb99267df17dd7612ded113f61c83f3951c7500fa74c497b76"),
        ("dft_3d_n_Seebeck", 180_209, "6a55be2a7fb180128a571c5f151f6531bd0caa88c64327200e75cae278c9a107"),
        ("dft_3d_n_powerfact", 190_171, "3d61131f5c413c83c031ccfbd29ff485973d851a673e3e851f31e805590dbf4b"),
        ("dft_3d_optb88vdw_bandgap", 260_687, "6d9f7f6a7c321497649afa10f11e5e3b17f5ae7de4ff508e5e1ec2ee7cfb59e9"),
        ("dft_3d_optb88vdw_total_energy", 420_696, "8bfde50dc6a22b5249d3b818082dadfb0171ee0416790f97d25e7d9e9161a8af"),
        ("dft_3d_ph_heat_capacity", 156_582, "b521d42eb722ea82f2dc4ec7e9aee84cb848b9e0eefb65c634c6c16797216ab7"),
        ("dft_3d_shear_modulus_gv", 122_449, "9fffd5990b7d695636194dcfd55b154782e58c7befdcb5713ec1248b4e510d5a"),
        ("dft_3d_slme", 48_039, "f929bd463c98af317d98de6641c48f6347e6a069af03a3d6266c3bd3cafc049a"),
        ("dft_3d_spillage", 62_957, "495bed4377f32e4495e399920f90a88ac097470e793379b775d14af209c8e36a"),
        ("megnet_e_form", 801_781, "da8612889b31ac223465011c07d19ad1649802c4fa17aeaa515b3c53b6c60ddf"),
    ],
    matbench: [
        ("jdft2d", 636, "26057dc4524e193e32abffb296ce819b58b6e11d1278cae329a2f97817a4eddf"),
        ("phonons", 1_265, "4db551f21ec5f577e6202725f10e34dfc509aa7df3a6bdaac497da7f6dbbb9b3"),
        ("dielectric", 4_764, "83befa09bc2ec2f4b6143afc413157827a90e5e2e42c1eb507ccfa01bf26a1d6"),
        ("log_gvrh", 10_987, "098af941f4c663270f1fe21abf20ffad6fb85ecbfcba5786ceac03983ac29da7"),
        ("log_kvrh", 10_987, "44b113ddb7e23aa18731a62c74afa7e5aa654199e0db5f951c8248a00955c9cd"),
        ("perovskites", 18_928, "4641e2417f8ec8b50096d2230864468dfa08278dc9d257c327f65d0305278483"),
        ("mp_gap", 106_113, "58b65746bd88329986ed66031a2ac1369c7c522f7bc9f9081528e07097c2c057"),
        ("mp_is_metal", 106_113, "9a028ed5750a4c76ca36e9f3c8d48fe0bf3fb21b76ec2289e58ae7048d527919"),
        ("mp_e_form", 132_752, "dedcb1d4ba2e3e50dbdd45ba5bc647a00e9c2bcf8f8bf556dc8e92caa39eb21f"),
    ],
    folds: CatalogueFile {
        group: Group::Folds,
        mirror_names: &["folds.csv"],
        ..crystals(
            Database::Matbench,
            "folds",
            "matbench_v0.1_validation.json",
            "https://raw.githubusercontent.com/materialsproject/matbench/936176db18ca4cd7b38cbd957c017a5bac770c6b/matbench/matbench_v0.1_validation.json",
            &MATBENCH_FOLDS,
        )
    },
    lemat: [
        "00000" "00001" "00002" "00003" "00004" "00005"
        "00006" "00007" "00008" "00009" "00010" "00011"
        "00012" "00013" "00014" "00015" "00016"
    ],
    alexandria: [
        "000" "001" "002" "003" "004" "005" "006" "007" "008" "009"
        "010" "011" "012" "013" "014" "015" "016" "017" "018" "019"
        "020" "021" "022" "023" "024" "025" "026" "027" "028" "029"
        "030" "031" "032" "033" "034" "035" "036" "037" "038" "039"
        "040" "041" "042" "043" "044" "045" "046" "047" "048" "049"
    ],
};
