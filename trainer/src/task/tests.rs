use std::collections::{BTreeMap, BTreeSet};

use schemas::property::by_column;

use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tasks");

const SMALLEST: &str = r#"name = "mine"
description = "Something."
store = "A store."
property = "band_gap_ev"
unit = "eV"
transform = "none"
metric = "mae"
group = "other"

[split]
rule = "hash"
validation_fraction = 0.1
test_fraction = 0.2
"#;

fn built_in() -> Vec<Task> {
    Task::names().into_iter().map(|name| Task::load(name).expect("a built-in task is valid")).collect()
}

/// The message with which a text is refused.
fn refused(text: &str) -> String {
    Task::parse(text, Path::new("mine.toml")).expect_err("it is no task").to_string()
}

#[test]
fn every_file_is_built_in_under_its_name() {
    let files = std::fs::read_dir(FOLDER).expect("the folder of tasks");
    let stems: BTreeSet<String> = files
        .map(|file| file.expect("it is readable").file_name().to_string_lossy().into_owned())
        .map(|name| name.strip_suffix(".toml").expect("only TOML files").to_owned())
        .collect();
    let names = Task::names();
    assert!(stems.iter().eq(names.iter()), "{stems:?} and {names:?}");
    assert!(built_in().iter().map(|task| &task.name).eq(&names));
}

#[test]
fn a_task_is_read_back_unchanged() {
    for task in built_in().into_iter().chain(Task::parse(SMALLEST, Path::new("mine.toml"))) {
        let text = task.to_toml();
        // A run does not record what others have reached.
        let expected = Task { literature: BTreeMap::new(), ..task };
        assert_eq!(Task::parse(&text, Path::new("again.toml")).expect("a task"), expected, "{text}");
    }
}

#[test]
fn a_built_in_task_fits_the_contract_of_stores() {
    for task in built_in() {
        if task.classes().is_empty() {
            let property = by_column(&task.property).expect("a documented column");
            assert_eq!(property.unit, task.unit, "{}", task.name);
        }
        let sized = task.crystals.is_some() || task.expected.is_some();
        let follows_store = matches!(&task.split, SplitRule::Column { column } if column != "split");
        assert!(sized != follows_store, "{} says how many crystals it has, unless the store does", task.name);
    }
}

#[test]
fn tasks_of_earlier_versions_are_understood_or_refused() {
    let earlier = SMALLEST.replace("group = ", "regime = ");
    let task = Task::parse(SMALLEST, Path::new("mine.toml")).expect("a task");
    assert_eq!(Task::parse(&earlier, Path::new("mine.toml")).expect("a task"), task);
    assert_eq!(
        refused(&earlier.replace("regime = ", "regime = \"other\"\ngroup = ")),
        "mine.toml:8:1: not a valid task: regime is the earlier name of group: give one of them"
    );
    let without = SMALLEST.replace("group = \"other\"\n", "");
    assert_eq!(Task::parse(&without, Path::new("mine.toml")).expect("a task"), task);
    let earlier = format!("{earlier}\n[settings]\n\"optimiser.clip_norm\" = \"1.0\"\n");
    let message = refused(&earlier);
    assert!(message.starts_with("mine.toml:15:2: not a valid task: [settings] is no part"), "{message}");
    assert!(message.contains("configuration file"), "{message}");
    assert_eq!(recorded(toml::Deserializer::parse(&earlier).expect("TOML")).expect("a record"), task);
}

#[test]
fn the_paper_s_tasks_state_its_sizes() {
    let sizes = |name: &str| {
        let task = Task::load(name).expect("it is built in");
        task.published.or(task.expected).map(|counts| [counts.train, counts.validation, counts.test])
    };
    assert_eq!(sizes("mp_shear"), Some([4664, 393, 393]));
    assert_eq!(sizes("mp_bulk"), Some([4664, 393, 393]));
    assert_eq!(sizes("jarvis_mbj_gap"), Some([14537, 1817, 1817]));
    assert_eq!(sizes("jarvis_ehull"), Some([44296, 5537, 5537]));
    assert_eq!(sizes("mp_gap"), Some([60000, 5000, 4239]));
    let crystals = |name: &str| Task::load(name).expect("it is built in").crystals;
    assert_eq!(crystals("matbench_jdft2d"), Some(636));
    assert_eq!(crystals("matbench_dielectric"), Some(4764));
    assert_eq!(crystals("matbench_log_kvrh"), Some(10987));
}

#[test]
fn the_target_has_the_unit_of_the_transformed_column() {
    let unit = |name: &str| Task::load(name).expect("it is built in").target_unit();
    assert_eq!(unit("mp_shear"), "log10(GPa)");
    assert_eq!(unit("matbench_log_kvrh"), "log10(GPa)");
    assert_eq!(unit("matbench_jdft2d"), "meV/atom");
}

#[test]
fn a_file_is_a_task_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, SMALLEST).expect("a writable folder");
    let task = Task::load(&path.display().to_string()).expect("a task");
    assert_eq!(task.name, "mine");
    assert_eq!(task.split, SplitRule::Hash { validation_fraction: 0.1, test_fraction: 0.2 });
    let absent = folder.path().join("absent.toml");
    assert!(matches!(Task::load(&absent.display().to_string()), Err(TaskError::Read { .. })));
    assert!(matches!(Task::load(&folder.path().display().to_string()), Err(TaskError::Read { .. })));
}

#[test]
fn an_unknown_name_lists_those_there_are() {
    let message = |name: &str| Task::load(name).expect_err("there is none").to_string();
    let near = message("matbench_jdft2");
    assert!(
        near.starts_with("there is no task 'matbench_jdft2' (did you mean 'matbench_jdft2d'?); there are ")
    );
    assert!(near.ends_with("textbook_band_gap, and files ending in .toml"), "{near}");
    assert!(message("zzz").starts_with("there is no task 'zzz'; there are jarvis_bulk, "));
}

#[test]
fn a_fault_of_the_file_is_told_with_its_place() {
    assert_eq!(
        refused(&SMALLEST.replace("\"mae\"", "\"rmse\"")),
        "mine.toml:7:10: not a valid task: unknown variant `rmse`, expected one of `mae`, `roc_auc`, `balanced_accuracy`"
    );
    for group in ["3", "{ other = 1, matbench = 2 }"] {
        assert_eq!(
            refused(&SMALLEST.replace("group = \"other\"", &format!("group = {group}"))),
            "mine.toml:8:9: not a valid task: must be one of its words, in quotation marks"
        );
    }
    assert!(
        refused(&format!("seed = 1\n{SMALLEST}"))
            .starts_with("mine.toml:1:1: not a valid task: unknown field `seed`")
    );
    assert!(refused(&SMALLEST.replace("unit = \"eV\"\n", "")).ends_with("missing field `unit`"));
    assert!(refused(&format!("{SMALLEST}column = \"split\"\n")).contains("unknown field `column`"));
    assert!(refused("name = ").starts_with("mine.toml:1:8: not a valid task: "));
}

#[test]
fn a_unit_that_is_not_the_column_s_is_refused() {
    assert_eq!(
        refused(&SMALLEST.replace("\"eV\"", "\"meV\"")),
        "mine.toml:5:1: unit = 'meV': the column band_gap_ev is in 'eV' (unit is the column's, before the transform)"
    );
    let of = |property: &str, unit: &str| {
        SMALLEST.replace("band_gap_ev", property).replace("unit = \"eV\"", &format!("unit = \"{unit}\""))
    };
    for (property, unit) in [
        ("bulk_modulus_vrh_gpa", "log10(GPa)"),
        ("log10_bulk_modulus_vrh_gpa", "GPa"),
        ("refractive_index", ""),
        ("energy_above_hull_ev_per_atom", "eV"),
    ] {
        let message = refused(&of(property, unit));
        assert!(message.contains(&format!("'{unit}'")) && message.contains(property), "{message}");
    }
    for (property, unit) in
        [("density_g_per_cm3", "g/cm3"), ("magnetic_moment_bohr", "μB"), ("anything_else", "furlong")]
    {
        assert!(Task::parse(&of(property, unit), Path::new("mine.toml")).is_ok(), "{unit}");
    }
}

#[test]
fn a_value_that_cannot_be_used_is_told_with_its_key() {
    assert_eq!(
        refused(&SMALLEST.replace("\"mine\"", "\"../mine\"")),
        "mine.toml:1:1: name = '../mine': must be lower-case letters, digits and underscores"
    );
    assert_eq!(
        refused(&SMALLEST.replace("0.1", "1.0")),
        "mine.toml:12:1: split.validation_fraction = '1': must be above 0 and below 1"
    );
    for test_fraction in ["0.0", "0.9", "-0.1", "nan"] {
        let message = refused(&SMALLEST.replace("0.2", test_fraction));
        assert!(message.contains("split.test_fraction = "), "{message}");
    }
    let folds = SMALLEST.replace("hash", "folds").replace("test_fraction = 0.2\n", "");
    let sized = format!("{folds}\n[expected]\ntrain = 1\nvalidation = 1\ntest = 1\n");
    assert!(Task::parse(&folds, Path::new("mine.toml")).is_ok());
    assert!(refused(&sized).starts_with("mine.toml:14:2: expected = '[expected]': must be left out"));
}

#[test]
fn a_task_of_sites_is_about_one_plain_number() {
    let text = SMALLEST.replace("group =", "per_site = true\ngroup =").replace("band_gap_ev", "site_charge");
    let task = Task::parse(&text.replace("\"eV\"", "\"e\""), Path::new("mine.toml")).expect("a task");
    assert!(task.per_site && task.to_toml().contains("per_site = true"));
    assert!(!Task::parse(SMALLEST, Path::new("mine.toml")).expect("a task").to_toml().contains("per_site"));
    for (from, to, needed) in [
        ("\"none\"", "\"log10\"", "false with a transform"),
        (
            "group =",
            "leaderboard = \"gap\"\ngroup =",
            "false with leaderboard, whose benchmarks are of crystals",
        ),
        (
            "[split]",
            "[[further]]\nproperty = \"gap\"\nunit = \"1\"\n\n[split]",
            "false with further properties",
        ),
    ] {
        let message = refused(&text.replace(from, to));
        assert!(message.ends_with(&format!("per_site = 'true': must be {needed}")), "{message}");
    }
}

#[test]
fn folds_are_two_to_a_hundred() {
    let drawn = |folds: &str| {
        let before = SMALLEST.split("rule =").next().expect("a beginning");
        format!("{before}rule = \"drawn\"\nseed = 1\nvalidation_fraction = 0.1\nfolds = {folds}\n")
    };
    for folds in ["2", "100"] {
        Task::parse(&drawn(folds), Path::new("mine.toml")).expect("a task");
    }
    for folds in ["0", "1", "101", "9223372036854775807"] {
        let message = refused(&drawn(folds));
        let expected = format!("mine.toml:14:1: split.folds = '{folds}': must be 2 to 100");
        assert_eq!(message, expected);
    }
}

#[test]
fn bounds_and_transforms_are_told_as_they_are_written() {
    let further: String =
        (0..100).map(|n| format!("[[further]]\nproperty = \"p{n}\"\nunit = \"\"\n\n")).collect();
    let message = refused(&SMALLEST.replace("[split]", &format!("{further}[split]")));
    assert!(message.ends_with("further = '100 properties': must be 99 properties at most"), "{message}");
    let of_classes = |classes: &str| {
        let text = SMALLEST.replace("\"mae\"", "\"roc_auc\"").replace("\"eV\"", "\"1\"");
        let text = text.replace("band_gap_ev", "kind");
        format!("{text}\n[classification]\nclasses = {classes}\n")
    };
    Task::parse(&of_classes("[\"a\", \"b\"]"), Path::new("mine.toml")).expect("a task");
    let message = refused(&of_classes("[\"a\"]"));
    assert!(message.ends_with(": must be 2 to 100 different names"), "{message}");
    let message = refused(&of_classes("[\"a\", \"b\"]").replace("\"none\"", "\"log10\""));
    assert!(message.contains("transform = 'log10': must be \"none\""), "{message}");
}

#[test]
fn every_property_has_a_folder_of_its_own() {
    let task = |names: [&str; 3]| {
        let mut task = Task::parse(SMALLEST, Path::new("mine.toml")).expect("a task");
        names[0].clone_into(&mut task.property);
        task.further = names[1..]
            .iter()
            .map(|&name| TargetColumn {
                property: name.to_owned(),
                unit: String::new(),
                transform: Transform::None,
            })
            .collect();
        task
    };
    assert_eq!(task(["band_gap_ev", "e (eV)", "µ"]).folders(), ["band_gap_ev", "e__eV_", "µ"]);
    assert_eq!(task(["a b", "a-b", "c"]).folders(), ["a_b_0", "a_b_1", "c_2"]);
}
