use super::*;

/// Points along a line, and a coordinate that does not vary.
fn recorded(crystals: usize) -> TrainingCrystals {
    let mut training = TrainingCrystals::new(crystals);
    for index in 0..crystals {
        training.push(&[index as f32, 7.0], &[8, 8, 14][index % 2..]);
    }
    training
}

/// Writes weights and the record of 50 training crystals beside them; returns the folder and the path of the weights.
fn saved() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let weights = folder.path().join("best.safetensors");
    std::fs::write(&weights, "weights").expect("it is writable");
    recorded(50).write(&weights).expect("it is writable");
    (folder, weights)
}

#[test]
fn the_domain_is_that_of_its_weights() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let weights = folder.path().join("best.safetensors");
    std::fs::write(&weights, "weights").expect("it is writable");
    assert_eq!(ModelDomain::read(&weights).expect("none is no fault"), None);
    recorded(50).write(&weights).expect("it is writable");
    let domain = ModelDomain::read(&weights).expect("it is readable").expect("it is there");
    assert_eq!(domain.elements(), &BTreeSet::from([8, 14]));
    let crystals: [&[u8]; 4] = [&[8, 14], &[8, 14], &[8, 14], &[8, 15]];
    let distances = domain.distances(&[21.0, 7.0, 500.0, 7.0, f32::NAN, 7.0, 21.0, 7.0], 2, crystals);
    let [near, far, broken, unseen] = distances[..] else { panic!("four") };
    assert!(near.is_some_and(|near| near < domain.limit()), "{distances:?}");
    assert!(far.is_some_and(|far| far > 10.0 * domain.limit()) && broken.is_none(), "{distances:?}");
    assert!(unseen.is_some_and(|unseen| unseen > 10.0 * domain.limit()), "{distances:?}");
    std::fs::write(&weights, "others").expect("it is writable");
    assert_eq!(ModelDomain::read(&weights).expect("another's is no fault"), None);
    std::fs::write(folder.path().join(DOMAIN_FILE), "{}").expect("it is writable");
    assert!(ModelDomain::read(&weights).is_err());
}

#[test]
fn records_of_earlier_programs_have_no_compositions() {
    let (_folder, weights) = saved();
    let path = TrainingCrystals::path(&weights);
    let mut file = weights::read(&path).expect("it is readable");
    file.tensors.remove(SHARES);
    weights::write(&path, &file.metadata, file.tensors).expect("it is writable");
    let domain = ModelDomain::read(&weights).expect("it is readable").expect("it is there");
    let crystals: [&[u8]; 2] = [&[8, 14], &[15]];
    let distances = domain.distances(&[20.2, 7.0, 20.2, 7.0], 2, crystals);
    assert!(distances[0].is_some() && distances[0] == distances[1], "{distances:?}");
}

#[test]
fn embeddings_that_are_not_finite_are_left_out_and_refused() {
    let (folder, weights) = saved();
    let finite = std::fs::read(folder.path().join(DOMAIN_FILE)).expect("a record");
    let mut training = recorded(50);
    training.push(&[f32::NAN, 7.0], &[8, 14]);
    training.write(&weights).expect("it is writable");
    assert_eq!(std::fs::read(folder.path().join(DOMAIN_FILE)).expect("a record"), finite);
    let path = TrainingCrystals::path(&weights);
    let mut file = weights::read(&path).expect("it is readable");
    let mut values = file.tensors[EMBEDDINGS].values.clone().into_f32();
    values[7] = f32::INFINITY;
    file.tensors.insert(EMBEDDINGS.to_owned(), Tensor::f32([50, 2], values));
    weights::write(&path, &file.metadata, file.tensors).expect("it is writable");
    let line = ModelDomain::read(&weights).expect_err("no distance").to_string();
    assert!(
        line.contains("tensor 'embeddings' must hold a matrix of finite numbers in single precision"),
        "{line}"
    );
}

#[test]
fn numbers_that_are_no_shares_are_refused() {
    let (_folder, weights) = saved();
    let path = TrainingCrystals::path(&weights);
    let file = weights::read(&path).expect("it is readable");
    let refused = |metadata: &BTreeMap<String, String>, shares: Tensor| {
        let mut tensors = file.tensors.clone();
        tensors.insert(SHARES.to_owned(), shares);
        weights::write(&path, metadata, tensors).expect("it is writable");
        ModelDomain::read(&weights).expect_err("no shares").to_string()
    };
    let whole = file.tensors[SHARES].values.clone().into_f32();
    for wrong in [f32::NAN, f32::INFINITY, -1.0, 0.9] {
        let mut values = whole.clone();
        values[7] = wrong;
        let line = refused(&file.metadata, Tensor::f32([50, 2], values));
        assert!(line.contains("tensor 'element_shares' must hold the shares of 2 elements"), "{line}");
    }
    for tensor in [
        Tensor::f32([2, 50], whole.clone()),
        Tensor::f32([100], whole.clone()),
        Tensor::f64([50, 2], whole.iter().copied().map(f64::from).collect::<Vec<f64>>()),
    ] {
        let line = refused(&file.metadata, tensor);
        assert!(line.contains("in 50 crystals"), "{line}");
    }
    let mut swapped = file.metadata.clone();
    swapped.insert(ELEMENTS_KEY.to_owned(), "Si O".to_owned());
    let line = refused(&swapped, Tensor::f32([50, 2], whole));
    assert!(line.contains("domain.elements = Si O: must be in the order of atomic numbers"), "{line}");
}

#[test]
fn few_crystals_have_no_domain_and_many_are_thinned() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let weights = folder.path().join("best.safetensors");
    std::fs::write(&weights, "weights").expect("it is writable");
    recorded(NEIGHBOURS).write(&weights).expect("it is writable");
    assert_eq!(ModelDomain::read(&weights).expect("it is readable"), None);
    let many = recorded(2 * MOST_CRYSTALS + 1);
    assert!(many.embeddings.len() / 2 <= MOST_CRYSTALS && many.embeddings.len() / 2 > MOST_CRYSTALS / 2);
}
