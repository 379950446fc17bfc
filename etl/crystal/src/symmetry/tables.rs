//! Spellings of space-group symbols that the tables of the crate [moyo](https://docs.rs/moyo) lack, by the numbers of its
//! settings.

use std::ops::RangeInclusive;

/// Number of settings in the tables of moyo. Settings are numbered from 1.
pub(super) const SETTINGS: usize = 530;

/// Number of the last space-group type.
pub(super) const LAST_NUMBER: u32 = 230;

/// Symbols with the glide letters used before 1992, by number of the setting.
///
/// International Tables A of 1992 and later use `e` for a double glide plane, where older files have a, b or c.
pub(super) const SYMBOLS_BEFORE_1992: [(usize, &str); 36] = [
    (191, "abm2"),
    (192, "bma2"),
    (193, "b2cm"),
    (194, "c2mb"),
    (195, "cm2a"),
    (196, "ac2m"),
    (203, "aba2"),
    (204, "bba2"),
    (205, "b2cb"),
    (206, "c2cb"),
    (207, "cc2a"),
    (208, "ac2a"),
    (304, "cmca"),
    (305, "ccmb"),
    (306, "abma"),
    (307, "acam"),
    (308, "bbcm"),
    (309, "bmab"),
    (316, "cmma"),
    (317, "cmmb"),
    (318, "abmm"),
    (319, "acmm"),
    (320, "bmcm"),
    (321, "bmam"),
    (322, "ccca"),
    (323, "ccca"),
    (324, "cccb"),
    (325, "cccb"),
    (326, "abaa"),
    (327, "abaa"),
    (328, "acaa"),
    (329, "acaa"),
    (330, "bbcb"),
    (331, "bbcb"),
    (332, "bbab"),
    (333, "bbab"),
];

/// Space groups in multiple cells that the tables leave out, by their symbol and Hall symbol. Older files use these
/// cells (International Tables A, 4.3) to keep the axes of a related structure.
pub(super) const MULTIPLE_CELLS: [(&str, &str); 17] = [
    ("b121", "B 2y"),
    ("c112", "C 2"),
    ("f121", "F 2y"),
    ("b1211", "B 2yb"),
    ("c1211", "C 2yb"),
    ("i1211", "I 2yb"),
    ("c1121", "C 2c"),
    ("f1m1", "F -2y"),
    ("f1d1", "F -2yuw"),
    ("f12/m1", "-F 2y"),
    ("abam", "-A 2 2ab"),
    ("c422", "C 4 2"),
    ("c4221", "C 4a 2"),
    ("f422", "F 4 2"),
    ("c-42m", "C -4 2"),
    ("c-42b", "C -4 2ya"),
    ("f4/mmm", "-F 4 2"),
];

/// Cubic space-group types. Older files leave out the bar over the 3 in their symbols (`F m 3 m`).
pub(super) const CUBIC: RangeInclusive<i32> = 200..=230;

/// Monoclinic space-group types. Their short symbols leave out the axes without symmetry (`P 21/c`).
pub(super) const MONOCLINIC: RangeInclusive<i32> = 3..=15;
