//! Featurising in the same process: the rows of a build without its store.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use etl::pipeline::featurise::{FeaturiseRequest, FeaturisedBlock, featurise};
use etl::pipeline::{Bounds, BuildError};
use etl::reject::Reject;
use etl::source::{InputKind, SourceKind};
use schemas::layout::StorePaths;
use schemas::settings::{FeatureSettings, Ties};
use schemas::store::COLUMNS;

use crate::support::*;

fn request(kind: impl Into<InputKind>, inputs: &[&Path], threads: usize) -> FeaturiseRequest {
    FeaturiseRequest {
        kind: kind.into(),
        inputs: inputs.iter().map(|input| input.to_path_buf()).collect(),
        settings: FeatureSettings::default(),
        bounds: Bounds::default(),
        threads,
    }
}

fn blocks(request: &FeaturiseRequest) -> Vec<FeaturisedBlock> {
    featurise(request).expect("it starts").map(|block| block.expect("readable")).collect()
}

/// Identifiers of the crystals, in order.
fn ids(blocks: &[FeaturisedBlock]) -> Vec<String> {
    let crystals = blocks.iter().flat_map(|block| &block.crystals);
    let rows =
        crystals.flat_map(|batch| (0..batch.len()).map(move |row| batch.row(row).expect("a good row")));
    rows.map(|crystal| crystal.material_id.to_owned()).collect()
}

/// The fixed columns as one batch.
fn rows_of(blocks: &[FeaturisedBlock]) -> RecordBatch {
    let batches: Vec<RecordBatch> = blocks
        .iter()
        .flat_map(|block| &block.crystals)
        .map(|crystals| {
            let column = |name: &str| crystals.column(name).expect("a fixed column").clone();
            RecordBatch::try_from_iter(
                COLUMNS.iter().map(|column_of| (column_of.name, column(column_of.name))),
            )
            .expect("columns of one length")
        })
        .collect();
    concat_batches(&batches[0].schema(), &batches).expect("batches of one schema")
}

fn rejects_of(blocks: Vec<FeaturisedBlock>) -> Vec<Reject> {
    blocks.into_iter().flat_map(|block| block.rejects).collect()
}

/// A folder of `count` CIFs, every tenth of them without atoms and every fifteenth of 27 sites.
fn cifs(count: usize) -> Folder {
    let raw = folder();
    for number in 0..count {
        let edge = 4.0 + number as f64 * 1e-3;
        let cif = match number {
            number if number % 10 == 3 => cubic_cif("empty", edge, &[]),
            number if number % 15 == 4 => {
                let sites: Vec<(&str, [f64; 3])> = (0..27)
                    .map(|site| ("Fe", [site / 9, site / 3 % 3, site % 3].map(|step| f64::from(step) / 3.0)))
                    .collect();
                cubic_cif("large", 2.0 * edge, &sites)
            }
            _ => caesium_chloride(edge),
        };
        fs::write(raw.path().join(format!("c{number:05}.cif")), cif).expect("a file");
    }
    raw
}

#[test]
fn the_rows_are_those_of_a_build_bit_for_bit() {
    for ties in [Ties::Shell, Ties::Cut] {
        let out = folder();
        let rule = ties.to_string();
        build("cif", &sample(), out.path(), &["--no-embedded-labels", "--ties", &rule], 0);
        let built = rows(out.path());
        let built = concat_batches(&built[0].schema(), &built).expect("batches of one schema");
        assert!(built.num_rows() >= 150);
        for threads in [1, 3] {
            let mut request = request(SourceKind::Cif, &[&sample()], threads);
            request.settings.ties = ties;
            let found = rows_of(&blocks(&request));
            assert_eq!(found.num_columns(), built.num_columns());
            for column in COLUMNS {
                assert_eq!(&found[column.name], &built[column.name], "{}, {ties}", column.name);
            }
        }
    }
}

#[test]
fn the_order_is_that_of_the_input_on_any_number_of_threads() {
    let raw = cifs(1500);
    let first = blocks(&request(SourceKind::Cif, &[raw.path()], 1));
    let expected = ids(&first);
    assert!(expected.is_sorted() && expected.len() > 1000, "{}", expected.len());
    let (rows, rejects) = (rows_of(&first), rejects_of(first));
    for threads in [2, 7] {
        let found = blocks(&request(SourceKind::Cif, &[raw.path()], threads));
        assert!(found.len() > 2, "several blocks");
        assert_eq!(ids(&found), expected, "{threads} threads");
        assert_eq!(rows_of(&found), rows, "{threads} threads");
        assert_eq!(rejects_of(found), rejects, "{threads} threads");
    }
}

#[test]
fn entries_left_out_are_those_of_a_build() {
    let raw = cifs(40);
    for name in ["zz.cif", "zz.cif.gz"] {
        fs::write(raw.path().join(name), caesium_chloride(5.0)).expect("a file");
    }
    let out = folder();
    build("cif", raw.path(), out.path(), &["--max-sites", "26"], 1);
    let mut request = request(SourceKind::Cif, &[raw.path()], 2);
    request.bounds.max_sites = 26;
    let found = rejects_of(blocks(&request));
    assert_eq!(found.len(), 4 + 3 + 1);
    let last = found.last().expect("the duplicate");
    assert_eq!((last.reason, last.material_id.as_deref()), ("duplicate_id", Some("zz")));
    assert!(last.origin.file.ends_with("zz.cif.gz"), "{}", last.origin.file);
    let listed = batches(&StorePaths::new(out.path()).rejects());
    let texts = |column| texts(&listed, column).into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(found.iter().map(|reject| reject.reason).collect::<Vec<_>>(), texts("reason"));
    assert_eq!(found.iter().map(|reject| &*reject.origin.file).collect::<Vec<_>>(), texts("source_file"));
    assert_eq!(found.iter().map(|reject| reject.message.as_str()).collect::<Vec<_>>(), texts("message"));
}

#[test]
fn an_input_that_breaks_off_ends_with_an_error_behind_what_was_read() {
    let raw = folder();
    let whole = raw.path().join("a.cif");
    fs::write(&whole, caesium_chloride(4.1)).expect("a file");
    let broken = raw.path().join("b.tar");
    fs::write(&broken, [7_u8; 600]).expect("a file");
    let items: Vec<_> =
        featurise(&request(SourceKind::Cif, &[&whole, &broken], 2)).expect("it starts").collect();
    let error = items.last().expect("an item").as_ref().expect_err("the archive is damaged");
    assert!(matches!(error, BuildError::Source(_)), "{error}");
    assert!(error.to_string().contains("b.tar"), "{error}");
    let missing = featurise(&request(SourceKind::Cif, &[Path::new("/no/such.cif")], 2));
    assert!(missing.is_err());
}

#[test]
fn a_caller_that_goes_away_leaves_no_thread_behind() {
    let raw = cifs(1500);
    for threads in [1, 4] {
        let mut featurised = featurise(&request(SourceKind::Cif, &[raw.path()], threads)).expect("it starts");
        assert!(featurised.next().is_some());
        // Returns only when the threads have ended.
        drop(featurised);
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let no_threads = featurise(&request(SourceKind::Cif, &[&sample()], 0)).map(drop).expect_err("refused");
    assert!(no_threads.to_string().contains("threads = 0"), "{no_threads}");
    let nothing: [PathBuf; 0] = [];
    let request = FeaturiseRequest { inputs: nothing.to_vec(), ..request(SourceKind::Cif, &[], 1) };
    assert!(featurise(&request).is_err());
}

/// Caesium chloride as a POSCAR.
const POSCAR: &str = "CsCl\n1\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n";

#[test]
fn cifs_and_poscars_are_read_side_by_side_and_none_twice() {
    let raw = folder();
    for (name, from) in [("a.cif", "Cu-fcc.cif"), ("b.CIF", "Si-diamond.cif"), ("x/c.cif", "Ag-fcc.cif")] {
        let path = raw.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        fs::copy(sample().join(from), path).expect("a writable folder");
    }
    for name in ["POSCAR-d.vasp", "b.vasp", "x/POSCAR"] {
        fs::write(raw.path().join(name), POSCAR).expect("a writable folder");
    }
    fs::write(raw.path().join("notes.txt"), "none").expect("a writable folder");
    let archive = raw.path().join("all.tar");
    let mut tar = std::process::Command::new("tar");
    tar.arg("-C").arg(raw.path()).arg("-cf").arg(&archive);
    assert!(tar.args(["a.cif", "POSCAR-d.vasp"]).status().expect("tar runs").success());
    for threads in [1, 3] {
        let found = blocks(&request(InputKind::Structures, &[raw.path()], threads));
        assert_eq!(ids(&found), ["d", "a", "b", "x", "c"]);
        let rejects = rejects_of(found);
        assert_eq!(rejects.len(), 1, "{rejects:?}");
        assert_eq!((rejects[0].reason, rejects[0].material_id.as_deref()), ("duplicate_id", Some("b")));
        assert!(rejects[0].origin.file.ends_with("b.vasp"), "{rejects:?}");
    }
    assert_eq!(ids(&blocks(&request(InputKind::Structures, &[&archive], 1))), ["a", "d"]);
    assert_eq!(ids(&blocks(&request(SourceKind::Poscar, &[&archive], 1))), ["d"]);
}

#[test]
fn a_crystal_with_more_triplets_than_a_store_may_hold_is_left_out() {
    let raw = folder();
    let mut heap = "heap\n1.0\n100 0 0\n0 100 0\n0 0 100\nH\n1000\nDirect\n".to_owned();
    heap.extend((0..1000).map(|site| format!("{:.12} 0.5 0.5\n", f64::from(site) * 4e-10)));
    fs::write(raw.path().join("heap.vasp"), heap).expect("a file");
    let rejects = rejects_of(blocks(&request(SourceKind::Poscar, &[raw.path()], 1)));
    let [reject] = &rejects[..] else { panic!("{rejects:?}") };
    assert_eq!(reject.reason, "too_many_triplets");
    assert!(reject.message.starts_with("999000 edges in 998001000 pairs"), "{}", reject.message);
}
