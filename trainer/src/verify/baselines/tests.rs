//! The numbers of the systems' references against this implementation, in both precisions.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;

use super::*;
use crate::device::DeviceName;
use crate::verify::limits;

/// The fixture that comes with the project.
fn small_folder() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/systems")).to_owned()
}

/// The small fixture, and the one of all systems if it is there.
fn folders() -> Vec<PathBuf> {
    let full = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/baselines/golden"));
    if full.is_dir() {
        return vec![small_folder(), full.to_owned()];
    }
    eprintln!("skipped: there is no folder {}", full.display());
    vec![small_folder()]
}

fn devices() -> Vec<Device> {
    let mut names = vec![DeviceName::Cpu];
    if cfg!(feature = "tch") {
        names.push(DeviceName::Libtorch);
    }
    names.into_iter().map(|name| name.open().expect("a backend of this build")).collect()
}

/// Opens a fixture.
fn open(folder: &Path) -> SystemsFixture {
    SystemsFixture::open(folder).expect("a fixture").expect("one of several systems")
}

/// Fails unless the systems whose name begins with a prefix are within the limits.
fn assert_agrees(prefix: &str) {
    for folder in folders() {
        let fixture = open(&folder);
        let systems: Vec<&str> = fixture.systems().filter(|system| system.starts_with(prefix)).collect();
        assert!(!systems.is_empty(), "{prefix} in {}", folder.display());
        for system in systems {
            devices().iter().for_each(|device| assert_system_agrees(&fixture, system, device));
        }
    }
}

/// Fails unless a system is within the limits on a device in both precisions.
fn assert_system_agrees(fixture: &SystemsFixture, system: &str, device: &Device) {
    let in_single = compare_system::<f32>(fixture, system, device).expect(system).expect(system);
    let in_double = compare_system::<f64>(fixture, system, device).expect(system).expect(system);
    let of_single = in_single.beyond(fixture.single(system));
    assert!(of_single.is_empty(), "{system} on {device:?}: {of_single:#?}");
    let of_double = in_double.beyond(limits::double_from_stored);
    assert!(of_double.is_empty(), "{system} on {device:?}: {of_double:#?}");
    for table in [&in_single, &in_double] {
        for kind in [Kind::Loss, Kind::Gradient, Kind::Tensor] {
            let worst = table.worst(kind).unwrap_or_else(|| panic!("{system} has no {kind:?}"));
            println!("{system:<20} {kind:<12?} {:.1e} {}", worst.relative, worst.name);
        }
    }
}

#[test]
fn cgcnn() {
    assert_agrees("cgcnn");
}

#[test]
fn crystal_twins() {
    assert_agrees("ct");
}

#[test]
fn infograph() {
    assert_agrees("infograph");
}

#[test]
fn schnet() {
    assert_agrees("schnet");
}

#[test]
fn megnet() {
    assert_agrees("megnet");
}

#[test]
fn alignn() {
    assert_agrees("alignn");
}

#[test]
fn matformer() {
    assert_agrees("matformer");
}

/// A copy of the small fixture that may be damaged.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder");
    for entry in std::fs::read_dir(small_folder()).expect("a folder") {
        let entry = entry.expect("a readable folder");
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a writable folder");
    }
    copy
}

/// Changes the bytes of a tensor in a file.
fn damage(path: &Path, name: &str, change: impl FnOnce(&mut [u8])) {
    let mut bytes = std::fs::read(path).expect("a readable file");
    let file = SafeTensors::deserialize(&bytes).expect("a well-formed file");
    let tensor = file.tensor(name).expect(name).data();
    let start = tensor.as_ptr().addr() - bytes.as_ptr().addr();
    let range = start..start + tensor.len();
    change(&mut bytes[range]);
    std::fs::write(path, bytes).expect("a writable folder");
}

/// Multiplies the first of a tensor's numbers, of double precision.
fn multiply(tensor: &mut [u8], by: f64) {
    let (first, _) = tensor.split_first_chunk_mut().expect("a number");
    *first = (f64::from_le_bytes(*first) * by).to_le_bytes();
}

/// The names of what deviates in double precision.
fn beyond(folder: &Path, system: &str) -> Vec<String> {
    let table = compare_system::<f64>(&open(folder), system, &Device::flex());
    let table = table.expect("a complete fixture").expect("a known system");
    table.beyond(limits::double_from_stored).into_iter().map(|deviation| deviation.name.clone()).collect()
}

#[test]
fn a_wrong_number_is_seen() {
    let copy = copy();
    for (system, name) in [
        ("cgcnn_small", "loss_eval"),
        ("alignn_small", "pred_train"),
        ("ct_small", "perturb/off_train"),
        ("infograph_small", "e_neg_train"),
        ("matformer_small", "b/att_layers.1.bn.running_var"),
    ] {
        damage(&copy.path().join(format!("{system}.safetensors")), name, |tensor| {
            multiply(tensor, 1.0 + 1e-8)
        });
        assert_eq!(beyond(copy.path(), system), [name], "{system}");
    }
}

#[test]
fn a_wrong_gradient_is_seen() {
    let copy = copy();
    let name = "fp/g/convs.0.fc_full.weight";
    damage(&copy.path().join("cgcnn_small.safetensors"), name, |norm| norm[..8].fill(0));
    assert_eq!(beyond(copy.path(), "cgcnn_small"), [name]);
}

#[test]
fn another_mask_is_seen_in_its_views_alone() {
    let copy = copy();
    let flip = |mask: &mut [u8]| mask[1] ^= 1;
    damage(&copy.path().join("ct_views.safetensors"), "mask/v1/atom_mask", flip);
    let names = beyond(copy.path(), "ct_small");
    assert!(names.iter().any(|name| name == "mask/loss_train"), "{names:?}");
    assert!(names.iter().all(|name| name.contains("mask/")), "{names:?}");
}

#[test]
fn another_distance_is_seen() {
    let copy = copy();
    damage(&copy.path().join("graphs.safetensors"), "knn12+directed/dist", |tensor| multiply(tensor, 1.001));
    assert!(beyond(copy.path(), "schnet_small_pyg").contains(&"pred".to_owned()));
    assert!(beyond(copy.path(), "matformer_small").is_empty());
}

#[test]
fn a_number_that_no_model_has_deviates() {
    let copy = copy();
    let path = copy.path().join("cgcnn_small.safetensors");
    let bytes = std::fs::read(&path).expect("a readable file");
    let mut file: Vec<_> = SafeTensors::deserialize(&bytes).expect("a well-formed file").tensors();
    file.push(("t/none".to_owned(), file[0].1.clone()));
    let bytes = safetensors::serialize(file, None).expect("tensors");
    std::fs::write(&path, bytes).expect("a writable folder");
    assert_eq!(beyond(copy.path(), "cgcnn_small"), ["t/none"]);
}
