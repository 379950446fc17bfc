use proptest::prelude::*;

use super::*;
use crate::math::determinant;

fn read(text: &str) -> Result<Structure, PoscarError> {
    let mut structure = Structure::default();
    PoscarReader::new().read(text.as_bytes(), &mut structure).map(|()| structure)
}

const ROCKSALT: &str =
    "Na Cl\n1.0\n0 2.8 2.8\n2.8 0 2.8\n2.8 2.8 0\nNa Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n";

#[test]
fn symbols_come_from_their_line() {
    let structure = read(ROCKSALT).expect("a crystal");
    assert_eq!(structure.atomic_numbers, [11, 17]);
    assert_eq!(structure.fractional, [[0.0; 3], [0.5; 3]]);
    assert_eq!(read(&ROCKSALT.replace('\n', "\r\n")), Ok(structure.clone()));
    assert_eq!(read(ROCKSALT.trim_end()), Ok(structure.clone()));
    assert_eq!(read(&ROCKSALT.replace("\nNa Cl\n", "\nNa_pv Cl/4f2\n")), Ok(structure));
}

#[test]
fn what_a_scale_takes_beyond_every_number_is_refused() {
    assert_eq!(read(&ROCKSALT.replace("1.0", "1e308")), Err(PoscarError::Overflow));
    let far =
        ROCKSALT.replace("Direct", "Cartesian").replace("1.0", "1e10").replace("0.5 0.5 0.5", "1e300 0 0");
    assert_eq!(read(&far), Err(PoscarError::Overflow));
}

#[test]
fn a_message_quotes_no_more_than_the_start_of_a_value() {
    let error = read(&ROCKSALT.replace("1.0", &"x".repeat(1 << 20))).expect_err("no scale");
    assert!(error.to_string().len() < 200);
}

#[test]
fn vasp_4_symbols_come_from_positions_or_the_comment() {
    let old = ROCKSALT.replace("\nNa Cl\n1 1", "\n1 1");
    assert_eq!(read(&old).map(|structure| structure.atomic_numbers), Ok(vec![11, 17]));
    let named = old.replace("Na Cl", "rock salt").replace("0 0 0\n", "0 0 0 K\n").replace("0.5\n", "0.5 F\n");
    assert_eq!(read(&named).map(|structure| structure.atomic_numbers), Ok(vec![19, 9]));
    assert_eq!(read(&old.replace("Na Cl", "rock salt")), Err(PoscarError::NoSymbols));
    assert_eq!(read(&old.replace("Na Cl", "Na")), Err(PoscarError::NoSymbols));
}

#[test]
fn flags_are_never_symbols() {
    let old = ROCKSALT.replace("\nNa Cl\n1 1", "\n1 1");
    let numbers = |text: &str| read(text).map(|structure| structure.atomic_numbers);
    for head in ["Direct", "Selective dynamics\nDirect"] {
        for flags in ["T T T", "F F F", "t f T", ".TRUE. .FALSE. T"] {
            let flagged = |comment: &str, [first, second]: [&str; 2]| {
                let behind = |at: &str, symbol: &str| format!("{at} {flags} {symbol}\n");
                old.replace("Na Cl", comment)
                    .replace("Direct", head)
                    .replace("0 0 0\n", &behind("0 0 0", first))
                    .replace("0.5 0.5 0.5\n", &behind("0.5 0.5 0.5", second))
            };
            assert_eq!(numbers(&flagged("Na Cl", ["", ""])), Ok(vec![11, 17]), "{head} {flags}");
            assert_eq!(numbers(&flagged("a slab", ["", ""])), Err(PoscarError::NoSymbols));
            assert_eq!(numbers(&flagged("a slab", ["F", "Li+"])), Ok(vec![9, 3]));
            assert_eq!(numbers(&flagged("a slab", ["T", "Li"])), Err(PoscarError::NoSymbols));
        }
    }
    // Under selective dynamics a single flag is one, without it fluorine.
    let single = old.replace("Na Cl", "a slab").replace("0 0 0\n", "0 0 0 F\n").replace("5\n", "5 F\n");
    assert_eq!(numbers(&single), Ok(vec![9, 9]));
    let selective = single.replace("Direct", "Selective dynamics\nDirect");
    assert_eq!(numbers(&selective), Err(PoscarError::NoSymbols));
    let before = selective.replace("0 0 0 F", "0 0 0 X T T T").replace("5 F", "5 Na T T T");
    assert_eq!(numbers(&before), Err(PoscarError::NoSymbols));
}

#[test]
fn who_was_named_by_the_comment_is_told() {
    let old = ROCKSALT.replace("\nNa Cl\n1 1", "\n1 1");
    let mut reader = PoscarReader::new();
    for (text, expected) in [(old.as_str(), true), (ROCKSALT, false)] {
        reader.read(text.as_bytes(), &mut Structure::default()).expect("a crystal");
        assert_eq!(reader.is_named_by_comment(), expected);
    }
}

#[test]
fn symbols_may_be_ions_behind_a_mark_and_on_several_lines() {
    let plain = read(ROCKSALT);
    assert_eq!(read(&format!("\u{feff}{ROCKSALT}")), plain);
    assert_eq!(read(&ROCKSALT.replace("\nNa Cl\n", "\nNa+ Cl-\n")), plain);
    assert_eq!(read(&ROCKSALT.replace("\nNa Cl\n", "\nNa\n  Cl\n")), plain);
    assert_eq!(read(&ROCKSALT.replace("\n1 1\n", "\n1\n  1\n")), plain);
    assert_eq!(read(&ROCKSALT.replace("\nNa Cl\n1 1\n", "\n1\n1\n")), plain, "by the comment");
    let ions = ROCKSALT.replace("\nNa Cl\n1 1", "\n1 1").replace("Na Cl", "Mg3 Sb2");
    let ions = ions.replace("0 0 0\n", "0 0 0 Mg2+\n").replace("5\n", "5 Sb3-\n");
    assert_eq!(read(&ions).map(|structure| structure.atomic_numbers), Ok(vec![12, 51]));
    let group =
        |item: &str| vec![item; 22].chunks(20).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n");
    let positions: String = (0..22).map(|at| format!("{} 0 0\n", f64::from(at) / 22.0)).collect();
    let many = format!("m\n1\n50 0 0\n0 4 0\n0 0 4\n{}\n{}\nDirect\n{positions}", group("Fe"), group("1"));
    assert_eq!(read(&many).map(|structure| structure.atomic_numbers), Ok(vec![26; 22]));
}

#[test]
fn the_scale_is_a_factor_three_factors_or_a_volume() {
    let lattice = |scale: &str| read(&ROCKSALT.replace("1.0", scale)).map(|structure| structure.lattice);
    assert_eq!(lattice("2.0").map(|lattice| lattice[0]), Ok([0.0, 5.6, 5.6]));
    assert_eq!(lattice("1 2 3").map(|lattice| lattice[0]), Ok([0.0, 5.6, 2.8 * 3.0]));
    let volume = lattice("-100.0").map(|lattice| determinant(&lattice).abs()).expect("a crystal");
    assert!((volume - 100.0).abs() < 1e-9, "{volume}");
    for scale in ["0", "x", "", "1 2", "nan", "1 -1 1"] {
        assert!(matches!(lattice(scale), Err(PoscarError::BadScale { line: 2, .. })), "{scale}");
    }
}

#[test]
fn cartesian_positions_are_scaled() {
    let text = ROCKSALT.replace("Direct", "Selective dynamics\nCartesian").replace("1.0", "2.0");
    let text = text.replace("0 0 0\n", "0 0 0 T T F\n").replace("0.5 0.5 0.5", "2.8 2.8 2.8 T T T");
    let structure = read(&text).expect("a crystal");
    for value in structure.fractional[1] {
        assert!((value - 0.5).abs() < 1e-15, "{value}");
    }
    assert_eq!(structure.atomic_numbers, [11, 17]);
}

#[test]
fn coordinates_are_named_by_a_first_letter_or_an_empty_line() {
    let plain = read(ROCKSALT);
    for mode in ["direct", "D", "Fractional", "Reciprocal", "", "  ", "Direct configuration=     1"] {
        assert_eq!(read(&ROCKSALT.replace("Direct", mode)), plain, "{mode:?}");
    }
    for (reason, modes) in [
        ("poscar_bad_mode", &["Angstrom", "(Cartesian)", "?"][..]),
        ("poscar_too_short", &["0 0 0", "0.25 .5 -1", "-0.5 0 0", ".5 0 0", "1"]),
    ] {
        for mode in modes {
            let error = read(&ROCKSALT.replace("Direct", mode)).expect_err(mode);
            assert_eq!((error.reason_code(), error.line()), (reason, Some(8)), "{mode:?}");
        }
    }
    // Without the line, a velocity would become an atom.
    let without = format!("{}0.1 0 0\n", ROCKSALT.replace("Direct\n", ""));
    assert_eq!(read(&without).map_err(|error| error.reason_code()), Err("poscar_too_short"));
    let selective = ROCKSALT.replace("Direct", "Selective dynamics");
    assert_eq!(read(&selective).map_err(|error| error.line()), Err(Some(9)));
}

#[test]
fn velocities_densities_and_comments_may_follow_the_positions() {
    let plain = read(ROCKSALT);
    for rest in [
        "\n",
        "\n0.001 0 0\n0.001 0 0\n",
        "Cartesian\n0.001 0 0\n0.001 0 0\n\n1\n0.5\n0 0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n",
        "Lattice velocities and vectors\n 1\n 1 1 1\n 1 1 1\n 1 1 1\n5 0 0\n0 5 0\n0 0 5\n\n0 0 0\n",
        "\n  2 2 2\n 0.1 0.2 0.3 0.4 0.5\n 0.6 0.7 0.8\naugmentation occupancies 1 4\n 0.1 0.2 0.3 0.4\n",
        "# made by hand\n1 2\n",
    ] {
        assert_eq!(read(&format!("{ROCKSALT}{rest}")), plain, "{rest:?}");
    }
}

#[test]
fn another_position_or_structure_is_refused() {
    for (rest, reason, line) in [
        ("0.25 0.25 0.25\n".to_owned(), "poscar_count_mismatch", 11),
        ("0 0 0 F F F".to_owned(), "poscar_count_mismatch", 11),
        (ROCKSALT.to_owned(), "several_structures", 11),
        (format!("\n{ROCKSALT}"), "several_structures", 12),
        (ROCKSALT.replace("\nNa Cl\n1 1", "\n1 1"), "several_structures", 11),
        ("Direct configuration=     2\n0 0 0\n0.5 0.5 0.5\n".to_owned(), "several_structures", 11),
    ] {
        let error = read(&format!("{ROCKSALT}{rest}")).expect_err("more than one structure");
        assert_eq!((error.reason_code(), error.line()), (reason, Some(line)), "{rest:?}");
    }
    let fewer = ROCKSALT.replace("\n1 1\n", "\n1 0\n");
    let error = read(&fewer).expect_err("a position too many").to_string();
    assert_eq!(error, "line 10: one more position than the 1 that the counts say");
}

#[test]
fn lines_may_end_with_a_carriage_return_but_letters_are_not_wide() {
    assert_eq!(read(&ROCKSALT.replace('\n', "\r")), read(ROCKSALT));
    let wide: Vec<u8> = ROCKSALT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for text in [wide.clone(), [&b"\xff\xfe"[..], &wide[..]].concat()] {
        let error = PoscarReader::new().read(&text, &mut Structure::default());
        assert_eq!(error, Err(PoscarError::Encoding));
    }
}

#[test]
fn symbols_that_contradict_their_line_are_told() {
    let mut reader = PoscarReader::new();
    let mut remark = |text: &str| {
        let mut structure = Structure::default();
        reader.read(text.as_bytes(), &mut structure).expect("a crystal");
        assert_eq!(structure.atomic_numbers, [11, 17]);
        reader.contradiction(&structure)
    };
    let behind = |first: &str, second: &str| {
        let text = ROCKSALT.replace("0 0 0\n", &format!("0 0 0 {first}\n"));
        text.replace("0.5\n", &format!("0.5 {second}\n"))
    };
    let message = "Cl stands behind position 1, which is Na by the line of symbols: that line counts";
    assert_eq!(remark(&behind("Cl", "Na")).as_deref(), Some(message));
    for text in [behind("Na", "Cl"), behind("Na+", "Cl-"), behind("Cl", ""), behind("T T T", "F F F")] {
        assert_eq!(remark(&text), None, "{text}");
    }
}

#[test]
fn one_symbol_may_come_twice() {
    let text = ROCKSALT.replace("\nNa Cl\n1 1", "\nNa Cl Na\n1 0 1");
    assert_eq!(read(&text).map(|structure| structure.atomic_numbers), Ok(vec![11, 11]));
}

#[test]
fn faults_name_their_lines() {
    let fault = |from: &str, to: &str| {
        assert!(ROCKSALT.contains(from), "{from}");
        read(&ROCKSALT.replacen(from, to, 1)).map_err(|error| (error.reason_code(), error.line()))
    };
    assert_eq!(fault("0 2.8 2.8", "0 2.8"), Err(("poscar_bad_number", Some(3))));
    assert_eq!(fault("0 2.8 2.8", "0 2.8 inf"), Err(("poscar_bad_number", Some(3))));
    assert_eq!(fault("\nNa Cl\n", "\nNa Cx\n"), Err(("unknown_element", Some(6))));
    assert_eq!(fault("\n1 1\n", "\n1\n"), Err(("poscar_count_mismatch", Some(7))));
    assert_eq!(fault("\n1 1\n", "\n1 -1\n"), Err(("poscar_bad_number", Some(7))));
    assert_eq!(fault("\n1 1\n", "\n1 2\n"), Err(("poscar_too_short", Some(11))));
    assert_eq!(fault("\n1 1\n", "\n1 18446744073709551615\n"), Err(("poscar_too_short", Some(11))));
    assert_eq!(fault("\n1 1\n", "\n0 0\n"), Err(("no_sites", None)));
    assert_eq!(read(""), Err(PoscarError::TooShort { line: 1, missing: "the comment" }));
}

proptest! {
    #[test]
    fn any_text_ends_without_panic(text in "[NaClTFS0-9 .+\\-\n]{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn any_damage_ends_without_panic(at in 0..ROCKSALT.len(), byte in any::<u8>()) {
        let mut text = ROCKSALT.as_bytes().to_vec();
        text[at] = byte;
        let _ = PoscarReader::new().read(&text, &mut Structure::default());
    }
}
