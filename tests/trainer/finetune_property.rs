//! Fine-tuning on a column of a store, and the units of what is learnt.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;

use crate::finetune::{MEMBER, task, tuning};
use crate::support::*;

/// A copy of the store in which the band gap is called a refractive index, which is a pure number.
fn pure_numbers() -> Folder {
    let folder = folder();
    for shard in shards(&store()) {
        let file = fs::File::open(&shard).expect("a shard");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        let metadata = reader.metadata().file_metadata().key_value_metadata().cloned();
        let properties = WriterProperties::builder().set_key_value_metadata(metadata).build();
        let renamed = |batch: RecordBatch| {
            let schema = batch.schema();
            let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
                let field = Field::clone(field);
                let renamed = |mut field: Field| {
                    field.metadata_mut().insert("unit", "1");
                    field.with_name("refractive_index")
                };
                let is_gap = field.name() == "band_gap_ev";
                (if is_gap { renamed(field) } else { field }, column.clone())
            });
            let (fields, columns): (Vec<Field>, Vec<_>) = columns.unzip();
            RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("as before")
        };
        let out = fs::File::create(folder.path().join(shard.file_name().expect("a name"))).expect("writable");
        let mut writer = None;
        for batch in reader.build().expect("Parquet") {
            let batch = renamed(batch.expect("readable"));
            let writer = writer.get_or_insert_with(|| {
                let out = out.try_clone().expect("a handle");
                ArrowWriter::try_new(out, batch.schema(), Some(properties.clone())).expect("a writer")
            });
            writer.write(&batch).expect("written");
        }
        writer.expect("rows").close().expect("written");
    }
    folder
}

#[test]
fn errors_of_pure_numbers_have_no_unit() {
    let store = pure_numbers();
    let (_kept, task) =
        task("property = \"band_gap_ev\"\nunit = \"eV\"", "property = \"refractive_index\"\nunit = \"1\"");
    let out = folder();
    let shards = store.path().join("*.parquet");
    let said = succeed(&tuning(&task, out.path(), &["--epochs", "2"], &shards));
    let error = said.split("validation MAE ").nth(1).expect("an error").split(" in epoch ").next();
    assert!(error.expect("an epoch").parse::<f64>().is_ok(), "{said}");
    let said = succeed(&["evaluate", text(out.path()), "--threads", "1"]);
    let scores = said.lines().next().expect("scores");
    assert!(
        scores.split_whitespace().last().expect("the median").parse::<f64>().is_ok_and(|it| it != 1.0),
        "{said}"
    );
    let evaluation = out.path().join("evaluation");
    let page = fs::read_to_string(evaluation.join("report.html")).expect("a page");
    assert!(page.contains("mean absolute error<") && !page.contains(", 1<"), "{page}");
    let table = fs::read_to_string(evaluation.join("predictions.csv")).expect("a table");
    assert!(table.contains(",refractive_index,1,split,"), "{table}");
    let card = fs::read_to_string(out.path().join(MEMBER).join("card.md")).expect("a card");
    assert!(card.contains("Predicts `refractive_index` of a crystal. "), "{card}");
}

#[test]
fn a_unit_that_is_not_the_column_s_is_refused() {
    for (unit, transform) in [("meV", "none"), ("GPa", "none"), ("log10(eV)", "log10")] {
        let (_kept, task) = task(
            "unit = \"eV\"\ntransform = \"none\"",
            &format!("unit = \"{unit}\"\ntransform = \"{transform}\""),
        );
        let out = folder();
        let line = refused(&tuning(&task, &out.path().join("run"), &["--epochs", "1"], &store()));
        let expected = format!("task.toml:6:1: unit = '{unit}': the column band_gap_ev is in 'eV'");
        assert!(line.contains(&expected), "{line}");
        assert!(!out.path().join("run").exists());
    }
}

/// Arguments that fine-tune a small model on a property of a store, followed by `more`.
fn on_property<'a>(store: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments =
        vec!["finetune", "--property", "band_gap_ev", "--shards", text(store), "--out", text(out)];
    arguments.extend(["--quiet", "--threads", "1", "--from-scratch", "--epochs", "1"]);
    arguments.extend(small_encoder());
    arguments.extend(more);
    arguments
}

/// Number of remarks that the store's split is not used.
fn said_of_split(output: &std::process::Output) -> usize {
    let told =
        "the store has the split columns 'split', 'split_labels', which are not used; --split split divides";
    String::from_utf8_lossy(&output.stderr).matches(told).count()
}

#[test]
fn a_property_needs_no_task() {
    let (folder, store) = (folder(), store());
    let out = folder.path().join("gaps");
    let said = succeed(&on_property(&store, &out, &["--folds", "3"]));
    for fold in ["fold-0", "fold-1", "fold-2"] {
        assert!(said.contains(&format!("{fold}, seed 123: validation MAE ")), "{said}");
    }
    // Tested at once; `evaluate` says the same again.
    assert!(said.contains("fold-2 ") && said.contains("MAE ") && said.contains("report.html"), "{said}");
    let evaluated = succeed(&["evaluate", text(&out)]);
    assert!(said.ends_with(&evaluated), "{said} and {evaluated}");
    // A handful of validation crystals is too few for intervals.
    let validated = json(&out.join("fold-0/seed-123/validation.json"));
    assert_eq!(validated["weights_sha256"].as_str().map(str::len), Some(64), "{validated}");
    assert!(!evaluated.contains("intervals"), "{evaluated}");
    let record = fs::read_to_string(out.join("finetune.toml")).expect("a record");
    assert!(record.contains("rule = \"drawn\"") && record.contains("labels_sha256 = "), "{record}");
    let config = fs::read_to_string(out.join("fold-0/seed-123/config.toml")).expect("a configuration");
    assert!(config.contains("kind = \"cosine\"") && config.contains("batch_crystals = 32"), "{config}");

    let by_column = folder.path().join("column");
    let chosen = ["--split", "split", "--set", "finetune.select=\"validation\""];
    let said = succeed(&on_property(&store, &by_column, &chosen));
    assert!(said.contains("split, seed 123: "), "{said}");
    let member = by_column.join("split/seed-123");
    assert!(member.join(BEST).exists() && !member.join("validation.json").exists(), "it chose the epoch");
    for (more, message) in [
        (&["--folds", "1"][..], "1 is not in 2..=100"),
        (
            &["--split", "nowhere.csv"],
            "neither a file nor a split column of the name 'nowhere.csv'; split columns of the store: split, \
             split_labels; --split hash divides by the identifiers",
        ),
        (&["--task", "matbench_jdft2d"], "cannot be used with"),
    ] {
        let other = folder.path().join("other");
        let output = trainer(on_property(&store, &other, more));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(message) && !other.exists(), "{said}");
    }
    // The store's split is not passed over in silence.
    let default = folder.path().join("default");
    let output = trainer(on_property(&store, &default, &["--fold", "0"]));
    let told = said_of_split(&output);
    assert_eq!(told, 1, "{}", self::said(&output));
    let named = trainer(on_property(&store, &folder.path().join("folds"), &["--folds", "3", "--fold", "0"]));
    assert_eq!(said_of_split(&named), 0, "{}", self::said(&named));
    let longer: Vec<&str> = on_property(&store, &default, &["--fold", "0", "--resume"])
        .into_iter()
        .map(|argument| if argument == "1" { "2" } else { argument })
        .collect();
    let output = trainer(longer);
    assert_eq!(output.status.code(), Some(2), "{}", self::said(&output));
    let why = "run.epochs = 1, not 2: its learning rates depend on it, by schedule.kind";
    assert!(self::said(&output).contains(why), "{}", self::said(&output));
    // The folder of a fine-tuning in the place of its weights.
    let from_folder =
        ["finetune", "--property", "band_gap_ev", "--shards", text(&store), "--weights", text(&default)];
    let line = refused(&from_folder);
    let best = default.join("fold-0/seed-123").join(BEST);
    assert!(line.trim_end().ends_with(&format!("; it is a folder: give {}", best.display())), "{line}");

    let unknown = ["finetune", "--property", "band_gap", "--shards", text(&store), "--from-scratch"];
    let said = refused(&unknown);
    assert!(said.contains("band_gap_ev"), "{said}");
}
