//! CIFs and POSCARs in folders and archives.

use std::path::Path;

use super::{Harvest, drain, gzip, open_default, read, shared, tar, written, zip};
use crate::source::{OpenSource, SourceError, SourceKind, SourceOptions, open};

const CIF: &str = "data_po\n_cell_length_a 3.35\n_cell_length_b 3.35\n_cell_length_c 3.35\n_cell_angle_alpha 90\n\
_cell_angle_beta 90\n_cell_angle_gamma 90\nloop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n\
_atom_site_fract_z\nPo1 0 0 0\n";
const POSCAR: &str = "Po\n1.0\n3.35 0 0\n0 3.35 0\n0 0 3.35\nPo\n1\nDirect\n0 0 0\n";

/// Members of an archive, hostile names and all.
fn members() -> Vec<(&'static str, Vec<u8>)> {
    let two = format!("{CIF}{}", CIF.replace("data_po", "data_other"));
    vec![
        ("d/id_prop.csv", b"po,1.5\n".to_vec()),
        ("d/po.cif", CIF.as_bytes().to_vec()),
        ("d/two.cif", two.into_bytes()),
        ("../../evil.cif", CIF.as_bytes().to_vec()),
        ("/abs.CIF", CIF.as_bytes().to_vec()),
        ("__MACOSX/d/._po.cif", b"x".to_vec()),
        ("d/po.cif", CIF.as_bytes().to_vec()),
        ("d/packed.cif.gz", gzip(CIF.as_bytes())),
        ("d/notes.txt", b"x".to_vec()),
        ("d/broken.cif", b"no cif".to_vec()),
    ]
}

fn check(source: OpenSource, archive: &Path) {
    let [labels] = &source.embedded_labels[..] else { panic!("{:?}", source.embedded_labels) };
    assert_eq!(labels.file, format!("{}!d/id_prop.csv", archive.display()));
    assert_eq!(labels.folder, "d");
    assert_eq!(labels.csv, b"po,1.5\n");
    let harvest = drain(source).expect("readable");
    assert_eq!(harvest.ids(), ["d/po", "two#po", "two#other", "evil", "abs", "d/po", "packed"]);
    assert_eq!(harvest.rejects.len(), 1);
    assert_eq!(harvest.rejects[0].material_id.as_deref(), Some("broken"));
    assert_eq!(&*harvest.rejects[0].origin.file, format!("{}!d/broken.cif", archive.display()));
    assert_eq!(harvest.rejects[0].origin.record, 7);
}

#[test]
fn archives_are_read_in_their_order_and_no_name_is_a_path() {
    let members = members();
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, body)| (*name, body.as_slice())).collect();
    let tar = tar(&members);
    let zstd = zstd::encode_all(&tar[..], 3).expect("in memory");
    for (name, bytes) in [("a.tar.gz", gzip(&tar)), ("a.tar.zst", zstd), ("a.tar", tar)] {
        let (_folder, path) = written(name, &bytes);
        check(open_default(SourceKind::Cif, &[&path]).expect("a source"), &path);
    }
    // The writer refuses a second member of one name: it is renamed behind its back.
    let renamed: Vec<_> = members
        .iter()
        .enumerate()
        .map(|(at, &(name, body))| (if at == 6 { "d/pq.cif" } else { name }, body))
        .collect();
    let mut bytes = zip(&renamed);
    while let Some(at) = bytes.windows(8).position(|window| window == b"d/pq.cif") {
        bytes[at + 3] = b'o';
    }
    let (_folder, path) = written("a.zip", &bytes);
    check(open_default(SourceKind::Cif, &[&path]).expect("a source"), &path);
}

#[test]
fn labels_in_archives_need_not_be_looked_for() {
    let (_folder, path) = written("a.tar", &tar(&[("id_prop.csv", b"po,1\n"), ("po.cif", CIF.as_bytes())]));
    let options = SourceOptions { embedded_labels: false, ..SourceOptions::default() };
    let source = open(SourceKind::Cif, &[path], &options).expect("a source");
    assert!(source.embedded_labels.is_empty());
}

#[test]
fn folders_are_read_in_the_order_of_paths() {
    let (folder, _) = written("b/two.cif", CIF.as_bytes());
    for (name, body) in [("c.cif", CIF), ("a.cif", CIF), ("labels.csv", "id,x\na,1\n"), ("readme", "x")] {
        std::fs::write(folder.path().join(name), body).expect("a file");
    }
    let source = open_default(SourceKind::Cif, &[folder.path()]).expect("a source");
    let [labels] = &source.embedded_labels[..] else { panic!("{:?}", source.embedded_labels) };
    assert_eq!(labels.folder, "");
    std::fs::write(folder.path().join("b/id_prop.csv"), "two,1\n").expect("a file");
    let nested = open_default(SourceKind::Cif, &[folder.path()]).expect("a source").embedded_labels;
    let folders: Vec<_> = nested.iter().map(|table| table.folder.as_str()).collect();
    assert_eq!(folders, ["b", ""], "anywhere below, in the order of the walk");
    std::fs::remove_file(folder.path().join("b/id_prop.csv")).expect("it is there");
    assert_eq!(source.total_bytes(), (3 * CIF.len() + 10) as u64);
    let harvest = drain(source).expect("readable");
    assert_eq!(harvest.ids(), ["a", "two", "c"]);
    let single = read(SourceKind::Cif, &[&folder.path().join("c.cif"), &folder.path().join("a.cif")]);
    assert_eq!(single.expect("readable").ids(), ["c", "a"]);
}

#[test]
fn pipes_and_lost_links_are_rejected_unread() {
    let (folder, _) = written("a.cif", CIF.as_bytes());
    std::os::unix::fs::symlink("nowhere", folder.path().join("lost.cif")).expect("a link");
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero.cif")).expect("a link");
    let harvest = read(SourceKind::Cif, &[folder.path()]).expect("readable");
    assert_eq!(harvest.ids(), ["a"]);
    assert_eq!(harvest.reasons(), [("unreadable_file", Some("lost")), ("unreadable_file", Some("zero"))]);
}

#[test]
fn inputs_without_crystals_say_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = read(SourceKind::Cif, &[folder.path()]).expect_err("empty");
    assert!(matches!(error, SourceError::Empty { what: "CIF files", .. }), "{error}");
    for (name, bytes) in [("a.tar", tar(&[("x.txt", b"x")])), ("a.zip", zip(&[("x.txt", b"x")]))] {
        let (_folder, path) = written(name, &bytes);
        let error = read(SourceKind::Cif, &[&path]).expect_err("no CIF");
        assert!(matches!(error, SourceError::Empty { .. }), "{error}");
    }
    let (_folder, path) = written("a.txt", b"x");
    let error = read(SourceKind::Cif, &[&path]).expect_err("no archive");
    assert!(matches!(error, SourceError::Layout { .. }), "{error}");
}

#[test]
fn a_member_that_does_not_unpack_is_one_reject_and_a_large_one_too() {
    let large = vec![b'#'; crate::source::MAX_RECORD_BYTES + 1];
    let members: [(&str, &[u8]); 3] =
        [("large.cif", &large), ("bad.cif.gz", b"\x1f\x8bx"), ("good.cif", CIF.as_bytes())];
    for (name, bytes) in [("a.tar", tar(&members)), ("a.zip", zip(&members))] {
        let (_folder, path) = written(name, &bytes);
        let harvest = read(SourceKind::Cif, &[&path]).expect("readable");
        assert_eq!(harvest.ids(), ["good"]);
        assert_eq!(
            harvest.reasons(),
            [("record_too_large", Some("large")), ("unreadable_file", Some("bad"))]
        );
    }
}

fn poscars(harvest: &Harvest) {
    assert_eq!(harvest.ids(), ["JVASP-1", "JVASP-2"]);
    assert_eq!(harvest.reasons(), [("unknown_element", Some("JVASP-3"))]);
    assert_eq!(harvest.rejects[0].origin.line, Some(6));
}

#[test]
fn poscars_are_read_from_folders_and_archives() {
    let bad = POSCAR.replace("\nPo\n", "\nQq\n");
    let members: [(&str, &[u8]); 4] = [
        ("POSCAR-JVASP-1.vasp", POSCAR.as_bytes()),
        ("POSCAR-JVASP-2.vasp", POSCAR.as_bytes()),
        ("POSCAR-JVASP-3.vasp", bad.as_bytes()),
        ("id_prop.csv", b"POSCAR-JVASP-1.vasp,1.0\n"),
    ];
    let (folder, _) = written(members[0].0, members[0].1);
    for (name, body) in members {
        std::fs::write(folder.path().join(name), body).expect("a file");
    }
    let source = open_default(SourceKind::Poscar, &[folder.path()]).expect("a source");
    assert_eq!(source.embedded_labels.len(), 1);
    poscars(&drain(source).expect("readable"));
    for (name, bytes) in [("a.tar", tar(&members)), ("a.zip", zip(&members))] {
        let (_folder, path) = written(name, &bytes);
        poscars(&read(SourceKind::Poscar, &[&path]).expect("readable"));
    }
}

#[test]
fn atomgen_files_bring_their_splits() {
    let text = POSCAR.replace('\n', "\\\\n");
    let bad = text.replace("Po\\\\n1\\\\n", "Qq\\\\n1\\\\n");
    let json =
        format!(r#"{{"train": {{"1": "{text}", "a\"b": "{text}"}}, "val": {{}}, "test": {{"2": "{bad}"}}}}"#);
    for (name, bytes) in [("a.json.zip", zip(&[("a.json", json.as_bytes())])), ("a.json", json.into_bytes())]
    {
        let (_folder, path) = written(name, &bytes);
        let source = open_default(SourceKind::Poscar, &[&path]).expect("a source");
        let csv = String::from_utf8(source.embedded_labels[0].csv.clone()).expect("UTF-8");
        assert_eq!(csv, "material_id,split\n\"1\",\"train\"\n\"a\"\"b\",\"train\"\n\"2\",\"test\"\n");
        let harvest = drain(source).expect("readable");
        assert_eq!(harvest.ids(), ["1", "a\"b"]);
        assert_eq!(harvest.reasons(), [("unknown_element", Some("2"))]);
    }
}

#[test]
fn shared_atomgen_files_are_read_whole() {
    for (name, count) in [("carbon24_energy_per_atom", 10_153), ("perov5_heat_ref", 18_928)] {
        let Some(path) = shared(&format!("mirror/atomgen/{name}.json.zip")) else { return };
        let harvest = read(SourceKind::Poscar, &[&path]).expect("readable");
        assert_eq!((harvest.crystals.len(), harvest.rejects.len()), (count, 0));
        assert!(harvest.crystals.iter().all(|found| !found.structure.atomic_numbers.is_empty()));
    }
}

#[test]
fn a_name_too_long_for_any_path_is_left_out() {
    let long = format!("{}/po.cif", "x".repeat(5000));
    let mut archive = ::tar::Builder::new(Vec::new());
    for name in [long.as_str(), "z.cif"] {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(CIF.len() as u64);
        archive.append_data(&mut header, name, CIF.as_bytes()).expect("in memory");
    }
    let (_folder, path) = written("a.tar", &archive.into_inner().expect("in memory"));
    let harvest = read(SourceKind::Cif, &[&path]).expect("readable");
    assert_eq!(harvest.ids(), ["z"]);
    assert_eq!(harvest.reasons(), [("bad_identifier", None)]);
    let reject = &harvest.rejects[0];
    assert!(reject.message.contains("the name has 5007 bytes, 4096 at most"), "{}", reject.message);
    assert!(reject.origin.file.len() <= crate::reject::MAX_TEXT_BYTES);
}

#[test]
fn faulty_blocks_of_one_file_are_listed_up_to_a_number() {
    let blocks = (0..66_000).map(|block| format!("data_{block}\n_atom_site_fract_x 0\n"));
    let (_folder, path) = written("a.cif", blocks.collect::<String>().as_bytes());
    let harvest = read(SourceKind::Cif, &[&path]).expect("readable");
    assert_eq!(harvest.rejects.len(), (1 << 16) + 1);
    let last = harvest.rejects.last().expect("rejects");
    assert_eq!(last.reason, "too_many_rejects");
    assert!(last.message.starts_with("464 more data blocks"), "{}", last.message);
}
