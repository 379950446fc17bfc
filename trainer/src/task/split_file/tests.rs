use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::task::{Counts, SplitRule, Task};

const CSV: &str = "note,material_id,split\n,a,train\n\"x, y\",b,val\n,c,test\n,d,\n,e,validation\n";
const JSON: &str = r#"{"train": {"a": 1.5}, "val": {"b": "0.1", "e": null}, "test": {"c": 0}}"#;
const JSON_LISTS: &str = r#"{"test": ["c"], "train": ["a"], "valid": ["b", "e"]}"#;

fn written(name: &str, content: &[u8]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("a writable folder");
    (folder, path)
}

fn read(name: &str, content: &[u8]) -> Result<SplitFile, SplitFileError> {
    let (_folder, path) = written(name, content);
    SplitFile::read(&path)
}

/// The message of a refusal, without the folder of the file and the column of the fault.
fn refused(name: &str, content: &[u8]) -> String {
    let (folder, path) = written(name, content);
    let message = SplitFile::read(&path).expect_err("it cannot be read").to_string();
    let message = message.replace(&format!("{}/", folder.path().display()), "");
    let places: Vec<&str> = message.splitn(4, ':').collect();
    match places[..] {
        // Where in the line an error is noticed is the parser's affair.
        [file, line, column, rest] if column.parse::<usize>().is_ok() => format!("{file}:{line}:{rest}"),
        _ => message,
    }
}

fn archive(members: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, SimpleFileOptions::default()).expect("memory is writable");
        writer.write_all(content.as_bytes()).expect("memory is writable");
    }
    writer.finish().expect("memory is writable").into_inner()
}

#[test]
fn every_layout_gives_the_same_list() {
    let list = read("a.csv", CSV.as_bytes()).expect("a list");
    let parts: Vec<_> = list.parts().iter().map(|(id, part)| (id.as_str(), part.as_str())).collect();
    assert_eq!(parts, [("a", "train"), ("b", "val"), ("c", "test"), ("e", "val")]);
    assert!(list.in_several_parts().is_empty());
    let marked = format!("\u{feff}{}", CSV.replace('\n', "\r\n"));
    let unpacked = [("b.csv", marked.as_str()), ("a.json", JSON), ("A.JSON", JSON_LISTS)];
    for (name, content) in unpacked {
        assert_eq!(read(name, content.as_bytes()).expect("a list"), list, "{name}");
        let members = [("__MACOSX/._a.json", "?"), ("folder/readme.txt", "?"), (name, content)];
        assert_eq!(read("a.zip", &archive(&members)).expect("a list"), list, "{name} packed");
    }
}

#[test]
fn a_crystal_in_several_parts_stays_out_of_training() {
    for text in [
        r#"{"train": ["a", "b"], "val": ["b"], "test": ["a"]}"#,
        r#"{"test": ["a"], "val": ["b"], "train": ["a", "b"]}"#,
    ] {
        let list = read("a.json", text.as_bytes()).expect("a list");
        assert_eq!(list.parts().get("a"), Some(&SplitPart::Test));
        assert_eq!(list.parts().get("b"), Some(&SplitPart::Val));
        assert!(list.in_several_parts().iter().eq(["a", "b"]));
    }
}

#[test]
fn a_fault_is_told_with_its_line() {
    let cases = [
        ("a.csv", "id,split\n", "a.csv:1: the header has no column 'material_id'"),
        ("a.csv", "material_id,part\n", "a.csv:1: the header has no column 'split'"),
        (
            "a.csv",
            "material_id,split\na,train\nb,dev\n",
            "a.csv:3: 'dev' is no part: there are train, val (or valid or validation) and test",
        ),
        ("a.csv", "material_id,split\na,train\n\nb\n", "a.csv:4: the row ends before the column 'split'"),
        ("a.csv", "material_id,split\na,val\na,val\n", "a.csv:3: 'a' stands twice in the part 'val'"),
        ("a.csv", "material_id,split\n ,val\n", "a.csv:2: an identifier is empty"),
        ("a.csv", "material_id,split\na,\n", "a.csv: lists no crystal"),
        ("a.csv", "", "a.csv:1: the header has no column 'material_id'"),
        ("a.json", "{}", "a.json: lists no crystal"),
        ("a.json", "{\"train\": [\"a\",\n \"a\"]}", "a.json:2: 'a' stands twice in the part 'train'"),
        ("a.json", "{\"train\": {\"a\": 1,\n \"a\": 2}}", "a.json:2: 'a' stands twice in the part 'train'"),
        (
            "a.json",
            "{\"fold\": []}",
            "a.json:1: 'fold' is no part: there are train, val (or valid or validation) and test",
        ),
        (
            "a.json",
            "{\"train\": 3}",
            "a.json:1: invalid type: integer `3`, expected an object of identifiers with values, or a \
             list of identifiers",
        ),
        ("a.json", "{\"train\": [\"a\"", "a.json:1: EOF while parsing a list"),
        ("a.json", "{\"train\": [\"a\"]} x", "a.json:1: trailing characters"),
        ("a.txt", CSV, "the split file a.txt must end in .csv, .json or .zip"),
    ];
    for (name, content, message) in cases {
        assert_eq!(refused(name, content.as_bytes()), message, "{content}");
    }
    let message = refused("a.csv", b"material_id,split\n\xff,val\n");
    assert_eq!(message, "a.csv: line 2 is not UTF-8: save the text as UTF-8");
    assert_eq!(refused("a.csv", b"m\0a\0"), "a.csv: the text is UTF-16: save it as UTF-8");
    assert!(matches!(SplitFile::read(Path::new("absent.csv")), Err(SplitFileError::Io { .. })));
}

#[test]
fn an_archive_holds_one_list() {
    let two = archive(&[("a.json", JSON), ("b.csv", CSV)]);
    assert_eq!(refused("a.zip", &two), "a.zip: an archive of 2 .json and .csv files instead of one");
    let none = archive(&[("a.txt", CSV)]);
    assert_eq!(refused("a.zip", &none), "a.zip: an archive of 0 .json and .csv files instead of one");
    assert!(refused("a.zip", b"PK").starts_with("a.zip: not a readable zip archive: "));
    let whole = archive(&[("a.json", JSON)]);
    for length in 0..whole.len() {
        assert!(read("a.zip", &whole[..length]).is_err(), "cut after {length} bytes");
    }
}

#[test]
fn more_bytes_than_allowed_are_refused() {
    let path = Path::new("a.csv");
    assert_eq!(read_bounded(&b"123"[..], 3, path).expect("not too many"), b"123");
    let error = read_bounded(std::io::repeat(b' '), 3, path).expect_err("too many");
    assert_eq!(error.to_string(), "the split file a.csv has more than 3 bytes");
}

/// Sizes of the parts of a list.
fn counts(list: &SplitFile) -> Counts {
    let count = |part| list.parts().values().filter(|other| **other == part).count();
    Counts { train: count(SplitPart::Train), validation: count(SplitPart::Val), test: count(SplitPart::Test) }
}

#[test]
fn the_published_lists_have_the_sizes_that_the_tasks_state() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/mirror/jarvis/splits"));
    if !folder.is_dir() {
        println!("skipped: ../shared is not here");
        return;
    }
    for (task, in_several_parts) in
        [("jarvis_mbj_gap", 1), ("jarvis_ehull", 4), ("jarvis_bulk", 0), ("jarvis_shear", 0), ("mp_gap", 0)]
    {
        let task = Task::load(task).expect("it is built in");
        let SplitRule::File { name } = &task.split else { panic!("{} has no list", task.name) };
        let file = name.split(' ').next().expect("the name begins with the file's");
        let list = SplitFile::read(&folder.join(file)).expect("a published list");
        assert_eq!(Some(counts(&list)), task.expected, "{}", task.name);
        assert_eq!(list.in_several_parts().len(), in_several_parts, "{}", task.name);
    }
}

proptest! {
    #[test]
    fn a_list_survives_every_layout(
        parts in proptest::collection::btree_map("[a-zA-Z0-9 ,\"#.-]{0,8}x", 0_usize..3, 1..20)
    ) {
        let names = ["train", "val", "test"];
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["material_id", "split"]).expect("memory is writable");
        let mut objects: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
        for (id, part) in &parts {
            let id = id.trim();
            writer.write_record([id, names[*part]]).expect("memory is writable");
            objects.entry(names[*part]).or_default().insert(id, 0.5);
        }
        let table = writer.into_inner().expect("memory is writable");
        let json = serde_json::to_vec(&objects).expect("texts are JSON");
        let distinct: BTreeSet<&str> = parts.keys().map(|id| id.trim()).collect();
        prop_assume!(distinct.len() == parts.len());
        let (table, json) = (read("a.csv", &table).expect("a list"), read("a.json", &json).expect("a list"));
        prop_assert_eq!(&table, &json);
        prop_assert_eq!(table.parts().len(), parts.len());
        for (id, part) in &parts {
            prop_assert_eq!(table.parts().get(id.trim()).map(|part| part.as_str()), Some(names[*part]));
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(content in proptest::collection::vec(any::<u8>(), 0..200), kind in 0_usize..3) {
        let _ = read(["a.csv", "a.json", "a.zip"][kind], &content);
    }
}
