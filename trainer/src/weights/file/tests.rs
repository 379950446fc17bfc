use proptest::prelude::*;

use super::*;

fn temporary() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("w.safetensors");
    (folder, path)
}

fn sample() -> (BTreeMap<String, String>, Vec<(String, Tensor)>) {
    let metadata =
        BTreeMap::from([("b".to_owned(), "zwei, \"2\"".to_owned()), ("a".to_owned(), "1".to_owned())]);
    let tensors = vec![
        (
            "layer.weight".to_owned(),
            Tensor::f32([2, 3], vec![1.0, -0.0, f32::NAN, 1e-42, f32::INFINITY, 0.1]),
        ),
        ("exact".to_owned(), Tensor::f64([1], vec![0.1 + 0.2])),
        ("empty".to_owned(), Tensor::f32([0, 4], vec![])),
        ("scalar".to_owned(), Tensor::f32([], vec![7.0])),
    ];
    (metadata, tensors)
}

/// The numbers as bits, so that NaN equals itself.
fn bits(tensor: &Tensor) -> (Vec<usize>, Vec<u64>) {
    let bits = match &tensor.values {
        Values::F32(values) => values.iter().map(|value| u64::from(value.to_bits())).collect(),
        Values::F64(values) => values.iter().map(|value| value.to_bits()).collect(),
    };
    (tensor.shape.clone(), bits)
}

/// Writes a file of this header and these numbers.
fn raw(path: &Path, header: &str, numbers: &[u8]) {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(numbers);
    std::fs::write(path, bytes).expect("it is writable");
}

#[test]
fn what_is_written_is_read_back_bit_for_bit() {
    let (_folder, path) = temporary();
    let (metadata, tensors) = sample();
    write(&path, &metadata, tensors.clone()).expect("it is writable");
    let file = read(&path).expect("it is whole");
    assert_eq!(file.metadata, metadata);
    assert_eq!(file.tensors.len(), tensors.len());
    for (name, tensor) in &tensors {
        assert_eq!(bits(&file.tensors[name]), bits(tensor), "{name}");
        assert_eq!(file.tensors[name].element, tensor.element);
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_order() {
    let (_folder, path) = temporary();
    let (metadata, mut tensors) = sample();
    write(&path, &metadata, tensors.clone()).expect("it is writable");
    let first = std::fs::read(&path).expect("it is there");
    tensors.reverse();
    write(&path, &metadata, tensors).expect("it is writable");
    assert_eq!(std::fs::read(&path).expect("it is there"), first);
    let header = String::from_utf8_lossy(&first[8..]).into_owned();
    let start = r#"{"__metadata__":{"a":"1","b":"zwei, \"2\"","content_sha256":""#;
    let exact = r#""},"exact":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}"#;
    assert!(header.starts_with(start) && header.contains(exact), "{header}");
}

#[test]
fn every_flipped_bit_is_noticed_or_means_nothing() {
    let (_folder, path) = temporary();
    let (metadata, tensors) = sample();
    write(&path, &metadata, tensors.clone()).expect("it is writable");
    let whole = std::fs::read(&path).expect("it is there");
    let all_bits = |file: &WeightsFile| -> Vec<_> {
        file.tensors.iter().map(|(name, tensor)| (name.clone(), bits(tensor))).collect()
    };
    let undamaged = read(&path).expect("it is whole");
    let mut noticed = 0;
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            std::fs::write(&path, &damaged).expect("it is writable");
            match read(&path) {
                Ok(file) => {
                    assert_eq!(file.metadata.get("a"), undamaged.metadata.get("a"), "byte {at}");
                    assert_eq!(all_bits(&file), all_bits(&undamaged), "byte {at}");
                }
                Err(error) => {
                    noticed += 1;
                    assert!(error.to_string().contains("w.safetensors"), "{error}");
                }
            }
        }
    }
    // All but blanks that became other white space, and letters of the checksum's own key.
    assert!(noticed > 8 * whole.len() * 9 / 10, "{noticed} of {}", 8 * whole.len());
}

#[test]
fn weights_changed_on_purpose_are_read_without_the_checksum() {
    let (_folder, path) = temporary();
    let x = Tensor::f32([1], vec![1.0]);
    write(&path, &BTreeMap::new(), [("x".to_owned(), x)]).expect("it is writable");
    let mut bytes = std::fs::read(&path).expect("it is there");
    let number = bytes.len() - 4;
    bytes[number..].copy_from_slice(&2_f32.to_le_bytes());
    std::fs::write(&path, &bytes).expect("it is writable");
    let message = read(&path).expect_err("another number").to_string();
    assert!(message.contains("is damaged") && message.contains("content_sha256"), "{message}");
    raw(&path, r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, &2_f32.to_le_bytes());
    assert_eq!(read(&path).expect("no checksum").tensors["x"].values, Values::F32(vec![2.0]));
}

#[test]
fn every_truncation_is_called_one() {
    let (_folder, path) = temporary();
    let (metadata, tensors) = sample();
    write(&path, &metadata, tensors).expect("it is writable");
    let whole = std::fs::read(&path).expect("it is there");
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).expect("it is writable");
        match read(&path).expect_err("it is cut short") {
            WeightsError::Truncated { expected, found, .. } => {
                assert_eq!(found, length as u64);
                assert!(expected.is_none_or(|expected| expected == whole.len() as u64), "{length}");
            }
            other => panic!("{length} bytes: {other}"),
        }
    }
    let message = read(&path).expect_err("one byte is missing").to_string();
    let counts = format!("it has {} bytes of {}", whole.len() - 1, whole.len());
    assert!(message.ends_with(&counts), "{message}");
}

#[test]
fn other_files_are_refused_with_the_reason() {
    let (folder, path) = temporary();
    for (content, reason) in [
        (&b"PK\x03\x04 and the rest of an archive"[..], "torch.save"),
        (b"just some text, no weights", "not a safetensors file"),
    ] {
        std::fs::write(&path, content).expect("it is writable");
        let error = read(&path).expect_err("no weights");
        assert!(matches!(error, WeightsError::NotSafetensors { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    raw(&path, r#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, &[0; 5]);
    assert!(matches!(read(&path), Err(WeightsError::NotSafetensors { .. })), "a byte too many");
    raw(&path, r#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, &[0; 4]);
    assert!(matches!(read(&path), Err(WeightsError::NotSafetensors { .. })), "shape and bytes differ");
    assert!(matches!(read(folder.path()), Err(WeightsError::Io { action: "read", .. })));
    assert!(matches!(read(&folder.path().join("none")), Err(WeightsError::Io { .. })));
}

#[test]
fn no_name_stands_twice() {
    let (_folder, path) = temporary();
    let tensor = r#""x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    for (header, key) in [
        (format!("{{{tensor},{tensor}}}"), "'x'"),
        (format!(r#"{{"__metadata__":{{"a":"1","a":"2"}},{tensor}}}"#), "'a'"),
    ] {
        raw(&path, &header, &[0; 4]);
        let message = read(&path).expect_err("twice").to_string();
        let expected = format!("w.safetensors is not a safetensors file: the key {key} stands twice");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn integers_are_refused_by_name() {
    let (_folder, path) = temporary();
    raw(&path, r#"{"index":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, &[0; 8]);
    let message = read(&path).expect_err("integers").to_string();
    assert!(message.ends_with("tensor 'index' holds I64; F16, BF16, F32 and F64 can be read"), "{message}");
}

#[test]
fn halves_are_read_as_singles() {
    let (_folder, path) = temporary();
    let header = concat!(
        r#"{"half":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"#,
        r#""brain":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]}}"#
    );
    let bits: [u16; 6] = [0x3c00, 0xc000, 0x0001, 0xfc00, 0x3f80, 0xff80];
    raw(&path, header, &bits.map(u16::to_le_bytes).concat());
    let file = read(&path).expect("it is whole");
    assert_eq!(file.tensors["half"].values, Values::F32(vec![1.0, -2.0, 5.960_464_5e-8, f32::NEG_INFINITY]));
    assert_eq!(file.tensors["half"].element, ElementType::F16);
    assert_eq!(file.tensors["brain"].values, Values::F32(vec![1.0, f32::NEG_INFINITY]));
}

#[test]
fn nonsense_is_not_written() {
    let (_folder, path) = temporary();
    let none = BTreeMap::new();
    let twice = || ("x".to_owned(), Tensor::f32([1], vec![0.0]));
    let error = write(&path, &none, [twice(), twice()]).expect_err("two of a name");
    assert!(error.to_string().ends_with("two tensors are called 'x'"), "{error}");
    let error = write(&path, &none, [("x".to_owned(), Tensor::f32([2, 2], vec![0.0]))]).expect_err("too few");
    assert!(error.to_string().ends_with("tensor 'x' of shape [2, 2] has 1 number"), "{error}");
    assert!(!path.exists());
}

/// Whether the file's numbers are those of a file written elsewhere.
#[test]
fn the_golden_weights_are_read() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/golden/weights.safetensors"));
    if !path.exists() {
        println!("skipped: ../shared is not here");
        return;
    }
    let file = read(path).expect("it is whole");
    assert_eq!(file.tensors["structure.atom_emb.weight"].shape, [119, 128]);
    let count: usize = file
        .tensors
        .iter()
        .filter(|(name, _)| !name.starts_with("head."))
        .map(|(_, tensor)| tensor.values.len())
        .sum();
    // Section 9 of the specification counts the parameters; mean and std of the lattice are stored beside them.
    assert!([2_102_962, 2_102_962 + 12].contains(&count), "{count}");
}

proptest! {
    #[test]
    fn any_content_survives(
        content in proptest::collection::btree_map(any::<String>(), proptest::collection::vec(any::<f32>(), 0..9), 0..5),
        metadata in proptest::collection::btree_map(any::<String>(), any::<String>(), 0..4),
    ) {
        prop_assume!(!content.contains_key(METADATA_KEY));
        let (_folder, path) = temporary();
        let tensors = content.iter().map(|(name, values)| {
            (name.clone(), Tensor::f32([values.len()], values.clone()))
        });
        write(&path, &metadata, tensors).expect("it is writable");
        let file = read(&path).expect("it is whole");
        prop_assert_eq!(file.metadata, metadata);
        prop_assert_eq!(file.tensors.len(), content.len());
        for (name, values) in content {
            let expected = Tensor::f32([values.len()], values);
            prop_assert_eq!(bits(&file.tensors[&name]), bits(&expected));
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(length in 0_u64..80, bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let (_folder, path) = temporary();
        let mut content = length.to_le_bytes().to_vec();
        content.push(b'{');
        content.extend(bytes);
        std::fs::write(&path, content).expect("it is writable");
        let _ = read(&path);
    }
}

#[test]
fn halves_are_written_and_read_back() {
    let (_folder, path) = temporary();
    let values = vec![1.0, 0.1, -3.2e-6, 1e-9, 0.0];
    let tensor = |element| Tensor { element, ..Tensor::f32([5], values.clone()) };
    let elements = [("a", ElementType::F16), ("b", ElementType::BF16), ("c", ElementType::F32)];
    let tensors = elements.map(|(name, element)| (name.to_owned(), tensor(element)));
    write(&path, &BTreeMap::new(), tensors).expect("it is writable");
    let file = read(&path).expect("it is whole");
    for (name, element, expected) in [
        ("a", ElementType::F16, vec![1.0, 0.099_975_586, -3.218_650_8e-6, 0.0, 0.0]),
        ("b", ElementType::BF16, vec![1.0, 0.100_097_656, -3.203_749_7e-6, 9.968_062e-10, 0.0]),
        ("c", ElementType::F32, values.clone()),
    ] {
        assert_eq!(file.tensors[name].element, element, "{name}");
        assert_eq!(file.tensors[name].values, Values::F32(expected), "{name}");
    }
    // The same again from what was read, and 2 bytes a value.
    let bytes = std::fs::read(&path).expect("it is there");
    assert!(
        String::from_utf8_lossy(&bytes).contains(r#""a":{"dtype":"F16","shape":[5],"data_offsets":[30,40]}"#)
    );
    write(&path, &file.metadata, file.tensors).expect("it is writable");
    assert_eq!(std::fs::read(&path).expect("it is there"), bytes);
}

#[test]
fn numbers_beyond_a_half_are_refused() {
    let (_folder, path) = temporary();
    let tensor = Tensor { element: ElementType::F16, ..Tensor::f32([1], vec![70_000.0]) };
    let error =
        write(&path, &BTreeMap::new(), [("a".to_owned(), tensor)]).expect_err("too large").to_string();
    assert!(error.ends_with("tensor 'a' has numbers beyond the largest one of F16"), "{error}");
    assert!(!path.exists());
}
