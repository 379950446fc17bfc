//! The configuration files of the paper's other systems (`trainer/configs/`).

use std::path::{Path, PathBuf};

use burn::prelude::*;
use toml::Table;

use crate::config::{Config, MethodKind, ModelConfig, ModelKind};
use crate::data::LatticeStatistics;
use crate::model::names::NamedTensor;
use crate::model::test_model::of_recipe;
use crate::model::{HeadSize, PropertyModel, names};
use crate::task::{Group, Task};

/// The head of a model.
const HEAD: HeadSize = HeadSize { width: 1, outputs: 1, per_site: false };
/// Beginning of the names of the ablations of MMPT.
const ABLATIONS: &str = "mmpt-";

/// A file with the model of a recipe.
struct File {
    name: &'static str,
    kind: ModelKind,
    /// Group and task of the recipe.
    recipe: (Group, &'static str),
    /// Number of trained numbers of the model.
    parameters: usize,
}

const fn file(
    name: &'static str,
    kind: ModelKind,
    group: Group,
    task: &'static str,
    parameters: usize,
) -> File {
    File { name, kind, recipe: (group, task), parameters }
}

const FILES: [File; 10] = [
    file("cgcnn-matbench", ModelKind::Cgcnn, Group::Matbench, "matbench_jdft2d", 74_497),
    file("cgcnn-other", ModelKind::Cgcnn, Group::Other, "mp_gap", 259_713),
    file("schnet-matbench", ModelKind::Schnet, Group::Matbench, "matbench_dielectric", 317_761),
    file("schnet-mp-elastic", ModelKind::Schnet, Group::Other, "mp_shear", 128_769),
    file("schnet-other", ModelKind::Schnet, Group::Other, "jarvis_ehull", 128_769),
    file("megnet-matbench", ModelKind::Megnet, Group::Matbench, "matbench_log_kvrh", 144_129),
    file("megnet-mp-gap", ModelKind::Megnet, Group::Other, "mp_gap", 170_193),
    file("megnet-other", ModelKind::Megnet, Group::Other, "mp_bulk", 170_193),
    file("alignn", ModelKind::Alignn, Group::Matbench, "matbench_jdft2d", 4_026_753),
    file("matformer", ModelKind::Matformer, Group::Other, "jarvis_mbj_gap", 2_782_849),
];

fn folder() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/configs")).to_owned()
}

impl File {
    fn path(&self) -> PathBuf {
        folder().join(format!("{}.toml", self.name))
    }

    fn model(&self) -> ModelConfig {
        Config::load(&self.path()).expect(self.name).model
    }

    fn initialised(&self) -> PropertyModel {
        PropertyModel::init(&self.model(), HEAD, &LatticeStatistics::default(), 0, &Device::flex())
    }
}

#[test]
fn every_file_is_a_configuration_of_the_paper() {
    let entries = std::fs::read_dir(folder()).expect("a folder of configurations");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("ASCII"));
    let mut names: Vec<_> = names.filter(|name| !name.starts_with(ABLATIONS)).collect();
    names.sort();
    let mut expected = FILES.map(|file| format!("{}.toml", file.name));
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn files_set_the_model_of_a_recipe_and_nothing_else() {
    for file in FILES {
        let text = std::fs::read_to_string(file.path()).expect("a readable file");
        let table: Table = text.parse().expect("TOML");
        assert_eq!(table.keys().collect::<Vec<_>>(), ["model"], "{}", file.name);
        let (group, task) = file.recipe;
        assert_eq!(file.model(), of_recipe(file.kind, group, task), "{}", file.name);
    }
}

/// A file names every setting that a recipe of its encoder sets.
#[test]
fn no_recipe_changes_the_model_of_a_file() {
    for file in FILES {
        for group in [Group::Matbench, Group::Other] {
            for task in Task::names() {
                let recipe = |config: &Config| group.recipe(config.model.kind, MethodKind::Mmpt, task);
                let config = Config::resolve_over(recipe, Some(&file.path()), &[] as &[&str]);
                assert_eq!(config.expect(file.name).model, file.model(), "{} on {task}", file.name);
            }
        }
    }
}

#[test]
fn models_have_the_published_sizes() {
    for file in FILES {
        let model = file.initialised();
        let parameters = names::parameters(&model).into_iter();
        let trained = parameters.filter(|tensor| names::is_trained(&tensor.name));
        let count: usize = trained.map(|tensor| tensor.data.num_elements()).sum();
        assert_eq!(count, file.parameters, "{}", file.name);
    }
}

#[test]
fn blank_models_have_the_same_tensors_with_zeros() {
    for file in FILES {
        let blank = names::parameters(&PropertyModel::blank(&file.model(), HEAD, &Device::flex()));
        let drawn = names::parameters(&file.initialised());
        let shapes = |tensors: &[NamedTensor]| -> Vec<(String, Vec<usize>)> {
            tensors.iter().map(|tensor| (tensor.name.clone(), tensor.shape.clone())).collect()
        };
        assert_eq!(shapes(&blank), shapes(&drawn), "{}", file.name);
        assert!(blank.iter().all(|tensor| tensor.data.iter::<f64>().all(|value| value == 0.0)));
    }
}
