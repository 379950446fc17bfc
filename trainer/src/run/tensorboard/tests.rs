use super::*;
use crate::run::metrics::Cost;
use crate::run::seconds::HostSeconds;

fn losses(loss: f64) -> Losses {
    Losses::from([(TOTAL.to_owned(), loss), ("L_A".to_owned(), loss / 2.0)])
}

fn cost() -> Cost {
    Cost { seconds: 0.5, crystals_per_second: 128.0, ..Cost::default() }
}

fn step(step: u64) -> Record {
    Record::Step(StepRecord {
        step,
        epoch: 1,
        crystals: 64,
        losses: losses(step as f64),
        learning_rate: 1e-3,
        gradient_norm: 2.5,
        cost: cost(),
        host_seconds: HostSeconds::default(),
        uploaded_bytes: 0,
        gpu_busy: None,
    })
}

fn epoch(step: u64) -> Record {
    let (train, validation) = (losses(0.5), Some(Losses::from([(TOTAL.to_owned(), 0.75)])));
    Record::Epoch(EpochRecord { step, epoch: 1, crystals: 640, train, validation, best: true, cost: cost() })
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes a file of records behind those that are there.
fn written(folder: &Path, after: u64, records: &[Record]) -> PathBuf {
    let mut events = EventFile::create(folder, after, "eV").expect("it is writable");
    records.iter().for_each(|record| events.append(record).expect("it is writable"));
    events.path
}

fn events(path: &Path) -> Vec<Event> {
    let bytes = std::fs::read(path).expect("it is there");
    let messages = frame::messages(&bytes).expect("the checksums are right");
    messages.into_iter().map(|message| Event::decode(message).expect("a message")).collect()
}

/// Points of all curves: step, name and value.
fn points(events: &[Event]) -> Vec<(i64, String, f32)> {
    let mut points = Vec::new();
    for event in events {
        if let Some(Content::Summary(summary)) = &event.content {
            let of_event = summary.values.iter();
            points.extend(of_event.map(|it| (event.step, it.tag.clone(), it.value.expect("a number"))));
        }
    }
    points
}

#[test]
fn records_are_curves() {
    let folder = folder();
    let path = written(&folder.path().join("a/b"), 0, &[step(1), step(2), epoch(2)]);
    assert_eq!(path, folder.path().join("a/b/events.out.tfevents.0000000000.mmpt"));
    let events = events(&path);
    assert_eq!(events[0].content, Some(Content::version()));
    assert!(events.iter().all(|event| event.wall_time > 1.7e9));
    let expected = [
        (1, "step/L_A", 0.5),
        (1, "step/loss", 1.0),
        (1, "optimiser/learning_rate", 1e-3),
        (1, "optimiser/gradient_norm", 2.5),
        (1, "speed/step_crystals_per_second", 128.0),
        (2, "step/L_A", 1.0),
        (2, "step/loss", 2.0),
        (2, "optimiser/learning_rate", 1e-3),
        (2, "optimiser/gradient_norm", 2.5),
        (2, "speed/step_crystals_per_second", 128.0),
        (2, "train/L_A", 0.25),
        (2, "train/loss", 0.5),
        (2, "validation/loss", 0.75),
        (2, "speed/epoch_crystals_per_second", 128.0),
    ];
    assert_eq!(points(&events), expected.map(|(step, tag, value)| (step, tag.to_owned(), value)));
}

#[test]
fn a_curve_is_described_once_with_its_unit() {
    let folder = folder();
    let path = written(folder.path(), 0, &[step(1), step(2)]);
    let mut described = Vec::new();
    for event in events(&path) {
        let Some(Content::Summary(summary)) = event.content else { continue };
        for value in summary.values {
            described.extend(value.metadata.map(|metadata| (value.tag, metadata.description)));
        }
    }
    let expected = [
        ("step/L_A", ""),
        ("step/loss", "in eV"),
        ("optimiser/learning_rate", ""),
        ("optimiser/gradient_norm", ""),
        ("speed/step_crystals_per_second", "crystals per second"),
    ];
    assert_eq!(described, expected.map(|(tag, text)| (tag.to_owned(), text.to_owned())));
}

#[test]
fn a_resumed_run_drops_what_came_after_its_checkpoint() {
    let folder = folder();
    written(folder.path(), 0, &[step(1), step(2), step(3)]);
    let second = written(folder.path(), 1, &[step(2), step(3), step(4)]);
    assert_eq!(second.file_name(), Some(OsStr::new("events.out.tfevents.0000000001.mmpt")));
    let events = events(&second);
    assert_eq!((events[1].step, &events[1].content), (2, &Some(Content::start())));
    assert_eq!(points(&events)[0].0, 2);
}

#[test]
fn a_new_run_gets_a_folder_of_its_own() {
    let folder = folder();
    let runs = folder.path().join("gaps");
    for existing in [Existing::Refuse, Existing::Overwrite, Existing::Resume] {
        require_free(&runs, existing).expect("nothing is there");
    }
    let member = runs.join("fold-0/seed-1");
    let path = written(&member, 0, &[]);
    let foreign = ["events.out.tfevents.1700000000.host.123.0", "events.out.tfevents.12.mmpt", "notes.txt"];
    for name in foreign {
        std::fs::write(member.join(name), "mine").expect("it is writable");
    }
    let error = require_free(&runs, Existing::Refuse).expect_err("another run").to_string();
    assert!(error.ends_with("gaps holds the event files of another run"), "{error}");
    require_free(&runs, Existing::Resume).expect("they are its own");
    clear(&runs).expect("they can be removed");
    assert!(!path.exists() && foreign.iter().all(|name| member.join(name).exists()));
    require_free(&runs, Existing::Refuse).expect("they are gone");
}

#[test]
fn runs_have_the_names_of_their_folders() {
    let tensorboard = Path::new("boards");
    for (run, name) in [("runs/a", "a"), ("runs/b/", "b"), ("./c", "c")] {
        assert_eq!(folder_of(tensorboard, Path::new(run)), tensorboard.join(name));
    }
    let here = std::env::current_dir().expect("it is somewhere");
    assert_eq!(folder_of(tensorboard, Path::new(".")).file_name(), here.file_name());
}
