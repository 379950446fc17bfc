//! Symmetry operations of a space group given by its Hall symbol, Hermann-Mauguin symbol or number.
//!
//! The settings and their Hall symbols are those of the tables in [moyo](https://docs.rs/moyo) (530 settings, as in
//! International Tables A). Symbols are compared without regard to case, blanks, underscores and parentheses.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

use moyo::data::{HallSymbol, HallSymbolEntry, Setting, hall_symbol_entry};

use super::group::closure;
use super::operation::SymmetryOperation;
use super::tables::{CUBIC, LAST_NUMBER, MONOCLINIC, MULTIPLE_CELLS, SETTINGS, SYMBOLS_BEFORE_1992};
use super::{Metric, fits_cell};

/// Numbers of the settings that every symbol may denote, the preferred one first.
struct Symbols {
    by_hall: HashMap<String, usize>,
    by_hermann_mauguin: HashMap<String, Vec<usize>>,
}

static SYMBOLS: LazyLock<Symbols> = LazyLock::new(Symbols::new);

/// Operations of every setting, computed when first needed.
static OPERATIONS: [OnceLock<Option<Arc<[SymmetryOperation]>>>; SETTINGS + 1] =
    [const { OnceLock::new() }; SETTINGS + 1];

impl Symbols {
    fn new() -> Self {
        let mut symbols = Self { by_hall: HashMap::new(), by_hermann_mauguin: HashMap::new() };
        // Of two origin choices the second, at a centre of symmetry, is preferred, as in the standard settings of the
        // International Tables.
        let mut order: Vec<(usize, HallSymbolEntry)> =
            (1..=SETTINGS).filter_map(|number| Some((number, entry(number)?))).collect();
        order.sort_by_key(|(number, entry)| (entry.setting.starts_with('1'), *number));
        for (number, entry) in &order {
            let hall = hall_in_moyo_form(entry.hall_symbol);
            symbols.by_hall.entry(normalised(&hall)).or_insert(*number);
            symbols.by_hall.entry(hall).or_insert(*number);
            let full = normalised(entry.hm_full);
            let short = if MONOCLINIC.contains(&entry.number) {
                normalised(&entry.hm_full.replace(" 1", ""))
            } else {
                normalised(entry.hm_short)
            };
            if CUBIC.contains(&entry.number) {
                symbols.add(short.replace("-3", "3"), *number);
            }
            if entry.setting.starts_with('H') {
                symbols.add(short.replacen('r', "h", 1), *number);
            }
            symbols.add(full, *number);
            symbols.add(short, *number);
            if let Some((_, symbol)) = SYMBOLS_BEFORE_1992.iter().find(|(known, _)| known == number) {
                symbols.add((*symbol).to_owned(), *number);
            }
        }
        symbols
    }

    fn add(&mut self, symbol: String, number: usize) {
        let numbers = self.by_hermann_mauguin.entry(symbol).or_default();
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
}

fn entry(number: usize) -> Option<HallSymbolEntry> {
    hall_symbol_entry(i32::try_from(number).ok()?)
}

/// Converts a symbol to lower case and removes blanks, underscores and parentheses.
fn normalised(symbol: &str) -> String {
    symbol
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '(' | ')' | '~'))
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// Returns the operations of a setting of the tables, including centring translations.
fn operations_of_setting(number: usize) -> Option<Arc<[SymmetryOperation]>> {
    OPERATIONS.get(number)?.get_or_init(|| expand_hall_symbol(entry(number)?.hall_symbol)).clone()
}

/// Expands a Hall symbol, in the form that `moyo` can parse, to its operations (see [`is_readable`]).
fn expand_hall_symbol(symbol: &str) -> Option<Arc<[SymmetryOperation]>> {
    let symbol = HallSymbol::new(symbol)?;
    let mut generators = Vec::new();
    for operation in &symbol.generators {
        let mut rotation = [[0i8; 3]; 3];
        for (row, values) in rotation.iter_mut().zip(operation.rotation_as_array()) {
            for (entry, value) in row.iter_mut().zip(values) {
                *entry = i8::try_from(value).ok()?;
            }
        }
        generators.push(SymmetryOperation::new(rotation, operation.translation_as_array()));
    }
    for translation in &symbol.centering_translations {
        let shift = [translation.x, translation.y, translation.z];
        generators.push(SymmetryOperation::new(SymmetryOperation::IDENTITY.rotation, shift));
    }
    closure(&generators).map(Arc::from)
}

/// Converts a Hall symbol to the form of `moyo`: `=` for `"`, `^` for `'`, single blanks and a capital lattice
/// letter.
fn hall_in_moyo_form(symbol: &str) -> String {
    let mut written = String::with_capacity(symbol.len());
    for part in symbol.split(|c: char| c.is_whitespace() || c == '_').filter(|part| !part.is_empty()) {
        let is_lattice = written.is_empty();
        if !is_lattice && !written.ends_with('(') && part != ")" {
            written.push(' ');
        }
        for c in part.chars() {
            // The shift of the origin is a separate part, even if no blank precedes it.
            if c == '(' && !written.is_empty() && !written.ends_with(' ') {
                written.push(' ');
            }
            written.push(match c {
                '"' => '=',
                '\'' => '^',
                _ if is_lattice => c.to_ascii_uppercase(),
                _ => c.to_ascii_lowercase(),
            });
        }
    }
    written
}

/// Whether a Hall symbol is close enough to the grammar to be passed to `moyo`, which panics on others.
fn is_readable(symbol: &str) -> bool {
    let (symbols, shift) = match symbol.split_once('(') {
        Some((symbols, shift)) => (symbols, Some(shift)),
        None => (symbol, None),
    };
    let shift_is_readable = shift.is_none_or(|shift| {
        shift.strip_suffix(')').is_some_and(|shift| {
            shift.split(' ').count() == 3 && shift.split(' ').all(|part| part.parse::<i8>().is_ok())
        })
    });
    let shift_stands_alone = shift.is_none() || symbols.ends_with(' ');
    let mut parts = symbols.split_whitespace();
    let lattice_is_readable = parts.next().is_some_and(|lattice| {
        matches!(lattice.strip_prefix('-').unwrap_or(lattice), "P" | "A" | "B" | "C" | "I" | "R" | "F")
    });
    let rotations: Vec<&str> = parts.collect();
    shift_is_readable
        && shift_stands_alone
        && lattice_is_readable
        && (1..=4).contains(&rotations.len())
        && rotations.iter().all(|rotation| {
            let rest = rotation.strip_prefix('-').unwrap_or(rotation);
            let Some(rest) = rest.strip_prefix(['1', '2', '3', '4', '6']) else { return false };
            let rest = rest.strip_prefix(['^', '=']).unwrap_or(rest);
            let rest = rest.strip_prefix(['x', 'y', 'z', '*']).unwrap_or(rest);
            rest.chars().all(|c| "abcnuvwd12345".contains(c))
        })
}

/// Returns the operations of the space group with a Hall symbol (International Tables B, 1.4), including centring
/// translations.
///
/// A symbol in the tables is recognised in any spelling (`-P2ybc`, `-p_2ybc`). The operations of any other are the
/// products of the generators that it names. Returns `None` if the text is not a Hall symbol.
pub fn operations_of_hall_symbol(symbol: &str) -> Option<Arc<[SymmetryOperation]>> {
    let symbol = hall_in_moyo_form(symbol);
    if let Some(&number) = SYMBOLS.by_hall.get(&symbol) {
        return operations_of_setting(number);
    }
    if is_readable(&symbol) {
        return expand_hall_symbol(&symbol);
    }
    SYMBOLS.by_hall.get(&normalised(&symbol)).and_then(|&number| operations_of_setting(number))
}

/// Returns the operations of the space group with a Hermann-Mauguin symbol, including centring translations.
///
/// The symbol may be short or full, with or without blanks, have a setting after a colon (`R -3 m:H`, `F d -3 m:2`)
/// or as its last letter (`R -3 m H`, `F d -3 m Z`), have the glide letters used before 1992 (`C m c a`), or lack
/// bars (`F m 3 m`). If several settings share the symbol, the first one that fits the metric tensor is used: the
/// cell angles decide between rhombohedral and hexagonal axes, and the second origin choice comes before the first.
/// Returns `None` if no space group has the symbol.
pub fn operations_of_hermann_mauguin_symbol(
    symbol: &str,
    metric: &Metric,
) -> Option<Arc<[SymmetryOperation]>> {
    let settings = settings_of_hermann_mauguin_symbol(symbol);
    settings.iter().find(|operations| fits_cell(operations, metric)).or(settings.first()).cloned()
}

/// Returns the operations of every setting that a Hermann-Mauguin symbol may denote, the preferred one first; none if no
/// space group has the symbol. See [`operations_of_hermann_mauguin_symbol`].
pub fn settings_of_hermann_mauguin_symbol(symbol: &str) -> Vec<Arc<[SymmetryOperation]>> {
    // FINDSYM writes the origin in words: `P 4/n 21/m 2/m (origin choice 2)`.
    let (name, setting) = match symbol.split_once("(origin choice ") {
        Some((name, rest)) => (name, rest.trim_end().trim_end_matches(')')),
        None => symbol.split_once(':').unwrap_or((symbol, "")),
    };
    let (name, setting) = (normalised(name), normalised(setting));
    if setting.is_empty() {
        if let Some(operations) = centred_triclinic(&name) {
            return vec![operations];
        }
        if let Some(numbers) = SYMBOLS.by_hermann_mauguin.get(&name) {
            return numbers.iter().filter_map(|number| operations_of_setting(*number)).collect();
        }
        if let Some((_, hall)) = MULTIPLE_CELLS.iter().find(|(symbol, _)| *symbol == name) {
            return expand_hall_symbol(hall).into_iter().collect();
        }
        // In the Inorganic Crystal Structure Database the letters S and Z denote the first and second origin choice.
        let (name, setting) = match name.char_indices().next_back() {
            // Rhombohedral axes are written RS, and hexagonal ones HR.
            Some((at, 's')) if name.starts_with('r') && name[..at].ends_with('r') => (&name[..at - 1], "r"),
            Some((at, 's')) => (&name[..at], "1"),
            Some((at, 'z')) => (&name[..at], "2"),
            Some((at, 'h')) => (&name[..at], "h"),
            Some((at, 'r')) => (name[..at].strip_suffix('h').unwrap_or(&name[..at]), "r"),
            _ => return Vec::new(),
        };
        return with_setting(name, setting);
    }
    with_setting(&name, &setting)
}

fn with_setting(name: &str, setting: &str) -> Vec<Arc<[SymmetryOperation]>> {
    let numbers = SYMBOLS.by_hermann_mauguin.get(name).map(Vec::as_slice).unwrap_or_default();
    let is_meant = |number: &usize| {
        entry(*number).is_some_and(|entry| {
            let known = entry.setting.to_ascii_lowercase();
            known == setting
                || (setting.len() == 1 && known.starts_with(['1', '2']) && known.starts_with(setting))
        })
    };
    numbers.iter().copied().filter(is_meant).filter_map(operations_of_setting).collect()
}

/// Returns the operations of a triclinic space group in a centred cell, such as `A 1` or `C -1`. The tables leave
/// these cells out.
fn centred_triclinic(name: &str) -> Option<Arc<[SymmetryOperation]>> {
    let centring = name.chars().next().filter(|c| "abcif".contains(*c))?.to_ascii_uppercase();
    match &name[1..] {
        "1" => expand_hall_symbol(&format!("{centring} 1")),
        "-1" => expand_hall_symbol(&format!("-{centring} 1")),
        _ => None,
    }
}

/// Returns the operations of every setting of a space-group type, 1..=230, that fits the metric tensor. The result is
/// empty for other numbers.
///
/// The standard setting comes first: unique axis b with cell choice 1, hexagonal axes, and the second origin choice.
/// It is the only one if no setting fits. `code` restricts the settings to one code of
/// `_space_group_IT_coordinate_system_code` (`b1`, `h`, `2`, `cab`). A code that no setting of the type has is
/// ignored.
pub fn settings_of_number(number: u32, code: Option<&str>, metric: &Metric) -> Vec<Arc<[SymmetryOperation]>> {
    let Some(number) = i32::try_from(number).ok().filter(|_| (1..=LAST_NUMBER).contains(&number)) else {
        return Vec::new();
    };
    let standard = Setting::Standard.hall_number(number).and_then(|standard| usize::try_from(standard).ok());
    let others = (1..=SETTINGS).filter(|&setting| Some(setting) != standard);
    let all = standard.into_iter().chain(others);
    let mut settings: Vec<(HallSymbolEntry, usize)> = all
        .filter_map(|setting| Some((entry(setting)?, setting)))
        .filter(|(entry, _)| entry.number == number)
        .collect();
    let has_code =
        |entry: &HallSymbolEntry| code.is_some_and(|code| entry.setting.eq_ignore_ascii_case(code));
    if settings.iter().any(|(entry, _)| has_code(entry)) {
        settings.retain(|(entry, _)| has_code(entry));
    }
    let operations: Vec<_> =
        settings.into_iter().filter_map(|(_, setting)| operations_of_setting(setting)).collect();
    let fitting: Vec<_> =
        operations.iter().filter(|operations| fits_cell(operations, metric)).cloned().collect();
    if fitting.is_empty() { operations.into_iter().take(1).collect() } else { fitting }
}

/// Returns the operations of the standard setting of a space-group type, 1..=230: unique axis b with cell choice 1,
/// hexagonal axes (rhombohedral axes if only these fit the metric tensor), and the second origin choice. Returns
/// `None` for other numbers.
pub fn operations_of_number(number: u32, metric: &Metric) -> Option<Arc<[SymmetryOperation]>> {
    settings_of_number(number, None, metric).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symmetry::group_of;

    const CUBE: Metric = [[25.0, 0.0, 0.0], [0.0, 25.0, 0.0], [0.0, 0.0, 25.0]];
    const HEXAGONAL: Metric = [[25.0, -12.5, 0.0], [-12.5, 25.0, 0.0], [0.0, 0.0, 64.0]];
    const RHOMBOHEDRAL: Metric = [[25.0, 9.0, 9.0], [9.0, 25.0, 9.0], [9.0, 9.0, 25.0]];
    const MONOCLINIC_B: Metric = [[25.0, 0.0, -7.0], [0.0, 36.0, 0.0], [-7.0, 0.0, 49.0]];
    const MONOCLINIC_C: Metric = [[25.0, -7.0, 0.0], [-7.0, 36.0, 0.0], [0.0, 0.0, 49.0]];

    fn same(first: &Arc<[SymmetryOperation]>, second: &Arc<[SymmetryOperation]>) -> bool {
        first.len() == second.len() && first.iter().all(|operation| second.contains(operation))
    }

    #[test]
    fn a_shift_of_the_origin_needs_no_blank_before_it() {
        let apart = operations_of_hall_symbol("-P 2ybc (0 0 4)").expect("a Hall symbol");
        let joined = operations_of_hall_symbol("-P 2ybc(0 0 4)").expect("the same one");
        assert!(same(&apart, &joined));
        assert!(operations_of_hall_symbol("(0 0 4)").is_none());
        assert!(operations_of_hall_symbol("-P 2ybc((0 0 4)").is_none());
    }

    fn of(symbol: &str, metric: &Metric) -> Arc<[SymmetryOperation]> {
        operations_of_hermann_mauguin_symbol(symbol, metric).expect(symbol)
    }

    fn hall(symbol: &str) -> Arc<[SymmetryOperation]> {
        operations_of_hall_symbol(symbol).expect(symbol)
    }

    #[test]
    fn every_setting_is_a_group_under_its_symbols() {
        for number in 1..=SETTINGS {
            let entry = entry(number).expect("an entry");
            let operations = operations_of_setting(number).expect("operations");
            assert!(group_of(&operations).is_some(), "{}", entry.hall_symbol);
            assert!(same(&operations, &hall(entry.hall_symbol)), "{}", entry.hall_symbol);
            // What the operations leave unchanged, so that other settings of the same symbol do not fit.
            let mut metric = [[0.0; 3]; 3];
            let general = [[25.0, 1.0, 2.0], [1.0, 36.0, 3.0], [2.0, 3.0, 49.0]];
            for operation in operations.iter() {
                let rotation = operation.rotation.map(|row| row.map(f64::from));
                for (i, row) in metric.iter_mut().enumerate() {
                    for (j, value) in row.iter_mut().enumerate() {
                        *value += (0..9)
                            .map(|kl| rotation[kl / 3][i] * general[kl / 3][kl % 3] * rotation[kl % 3][j])
                            .sum::<f64>()
                            / operations.len() as f64;
                    }
                }
            }
            let symbol = format!("{}:{}", entry.hm_full, entry.setting);
            let symbol = symbol.strip_suffix(':').unwrap_or(&symbol);
            assert!(same(&operations, &of(symbol, &metric)), "{symbol}");
            let found = operations_of_number(entry.number as u32, &metric).expect("a number");
            assert_eq!(found.len() % operations.len().min(found.len()), 0, "{symbol}");
        }
    }

    #[test]
    fn one_group_under_many_symbols() {
        for (symbols, hall_symbol, metric) in [
            ("P1;P 1;p 1;P_1", "P 1", CUBE),
            ("P-1;P -1;p -1", "-P 1", CUBE),
            ("P 1 21/c 1;P 21/c;P21/c;P2_1/c;P 2(1)/c;P121/c1", "-P 2ybc", MONOCLINIC_B),
            ("P 21/n;P2(1)/n;P 1 21/n 1", "-P 2yn", MONOCLINIC_B),
            ("P 21/n;P 1 1 21/n", "-P 2n", MONOCLINIC_C),
            ("C 2/c;C 1 2/c 1;C2/c:b1", "-C 2yc", MONOCLINIC_B),
            ("I 2/a;I 1 2/a 1", "-I 2ya", MONOCLINIC_B),
            ("P b c a;Pbca;PBCA", "-P 2ac 2ab", CUBE),
            ("C m c e;C m c a;Cmca", "-C 2ac 2", CUBE),
            ("P 42/m n m;P4_2/mnm;P 42/m 21/n 2/m", "-P 4n 2n", CUBE),
            ("F m -3 m;Fm-3m;Fm3m;F m 3 m;F 4/m -3 2/m", "-F 4 2 3", CUBE),
            ("F d -3 m;Fd-3m:2;F d -3 m Z;F d 3 m", "-F 4vw 2vw 3", CUBE),
            ("F d -3 m:1;Fd-3mS", "F 4d 2 3 -1d", CUBE),
            ("P 4/n m m;P 4/n m m:2;P4/nmm Z", "-P 4a 2a", CUBE),
            ("R -3 m;R -3 m:H;R-3mH;H -3 m;R -3 2/m", "-R 3 2=", HEXAGONAL),
            ("R -3 m;R -3 m:R;R-3mR;R -3 m HR;R -3 m RS", "-P 3* 2", RHOMBOHEDRAL),
            ("P 21/m 21/m 2/n (origin choice 2);P m m n:2", "-P 2ab 2a", CUBE),
            ("P m m n (origin choice 1);P m m n:1", "P 2 2ab -1ab", CUBE),
            ("R -3 m:H", "-R 3 2=", RHOMBOHEDRAL),
            ("P 3 1 2;P312", "P 3 2", HEXAGONAL),
            ("P 31 2 1;P3121", "P 31 2=", HEXAGONAL),
            ("P 63/m m c;P63/mmc", "-P 6c 2c", HEXAGONAL),
            ("A -1", "-A 1", CUBE),
            ("I 1 21 1", "I 2yb", MONOCLINIC_B),
        ] {
            for symbol in symbols.split(';') {
                assert!(same(&of(symbol, &metric), &hall(hall_symbol)), "{symbol}");
            }
        }
    }

    #[test]
    fn settings_that_a_symbol_leaves_open() {
        for (symbol, halls) in [
            ("F d -3 m", ["-F 4vw 2vw 3", "F 4d 2 3 -1d"].as_slice()),
            ("F d -3 m:2", &["-F 4vw 2vw 3"]),
            ("F d -3 m S", &["F 4d 2 3 -1d"]),
            ("R -3 m", &["-R 3 2=", "-P 3* 2"]),
            ("P 1 21/c 1", &["-P 2ybc"]),
            ("C -1", &["-C 1"]),
            ("B 1 1 2", &["B 2"]),
            ("P 7", &[]),
        ] {
            let settings = settings_of_hermann_mauguin_symbol(symbol);
            assert_eq!(settings.len(), halls.len(), "{symbol}");
            for (setting, symbol_of_hall) in settings.iter().zip(halls) {
                assert!(same(setting, &hall(symbol_of_hall)), "{symbol} {symbol_of_hall}");
            }
        }
    }

    #[test]
    fn hall_symbols_in_many_spellings() {
        for (symbols, expected) in [
            ("-P 2ybc; -P 2ybc;-P_2ybc;-p 2ybc;-P2ybc;-P2YBC", "-P 2ybc"),
            ("-R 3 2\";-R 3 2=;-R_3_2\"", "-R 3 2="),
            ("P 31 2c (0 0 1);P 31 2c ( 0 0 1 )", "P 31 2 (0 0 4)"),
            ("F 4d 2 3 -1d;F 4d 2 3 -1cd", "F 4d 2 3 -1d"),
        ] {
            for symbol in symbols.split(';') {
                let operations = operations_of_hall_symbol(symbol).expect(symbol);
                assert_eq!(operations.len(), hall(expected).len(), "{symbol}");
            }
        }
        // With blanks they mean what they say: a threefold and a twofold axis, not a screw axis.
        assert_eq!((hall("P 3 2").len(), hall("P 32").len()), (6, 3));
    }

    #[test]
    fn what_names_no_group() {
        for symbol in ["", ":", ":1", "X 4 b m", "P 7", "Pnmaa", "P 1:2", "é", "H", "S", "Fd-3m:3"] {
            assert!(operations_of_hermann_mauguin_symbol(symbol, &CUBE).is_none(), "{symbol}");
        }
        for symbol in
            ["", "-", "(", "P", "P 2 2 2 2 2", "P 6 4", "P 2q", "P 2 (0 0)", "P 2 (0 0 x)", "Q 2", "é", "P é"]
        {
            assert!(operations_of_hall_symbol(symbol).is_none(), "{symbol}");
        }
        assert!(operations_of_number(0, &CUBE).is_none() && operations_of_number(231, &CUBE).is_none());
    }

    proptest::proptest! {
        #[test]
        fn any_hall_symbol_is_answered(symbol in "-?[PABCIRFH ]{0,2}( -?[123460][\"'=^*xyz]?[abcnuvwd12345]{0,2}){0,4}( \\([-0-9 ]{0,8}\\))?") {
            if let Some(operations) = operations_of_hall_symbol(&symbol) {
                proptest::prop_assert!(group_of(&operations).is_some());
            }
        }

        #[test]
        fn any_text_is_answered(symbol in "\\PC{0,12}") {
            let _ = operations_of_hall_symbol(&symbol);
            let _ = operations_of_hermann_mauguin_symbol(&symbol, &CUBE);
        }
    }
}
