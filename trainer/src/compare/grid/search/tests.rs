use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Search, String> {
    let section: Table = toml::from_str(text).expect("TOML");
    Search::parse(&section).map_err(|Fault { key, value, needed }| format!("{key} = {value}: {needed}"))
}

/// Names of the candidates.
fn names(text: &str, seed: u64) -> Vec<String> {
    let candidates = parse(text).expect("a search").candidates(seed).expect("not too many");
    candidates.iter().map(Candidate::name).collect()
}

#[test]
fn every_combination_is_a_candidate() {
    let text = "optimiser.learning_rate = [1e-4, 3e-4]\n[model.mmpt]\nhidden = { from = 16, to = 64, values = 3, scale = \"log\" }";
    let expected = [
        "hidden=16,learning_rate=1e-4",
        "hidden=16,learning_rate=3e-4",
        "hidden=32,learning_rate=1e-4",
        "hidden=32,learning_rate=3e-4",
        "hidden=64,learning_rate=1e-4",
        "hidden=64,learning_rate=3e-4",
    ];
    assert_eq!(names(text, 1), expected);
    let candidates = parse(text).expect("a search").candidates(1).expect("six");
    assert_eq!(candidates[1].assignments, ["model.mmpt.hidden=16", "optimiser.learning_rate=0.0003"]);
    assert_eq!(candidates[1].label(), "hidden=16, learning_rate=3e-4");
}

#[test]
fn names_can_be_guessed_and_are_names_of_files() {
    let text =
        "a.rate = [1e-3, 0.5, 12.0]\nb.rate = [true]\nc.kind = [\"adam w/x\"]\nc.widths = [[64, 32], [8]]";
    let expected = "a.rate=1e-3,b.rate=true,kind=adam_w_x,widths=64-32";
    let names = names(text, 1);
    assert_eq!((names.len(), names[0].as_str()), (6, expected));
    assert!(names[5].starts_with("a.rate=12,"), "{names:?}");
}

#[test]
fn ranges_have_both_ends_and_four_digits() {
    let numbers = |text: &str| names(text, 1).join(" ");
    assert_eq!(
        numbers("x = { from = 1e-4, to = 1e-3, scale = \"log\", values = 3 }"),
        "x=1e-4 x=3.162e-4 x=1e-3"
    );
    assert_eq!(numbers("x = { from = 0.0, to = 1.0, values = 4 }"), "x=0 x=0.3333 x=0.6667 x=1");
    assert_eq!(numbers("x = { from = -2, to = 2, values = 3 }"), "x=-2 x=0 x=2");
}

#[test]
fn what_cannot_be_searched_is_refused_with_its_key() {
    for (text, message) in [
        ("x = []", "x = []: a list with at least one value"),
        ("x = [1, 2, 1]", "x = 1: there once"),
        ("x = [0.1, 1e-1]", "x = 0.1: there once"),
        ("x = 3", "x = 3: a list, or a range"),
        ("x = [{ y = 1 }]", "x = { y = 1 }: a list of values"),
        ("x = [1]\nrandom = 0", "random = 0: a whole number from 1 to 10000"),
        ("x = [1]\nrandom = \"all\"", "random = \"all\": a whole number"),
        ("random = 2", " = {}: lists or ranges of settings"),
        ("\"a.x\" = [1]\na = { x = [2] }", "a.x = a.x: there once"),
        ("a.x = { from = 2.0, to = 1.0, values = 3 }", "a.x.from = 2.0: less than `to`, 1.0"),
        ("x = { from = 1.0, to = 1.0, values = 3 }", "x.from = 1.0: less than `to`"),
        ("x = { from = 0.0, to = 1.0, scale = \"log\", values = 3 }", "x.from = 0.0: above 0 on the scale"),
        ("x = { from = nan, to = 1.0, values = 3 }", "x.from = nan: a finite number"),
        ("x = { from = 0.0, to = \"1\", values = 3 }", "x.to = \"1\": a finite number"),
        ("x = { from = 0.0, values = 3 }", "x = { from = 0.0, values = 3 }: a range with `to`"),
        ("x = { from = 1.0, to = 2.0 }", "x = { from = 1.0, to = 2.0 }: a range with `values`"),
        ("x = { from = 1.0, to = 2.0, values = 1 }", "x.values = 1: a whole number from 2"),
        ("x = { from = 1, to = 3, values = 9 }", "x.values = 9: few enough for values that differ"),
        ("x = { from = 1.0, to = 2.0, step = 3 }", "x.step = 3: left out: a range has the keys from, to"),
        ("x = { from = 1.0, to = 2.0, scale = \"sqrt\" }", "x.scale = \"sqrt\": \"linear\" or \"log\""),
    ] {
        let error = parse(text).expect_err(message);
        assert!(error.starts_with(message), "{text}: {error}");
    }
}

#[test]
fn more_candidates_than_there_are_or_may_be_are_refused() {
    let refused = |text: &str| {
        let Fault { key, value, needed } =
            parse(text).expect("a search").candidates(1).expect_err("the wrong number");
        format!("{key} = {value}: {needed}")
    };
    assert_eq!(
        refused("x = [1, 2]\ny = [1, 2]\nrandom = 5"),
        "random = 5: at most 4, the number of combinations"
    );
    assert!(refused("x = { from = 1, to = 3 }\nrandom = 4").contains("at most 3"));
    let close = "x = { from = 1.0, to = 1.001 }\nrandom = 9";
    assert!(refused(close).starts_with("random = 9: about 2 at most"), "{}", refused(close));
    let many = "x = { from = 1, to = 200, values = 200 }\ny = { from = 1, to = 200, values = 200 }";
    assert!(refused(many).starts_with(" = 40000 combinations: of at most 10000"), "{}", refused(many));
    let long = format!("x = [{:?}]", "x".repeat(LONGEST_NAME));
    assert!(refused(&long).contains("of fewer settings"), "{}", refused(&long));
}

#[test]
fn no_setting_has_the_name_of_a_ranges_key() {
    let settings = crate::config::Config::default().settings();
    for word in settings.iter().flat_map(|(key, _)| key.split('.')) {
        assert!(!range::KEYS.contains(&word) && word != RANDOM, "{word}");
    }
}

const DRAWN: &str = "a = [1, 2, 3, 4]\nb = { from = 1e-5, to = 1e-1, scale = \"log\" }\n\
                     c = { from = 2, to = 9 }\nd = { from = 0.5, to = 0.9, values = 5 }\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn draws_are_different_repeatable_and_within_their_ranges(count in 1..60_usize, seed: u64) {
        let text = format!("{DRAWN}random = {count}");
        let drawn = names(&text, seed);
        prop_assert_eq!(&drawn, &names(&text, seed));
        let different: BTreeSet<&String> = drawn.iter().collect();
        prop_assert_eq!((drawn.len(), different.len()), (count, count));
        // More draws begin with the same.
        let more = names(&format!("{DRAWN}random = {}", count + 7), seed);
        prop_assert_eq!(&more[..count], &drawn[..]);
        for candidate in parse(&text).expect("a search").candidates(seed).expect("enough") {
            let value = |index: usize| -> f64 {
                let (_, value) = candidate.assignments[index].split_once('=').expect("an assignment");
                value.parse().expect("a number")
            };
            prop_assert!([1.0, 2.0, 3.0, 4.0].contains(&value(0)));
            prop_assert!((1e-5..=1e-1).contains(&value(1)));
            prop_assert!((2.0..=9.0).contains(&value(2)) && value(2).fract() == 0.0);
            prop_assert!([0.5, 0.6, 0.7, 0.8, 0.9].contains(&value(3)));
        }
    }

    #[test]
    fn combinations_are_the_product_of_the_lists(sizes in prop::collection::vec(1..5_usize, 1..5)) {
        let line = |(index, size): (usize, &usize)| format!("k{index} = {:?}\n", (0..*size).collect::<Vec<_>>());
        let text: String = sizes.iter().enumerate().map(line).collect();
        let names = names(&text, 0);
        let different: BTreeSet<&String> = names.iter().collect();
        prop_assert_eq!((names.len(), different.len()), (sizes.iter().product(), names.len()));
    }
}
