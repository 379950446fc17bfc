//! The files of an evaluation together, and the page in a browser.

mod browser;
mod png;

use std::path::Path;

use super::*;
use crate::report::example::{evaluation, jarvis, jdft2d, outcome};

/// Names and contents of the files that an evaluation becomes.
fn written(evaluation: &Evaluation) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = write(folder.path(), evaluation).expect("it can be reported");
    let name =
        |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    files.iter().map(|path| (name(path), std::fs::read(path).expect("it is there"))).collect()
}

fn names(files: &[(String, Vec<u8>)]) -> Vec<&str> {
    files.iter().map(|file| file.0.as_str()).collect()
}

fn page_of(evaluation: &Evaluation) -> String {
    let files = written(evaluation);
    let page = files.into_iter().find(|file| file.0 == PAGE).expect("it is written");
    String::from_utf8(page.1).expect("it is text")
}

#[test]
fn each_kind_of_task_has_its_files() {
    let plain = evaluation(vec![outcome("a", 1.0, 1.5, &["O"])]);
    assert_eq!(names(&written(&plain)), ["evaluation.json", "predictions.csv", "report.html"]);
    assert_eq!(
        names(&written(&jarvis())),
        [
            "evaluation.json",
            "predictions.csv",
            "AI-SinglePropertyPrediction-mbj_bandgap-dft_3d-test-mae.csv.zip",
            "report.html"
        ]
    );
    assert_eq!(
        names(&written(&jdft2d())),
        ["evaluation.json", "predictions.csv", "info.json", "results.json.gz", "report.html"]
    );
}

#[test]
fn the_same_evaluation_gives_the_same_bytes() {
    for evaluation in [jdft2d(), jarvis()] {
        assert_eq!(written(&evaluation), written(&evaluation));
    }
}

#[test]
fn an_incomplete_matbench_task_is_reported_without_its_record() {
    let mut evaluation = jdft2d();
    evaluation.folds.truncate(2);
    assert!(!names(&written(&evaluation)).contains(&"results.json.gz"));
    let page = page_of(&evaluation);
    assert!(
        page.contains("it takes fold-0 to fold-4 of matbench_jdft2d, evaluated: fold-0, fold-1"),
        "{page}"
    );
}

#[test]
fn nothing_is_written_of_a_refused_evaluation() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let refused = evaluation(vec![outcome("a", 1.0, f64::INFINITY, &["O"])]);
    assert!(write(folder.path(), &refused).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).expect("it is a folder").count(), 0);
    let missing = folder.path().join("none");
    let good = evaluation(vec![outcome("a", 1.0, 2.0, &["O"])]);
    let error = write(&missing, &good).expect_err("there is no such folder").to_string();
    assert!(error.starts_with("cannot write ") && error.contains("evaluation.json"), "{error}");
}

#[test]
fn results_are_not_written_over_files_of_others() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let leaderboard = Jarvis { property: "mbj_bandgap".to_owned() };
    let own = || require_own(folder.path(), Some(&leaderboard));
    require_own(&folder.path().join("none"), Some(&leaderboard)).expect("nothing is there");
    std::fs::write(folder.path().join("notes.txt"), "of others").expect("writable");
    write(folder.path(), &jdft2d()).expect("it can be reported");
    let good =
        Evaluation { jarvis: Some(leaderboard.clone()), ..evaluation(vec![outcome("a", 1.0, 2.0, &["O"])]) };
    write(folder.path(), &good).expect("it can be reported");
    own().expect("all of an evaluation");
    // One of ours does not vouch for the others.
    let archive = leaderboard.archive();
    let names = [json::FILE, table::FILE, PAGE, matbench::INFO, matbench::RESULTS, &archive];
    for name in names {
        let path = folder.path().join(name);
        let ours = std::fs::read(&path).expect(name);
        std::fs::remove_file(&path).expect("it is there");
        own().expect("the others are known without it");
        for foreign in
            ["material_id,formula,property,unit,prediction,deviation\n", "{}", "PK\x03\x04", "\x1f"]
        {
            std::fs::write(&path, foreign).expect("writable");
            let error = own().expect_err("it is of others").to_string();
            assert!(error.contains(name), "{error}");
        }
        std::fs::write(&path, ours).expect("writable");
    }
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = page_of(&jdft2d());
    for reference in ["http:", "https:", "src=", "href=", "url(", "@import", "<link"] {
        assert!(!page.contains(reference), "{reference}");
    }
}

#[test]
fn the_page_names_scores_and_crystals() {
    let evaluation = jdft2d();
    let page = page_of(&evaluation);
    let record = EvaluationRecord::new(&evaluation).expect("there are crystals");
    assert!(
        page.contains(&format!("{:.2} ± {:.2}", record.mean.mae, record.std.mae.expect("of five"))),
        "{:?}",
        record.mean
    );
    for fold in 0..5 {
        assert!(page.contains(&format!("<td>fold-{fold}</td>")), "{fold}");
    }
    for (_, outcome) in evaluation.worst(WORST) {
        assert!(page.contains(&format!("<td>{}</td>", outcome.material_id)), "{}", outcome.material_id);
    }
    assert!(page.contains("<tr class=\"bad\">"), "an element is highlighted");
    let interval = record.mae_interval.expect("there are enough crystals");
    assert!(page.contains(&format!("<b>{:.2} to {:.2}</b>", interval.low, interval.high)), "{interval:?}");
    for section in ["Errors against", "Error by element", "Crystals in space", "Learning curves"] {
        assert!(page.contains(&format!("<h2>{section}</h2>")), "{section}");
    }
    let largest = evaluation.worst(1)[0].1.error().abs();
    assert!(page.contains(&format!("<td>all are within</td><td>{largest:.2}</td>")), "{largest}");
    assert!(page.contains("<td>regime</td><td>matbench</td>"));
}

#[test]
fn one_split_has_no_spread() {
    let page = page_of(&jarvis());
    assert!(!page.contains('±'), "{page}");
    assert!(page.contains("the one seed 123"), "{page}");
}

#[test]
fn names_are_escaped() {
    let mut odd = evaluation(vec![outcome("<id>&\"", 1.0, 1.5, &["<O>"])]);
    odd.task = "<task>".to_owned();
    odd.settings = vec![("<name>".to_owned(), "<value>".to_owned())];
    odd.unit = "<unit>".to_owned();
    let page = page_of(&odd);
    for raw in ["<id>", "<O>", "<task>", "<name>", "<value>", "<unit>"] {
        assert!(!page.contains(raw), "{raw}");
    }
}

#[test]
fn the_page_is_drawn_by_a_browser() {
    let Some(browser) = browser::find() else {
        println!("skipped: no chromium");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), &jdft2d()).expect("it can be reported");
    let picture = browser.photograph(&folder.path().join(PAGE));
    assert_eq!((picture.width, picture.height), (1200, 2000));
    let colours = picture.colours();
    assert!(colours.len() > 100, "{} colours", colours.len());
    // The legend's dots have the colours of the style sheet.
    for fold in
        [[0x00, 0x72, 0xb2], [0xd5, 0x5e, 0x00], [0x00, 0x9e, 0x73], [0xb8, 0x57, 0x9a], [0xc9, 0x8a, 0x00]]
    {
        assert!(colours.get(&fold).is_some_and(|&pixels| pixels >= 20), "{fold:?}");
    }
}
