//! The numbers of the systems' references against this implementation, in both precisions.

use std::path::{Path, PathBuf};

use super::*;
use crate::device::DeviceName;
use crate::verify::limits;

/// The folder with the numbers of all systems, if it is there.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/baselines/golden"));
    if folder.is_dir() {
        return Some(folder.to_owned());
    }
    eprintln!("skipped: there is no folder {}", folder.display());
    None
}

fn devices() -> Vec<Device> {
    let mut names = vec![DeviceName::Cpu];
    if cfg!(feature = "tch") {
        names.push(DeviceName::Libtorch);
    }
    names.into_iter().map(|name| name.open().expect("a backend of this build")).collect()
}

/// Fails unless the systems whose name begins with a prefix are within the limits.
fn assert_agrees(prefix: &str) {
    let Some(folder) = folder() else { return };
    let fixture = SystemsFixture::open(&folder).expect("a fixture").expect("one of several systems");
    let systems: Vec<&str> = fixture.systems().filter(|system| system.starts_with(prefix)).collect();
    assert!(!systems.is_empty(), "{prefix}");
    for system in systems {
        for device in devices() {
            let in_single = compare_system::<f32>(&fixture, system, &device).expect(system).expect(system);
            let in_double = compare_system::<f64>(&fixture, system, &device).expect(system).expect(system);
            let limits = [limits::single, limits::double_from_stored];
            for (table, limit) in [in_single, in_double].into_iter().zip(limits) {
                let beyond = table.beyond(limit);
                assert!(beyond.is_empty(), "{system} on {device:?}: {beyond:#?}");
                for kind in [Kind::Finetuning, Kind::Loss, Kind::Gradient, Kind::Tensor] {
                    // A pre-training predicts nothing.
                    let Some(worst) = table.worst(kind) else { continue };
                    println!("{system:<20} {kind:<12?} {:.1e} {}", worst.relative, worst.name);
                }
            }
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
