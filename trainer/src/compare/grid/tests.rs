use super::*;

/// A grid with one of everything.
const GRID: &str = r#"
tasks = ["gap"]
starts = ["fresh", "mmpt"]
fractions = [0.5, 1.0]

[settings]
run.epochs = 3
"data.batch_crystals" = 4

[task.gap]
shards = ["store"]

[pretrain.mmpt]
shards = ["store"]

[start.fresh]
label = "without"

[start.mmpt]
pretrain = "mmpt"

[[published]]
model = "other"
source = "a paper"
start = "mmpt"
mae = { gap = 0.5 }

[[table]]
name = "models"
title = "Models"
fractions = [1.0]

[[figure]]
name = "models"
title = "Models"
kind = "bars"
"#;

fn parse(text: &str) -> Result<Grid, String> {
    Grid::parse(text, Path::new("grid.toml")).map_err(|error| error.to_string())
}

#[test]
fn a_grid_is_read_with_its_defaults() {
    let grid = parse(GRID).expect("it is one");
    assert_eq!((grid.seeds.as_slice(), grid.fractions.as_slice()), (&[123][..], &[0.5, 1.0][..]));
    assert_eq!(assignments(&grid.settings), ["data.batch_crystals=4", "run.epochs=3"]);
    assert_eq!((grid.label("fresh"), grid.label("mmpt")), ("without", "mmpt"));
    assert_eq!((grid.published[0].fraction, grid.task["gap"].fraction), (1.0, 1.0));
    assert_eq!(grid.figure[0].kind, FigureKind::Bars);
}

#[test]
fn nested_and_dotted_settings_are_the_same() {
    let of = |text: &str| assignments(&toml::from_str(text).expect("TOML"));
    let expected = ["loss.atom.weight=2.5", "optimiser.kind=\"adam\""];
    assert_eq!(of("loss.atom.weight = 2.5\noptimiser.kind = \"adam\""), expected);
    assert_eq!(of("[loss]\natom = { weight = 2.5 }\n[optimiser]\nkind = \"adam\""), expected);
    assert_eq!(of("\"loss.atom.weight\" = 2.5\n\"optimiser.kind\" = \"adam\""), expected);
}

#[test]
fn unknown_keys_are_refused_with_line_and_column() {
    let error = parse(&GRID.replace("label =", "lable =")).expect_err("no such key");
    assert!(error.starts_with("grid.toml:17:1: not a valid grid: unknown field `lable`"), "{error}");
    let error = parse("tasks = [").expect_err("no TOML");
    assert!(error.starts_with("grid.toml:1:10: not a valid grid: "), "{error}");
    let error = parse(&GRID.replace("\"bars\"", "\"pie\"")).expect_err("no such kind");
    assert!(error.starts_with("grid.toml:36:8: not a valid grid: unknown variant `pie`"), "{error}");
}

#[test]
fn values_that_do_not_fit_are_refused_with_their_key() {
    let cases = [
        ("[\"fresh\", \"mmpt\"]", "[\"fresh\", \"mmtp\"]", "starts = 'mmtp': must be one of: fresh, mmpt"),
        ("[\"fresh\", \"mmpt\"]", "[]", "starts = '[]': must be a list with at least one value"),
        ("[\"fresh\", \"mmpt\"]", "[\"mmpt\", \"mmpt\"]", "starts = 'mmpt': must be there once"),
        ("tasks = [\"gap\"]", "tasks = [\"gaps\"]", "tasks = 'gaps': must be one of: gap"),
        ("[0.5, 1.0]", "[0.0, 1.0]", "fractions = '0': must be above 0 and at most 1"),
        ("[0.5, 1.0]", "[0.5, nan]", "fractions = 'NaN': must be above 0 and at most 1"),
        ("[0.5, 1.0]", "[0.5, 0.5]", "fractions = '0.5': must be there once"),
        (
            "[task.gap]",
            "[task.gap]\nfraction = 1.5",
            "task.gap.fraction = '1.5': must be above 0 and at most 1",
        ),
        (
            "[task.gap]",
            "[task.gap]\nfraction = 5e-324",
            "task.gap.fraction = '0': must be above 0 and at most 1",
        ),
        ("pretrain = \"mmpt\"", "pretrain = \"x\"", "start.mmpt.pretrain = 'x': must be one of: mmpt"),
        (
            "pretrain = \"mmpt\"",
            "pretrain = \"mmpt\"\nweights = \"w\"",
            "start.mmpt.pretrain = 'mmpt': must be left",
        ),
        ("[start.fresh]", "[start.median]", "start = 'median': must be another name"),
        ("[start.fresh]", "[start.\"a/b\"]", "start = 'a/b': must be letters, digits"),
        ("start = \"mmpt\"", "start = \"x\"", "published.other.start = 'x': must be one of: fresh, mmpt"),
        ("{ gap = 0.5 }", "{ gap = -0.5 }", "published.other.mae.gap = '-0.5': must be a number"),
        ("{ gap = 0.5 }", "{ gaps = 0.5 }", "published.other.mae = 'gaps': must be one of: gap"),
        (
            "name = \"models\"\ntitle = \"Models\"\nf",
            "name = \"../x\"\ntitle = \"\"\nf",
            "table.name = '../x': must be",
        ),
        ("fractions = [1.0]", "fractions = [0.7]", "table.models.fractions = '0.7': must be one of: 0.5, 1"),
        ("fractions = [1.0]", "starts = [\"x\"]", "table.models.starts = 'x': must be one of: fresh, mmpt"),
        (
            "\"bars\"",
            "\"bars\"\nfractions = [0.5, 1.0]",
            "figure.models.fractions = '[0.5, 1.0]': must be a single",
        ),
    ];
    for (from, to, message) in cases {
        let text = GRID.replacen(from, to, 1);
        assert_ne!(text, GRID, "{from}");
        let error = parse(&text).expect_err(message);
        let (place, rest) = error.split_once(": ").expect("a place");
        assert!(place.starts_with("grid.toml") && rest.starts_with(message), "{error}\n{message}");
    }
}

#[test]
fn two_published_numbers_cannot_stand_in_one_place() {
    let second = "[[published]]\nmodel = \"again\"\nsource = \"\"\nstart = \"mmpt\"\nmae = { gap = 0.4 }\n";
    let error = parse(&format!("{GRID}{second}")).expect_err("one is enough");
    assert!(error.contains("published.again.start = 'mmpt': must be another row: other"), "{error}");
    let free = second.replace("start = \"mmpt\"\n", "");
    parse(&format!("{GRID}{free}")).expect("a row of its own");
    let share = second.replace("source", "fraction = 0.5\nsource");
    parse(&format!("{GRID}{share}")).expect("another share");
    let close = second.replace("source", "fraction = 0.9999999999999999\nsource");
    let error = parse(&format!("{GRID}{close}")).expect_err("the same share but for rounding");
    assert!(error.contains("published.again.start = 'mmpt': must be another row: other"), "{error}");
}
