//! Names of the parameters in a weights file, which follow PyTorch (specification, section 9).

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;
use burn::tensor::DType;

use super::encoder::Encoder;
use super::head::Head;

/// Statistics that models keep as parameters: of the lattices of the training set and of batch normalisations.
const STATISTICS: [&str; 4] = ["lattice.mean", "lattice.std", ".running_mean", ".running_var"];

/// Name of the field that holds the decoders of a pre-trained model. It is no part of the parameters' names.
const DECODERS_FIELD: &str = "decoders";

/// Name of the field that holds the model of a property in one that is trained. It is no part of the parameters' names.
const PROPERTY_FIELD: &str = "property";

/// Whether a parameter is trained. The others are statistics.
pub fn is_trained(name: &str) -> bool {
    !STATISTICS.iter().any(|statistic| name.ends_with(statistic))
}

/// A named parameter outside any backend.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Name (specification, section 9).
    pub name: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// Values in row-major order, in the precision of the model.
    pub data: TensorData,
}

/// Returns the name of a parameter from its path of field names and indices. The path below an encoder is renamed by
/// the encoder.
///
/// PyTorch also numbers the activations of a stack, so layer i of a perceptron is number 2i in the file.
fn name_of(path: &[String]) -> String {
    let path = match path.split_first() {
        Some((field, rest)) if field == PROPERTY_FIELD => rest,
        _ => path,
    };
    let path = match path.split_first() {
        Some((field, rest)) if field == Encoder::FIELD => Encoder::rename(rest),
        Some((field, rest)) if field == Head::FIELD => Head::rename(rest),
        Some((field, rest)) if field == DECODERS_FIELD => rest.to_vec(),
        _ => path.to_vec(),
    };
    let mut parts: Vec<String> = Vec::with_capacity(path.len());
    let mut in_layers = false;
    for part in path {
        if in_layers {
            let index: usize = part.parse().expect("layers are numbered");
            parts.push((2 * index).to_string());
            in_layers = false;
        } else if part == "layers" {
            in_layers = true;
        } else {
            parts.push(part);
        }
    }
    parts.join(".")
}

/// Path of the current parameter while a module is visited.
#[derive(Default)]
pub(crate) struct Path(Vec<String>);

impl Path {
    pub(crate) fn enter(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    pub(crate) fn exit(&mut self) {
        self.0.pop();
    }

    pub(crate) fn name(&self) -> String {
        name_of(&self.0)
    }
}

/// Returns every parameter of a model, including those that are not trained, in the model's order.
pub fn parameters<M: Module>(module: &M) -> Vec<NamedTensor> {
    #[derive(Default)]
    struct Collect {
        path: Path,
        tensors: Vec<NamedTensor>,
    }
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val();
            self.tensors.push(NamedTensor {
                name: self.path.name(),
                shape: tensor.dims().to_vec(),
                data: tensor.into_data(),
            });
        }
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
    }
    let mut collect = Collect::default();
    module.visit(&mut collect);
    collect.tensors
}

/// Returns how many numbers of a model are trained: all but the statistics of its lattice encoder and batch
/// normalisations.
pub fn trained<M: Module>(module: &M) -> usize {
    let trained = parameters(module).into_iter().filter(|parameter| is_trained(&parameter.name));
    trained.map(|parameter| parameter.data.num_elements()).sum()
}

/// Replaces the parameters that `tensors` names and keeps the others. Shapes must agree (see
/// `crate::weights::check`). The parameters take the precision of the given values.
pub fn with_parameters<M: Module>(module: M, mut tensors: BTreeMap<String, TensorData>) -> M {
    replace(module, |name, _| tensors.remove(name))
}

/// Casts a model to another precision.
pub fn with_dtype<M: Module>(module: M, dtype: DType) -> M {
    replace(module, |_, data| Some(data.convert_dtype(dtype)))
}

fn replace<M: Module>(module: M, values: impl FnMut(&str, TensorData) -> Option<TensorData>) -> M {
    struct Replace<F> {
        path: Path,
        values: F,
    }
    impl<F: FnMut(&str, TensorData) -> Option<TensorData>> ModuleMapper for Replace<F> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = self.path.name();
            let values = &mut self.values;
            param.map(|tensor| {
                let Some(data) = values(&name, tensor.to_data()) else { return tensor };
                let (dtype, device) = (data.dtype(), tensor.device());
                let replaced = Tensor::from_data(data, (&device, dtype));
                if tensor.is_require_grad() { replaced.require_grad() } else { replaced }
            })
        }
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
    }
    module.map(&mut Replace { path: Path::default(), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_count_their_activations() {
        let path = |text: &str| name_of(&text.split('/').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(path("lattice_dec/layers/1/weight"), "lattice_dec.2.weight");
        assert_eq!(path("atom_gin/mlp/layers/1/bias"), "atom_gin.mlp.2.bias");
        assert_eq!(path("pal_dir/layers/0/weight"), "pal_dir.0.weight");
        assert_eq!(path("head/Mmpt/perceptron/layers/1/weight"), "head.2.weight");
        assert_eq!(path("encoder/Cgcnn/convs/0/bn1/running_var"), "convs.0.bn1.running_var");
        assert_eq!(path("head/Cgcnn/fc_out/Linear/bias"), "fc_out.bias");
        assert_eq!(path("head/Cgcnn/fc_out/Perceptron/layers/1/bias"), "fc_out.2.bias");
        assert_eq!(path("encoder/Mmpt/structure/messages/emb_lin/weight"), "structure.emb_lin.weight");
        assert_eq!(path("encoder/Mmpt/structure/attn/w/weight"), "structure.attn.W.weight");
        assert_eq!(
            path("encoder/Mmpt/structure/inter/0/layers_before_skip/0/lin1/weight"),
            "structure.inter.0.layers_before_skip.0.lin1.weight"
        );
    }
}
