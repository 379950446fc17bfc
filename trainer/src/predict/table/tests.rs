use super::*;
use crate::task::{TargetColumn, Transform};
use arrow::array::AsArray;
use arrow::datatypes::{DataType, Float64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::HashMap;

const PROPERTY: &str = "bulk_modulus_gpa";
const UNIT: &str = "GPa";

fn description(log10: bool) -> Description {
    let transform = if log10 { Transform::Log10 } else { Transform::None };
    let target = TargetColumn { property: PROPERTY.to_owned(), unit: UNIT.to_owned(), transform };
    let quantity =
        Quantity { task: "log_kvrh".to_owned(), targets: vec![target], classes: Vec::new(), per_site: false };
    Description { weights: vec!["a/best.safetensors".to_owned(), "b.safetensors".to_owned()], quantity }
}

/// Rows with every kind of value a reader may trip over.
fn rows() -> Vec<Row> {
    let row = |material_id: &str, prediction, deviation: Option<f64>| Row {
        material_id: material_id.to_owned(),
        formula: "NaCl".to_owned(),
        site: None,
        answer: Answer::Number(PredictedNumber {
            target: 0,
            prediction,
            deviation,
            interval: deviation.map(|deviation| [prediction - deviation, prediction + deviation]),
            transformed: Some(prediction / 3.0),
        }),
        domain: deviation.map(|distance| DomainRow {
            distance,
            unseen_elements: "Xe Os".to_owned(),
            is_outside: true,
        }),
    };
    vec![row("mp-1", 0.1 + 0.2, Some(1e-300)), row("a,\"b\"\nc", -2.0, None), row("é#Ω", 5e-324, Some(0.0))]
}

/// A file of some rows, written in two parts.
fn written(format: TableFormat, rows: &[Row], description: &Description) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut table = TableWriter::new(file.reopen().expect("the file"), format, description).expect("begun");
    let (first, second) = rows.split_at(rows.len() / 2);
    table.write(first).expect("written");
    table.write(second).expect("written");
    table.finish().expect("ended");
    file
}

/// A row as JSON has it.
fn row_of(value: &serde_json::Value) -> Row {
    let number = |key: &str| value.get(key).and_then(serde_json::Value::as_f64);
    Row {
        material_id: value["material_id"].as_str().expect("text").to_owned(),
        formula: value["formula"].as_str().expect("text").to_owned(),
        site: None,
        answer: Answer::Number(PredictedNumber {
            target: 0,
            prediction: number("prediction").expect("a number"),
            deviation: number("deviation"),
            interval: number("lower_90").zip(number("upper_90")).map(|(lower, upper)| [lower, upper]),
            transformed: number("transformed"),
        }),
        domain: number("domain_distance").map(|distance| DomainRow {
            distance,
            unseen_elements: value["unseen_elements"].as_str().expect("text").to_owned(),
            is_outside: value["out_of_domain"].as_bool().expect("a flag"),
        }),
    }
}

#[test]
fn parquet_holds_the_rows_and_what_they_are() {
    let file = written(TableFormat::Parquet, &rows(), &description(true));
    let reader = ParquetRecordBatchReaderBuilder::try_new(file.reopen().expect("the file")).expect("Parquet");
    let metadata: HashMap<String, String> = reader
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((entry.key.clone(), entry.value.clone()?)))
        .collect();
    let expected = [
        ("mmpt.weights", r#"["a/best.safetensors","b.safetensors"]"#),
        ("mmpt.task", "log_kvrh"),
        ("mmpt.property", PROPERTY),
        ("mmpt.unit", UNIT),
        ("mmpt.transform", "log10"),
    ];
    for (key, value) in expected {
        assert_eq!(metadata.get(key).map(String::as_str), Some(value), "{key}");
    }
    let mut found = Vec::new();
    for batch in reader.build().expect("Parquet") {
        let batch = batch.expect("readable");
        let number = |name: &str| batch[name].as_primitive::<Float64Type>().iter().collect::<Vec<_>>();
        let (prediction, deviation, transformed) =
            (number("prediction"), number("deviation"), number("transformed"));
        let (lower, upper) = (number("lower_90"), number("upper_90"));
        let distance = number("domain_distance");
        for row in 0..batch.num_rows() {
            let text = |name: &str| batch[name].as_string::<i32>().value(row).to_owned();
            assert_eq!((text("property"), text("unit")), (PROPERTY.to_owned(), UNIT.to_owned()));
            found.push(Row {
                material_id: text("material_id"),
                formula: text("formula"),
                site: None,
                answer: Answer::Number(PredictedNumber {
                    target: 0,
                    prediction: prediction[row].expect("never empty"),
                    deviation: deviation[row],
                    interval: lower[row].zip(upper[row]).map(|(lower, upper)| [lower, upper]),
                    transformed: transformed[row],
                }),
                domain: distance[row].map(|distance| DomainRow {
                    distance,
                    unseen_elements: text("unseen_elements"),
                    is_outside: batch["out_of_domain"].as_boolean().value(row),
                }),
            });
        }
    }
    assert_eq!(found, rows());
}

#[test]
fn csv_holds_the_rows() {
    let file = written(TableFormat::Csv, &rows(), &description(true));
    let mut reader = csv::Reader::from_path(file.path()).expect("CSV");
    assert_eq!(
        reader.headers().expect("a header"),
        "material_id,formula,property,unit,prediction,deviation,lower_90,upper_90,transformed,\
         domain_distance,unseen_elements,out_of_domain"
            .split(',')
            .collect::<Vec<_>>()
    );
    let found: Vec<Row> = reader
        .records()
        .map(|record| {
            let record = record.expect("well formed");
            let number = |column: usize| record[column].parse().ok();
            assert_eq!((&record[2], &record[3]), (PROPERTY, UNIT));
            Row {
                material_id: record[0].to_owned(),
                formula: record[1].to_owned(),
                site: None,
                answer: Answer::Number(PredictedNumber {
                    target: 0,
                    prediction: number(4).expect("a number"),
                    deviation: number(5),
                    interval: number(6).zip(number(7)).map(|(lower, upper)| [lower, upper]),
                    transformed: number(8),
                }),
                domain: number(9).map(|distance| DomainRow {
                    distance,
                    unseen_elements: record[10].to_owned(),
                    is_outside: record[11].parse().expect("a flag"),
                }),
            }
        })
        .collect();
    assert_eq!(found, rows());
}

#[test]
fn json_holds_the_rows() {
    let array = std::fs::read_to_string(written(TableFormat::Json, &rows(), &description(true)).path());
    let array: Vec<serde_json::Value> = serde_json::from_str(&array.expect("text")).expect("a JSON array");
    let lines = std::fs::read_to_string(written(TableFormat::JsonLines, &rows(), &description(true)).path());
    let lines: Vec<serde_json::Value> =
        lines.expect("text").lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect();
    assert_eq!(array, lines);
    assert!(array[1]["deviation"].is_null());
    assert_eq!((&array[0]["property"], &array[0]["unit"]), (&PROPERTY.into(), &UNIT.into()));
    assert_eq!(array.iter().map(row_of).collect::<Vec<_>>(), rows());
}

#[test]
fn a_target_that_is_no_logarithm_has_no_column_for_the_property() {
    let rows = rows();
    let csv =
        std::fs::read_to_string(written(TableFormat::Csv, &rows, &description(false)).path()).expect("text");
    assert!(
        csv.starts_with(
            "material_id,formula,property,unit,prediction,deviation,lower_90,upper_90,\
             domain_distance,unseen_elements,out_of_domain\n"
        ),
        "{csv}"
    );
    let json = std::fs::read_to_string(written(TableFormat::JsonLines, &rows, &description(false)).path())
        .expect("text");
    assert!(!json.contains("transformed") && json.contains("\"deviation\":null"), "{json}");
    let parquet = written(TableFormat::Parquet, &rows, &description(false));
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(parquet.reopen().expect("the file")).expect("Parquet");
    assert_eq!(reader.schema().fields().len(), 11);
}

#[test]
fn classes_have_their_names_and_probabilities() {
    let target =
        TargetColumn { property: "phase".to_owned(), unit: "1".to_owned(), transform: Transform::None };
    let classes = ["=a", "b c"].map(str::to_owned).into();
    let quantity = Quantity { task: "phase".to_owned(), targets: vec![target], classes, per_site: false };
    let description = Description { weights: vec!["w".to_owned()], quantity };
    let row = |material_id: &str, probabilities: [f64; 2], deviation| Row {
        material_id: material_id.to_owned(),
        formula: "NaCl".to_owned(),
        site: None,
        answer: Answer::Class { probabilities: probabilities.into(), deviation },
        domain: None,
    };
    let rows = [row("m-1", [0.75, 0.25], None), row("m-2", [0.125, 0.875], Some(0.5))];
    let csv = std::fs::read_to_string(written(TableFormat::Csv, &rows, &description).path()).expect("text");
    assert_eq!(
        csv,
        "material_id,formula,property,prediction,confidence,deviation,probability__a,probability_b_c,\
         domain_distance,unseen_elements,out_of_domain\n\
         m-1,NaCl,phase,'=a,0.75,,0.75,0.25,,,\n\
         m-2,NaCl,phase,b c,0.875,0.5,0.125,0.875,,,\n"
    );
    let json =
        std::fs::read_to_string(written(TableFormat::JsonLines, &rows, &description).path()).expect("text");
    assert!(json.contains("\"prediction\":\"=a\",\"confidence\":0.75,\"deviation\":null"), "{json}");
    let parquet = written(TableFormat::Parquet, &rows, &description);
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(parquet.reopen().expect("the file")).expect("Parquet");
    assert_eq!(reader.schema().fields().len(), 11);
}

#[test]
fn sites_have_rows_of_their_own() {
    let Description { weights, quantity } = description(false);
    let description = Description { weights, quantity: Quantity { per_site: true, ..quantity } };
    let first = rows().remove(0);
    let row = |index, element| Row { site: Some(Site { index, element }), ..first.clone() };
    let rows = [row(0, "Na"), row(1, "Cl")];
    assert_eq!(rows.each_ref().map(Row::begins_crystal), [true, false]);
    let file = written(TableFormat::Csv, &rows, &description);
    assert!(is_table(file.path(), TableFormat::Csv).expect("readable"));
    let csv = std::fs::read_to_string(file.path()).expect("text");
    let lines: Vec<&str> = csv.lines().collect();
    let header = "material_id,formula,property,site,element,unit,prediction,deviation,lower_90,upper_90,";
    assert!(lines[0].starts_with(header), "{csv}");
    assert!(lines[1].starts_with("mp-1,NaCl,bulk_modulus_gpa,0,Na,GPa,0.3"), "{csv}");
    assert!(lines[2].starts_with("mp-1,NaCl,bulk_modulus_gpa,1,Cl,GPa,0.3"), "{csv}");
    let json =
        std::fs::read_to_string(written(TableFormat::JsonLines, &rows, &description).path()).expect("text");
    assert!(json.contains("\"site\":1,\"element\":\"Cl\""), "{json}");
    let parquet = written(TableFormat::Parquet, &rows, &description);
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(parquet.reopen().expect("the file")).expect("Parquet");
    let schema = reader.schema().clone();
    assert_eq!(schema.field_with_name("site").expect("a column").data_type(), &DataType::UInt64);
    let batch = reader.build().expect("Parquet").last().expect("a batch").expect("readable");
    assert_eq!(batch["site"].as_primitive::<arrow::datatypes::UInt64Type>().values().last(), Some(&1));
}

#[test]
fn an_empty_array_is_an_array() {
    let file = written(TableFormat::Json, &[], &description(false));
    let text = std::fs::read_to_string(file.path()).expect("text");
    assert_eq!(
        serde_json::from_str::<Vec<serde_json::Value>>(&text).expect("an array"),
        Vec::<serde_json::Value>::new()
    );
}
