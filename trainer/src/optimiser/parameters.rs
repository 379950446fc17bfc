//! The parameters of a model as flat tensors by name.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;

use crate::model::names::Path;

/// Flattens a tensor. One of a single dimension is left alone: a reshape that changes nothing costs as much as another.
pub(super) fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    match D {
        1 => Tensor::from_dispatch(tensor.into_dispatch()),
        _ => {
            let count: usize = tensor.dims().iter().product();
            tensor.reshape([count])
        }
    }
}

/// Returns a model's parameters by name, flat.
pub(crate) fn flat_parameters<M: Module>(model: &M) -> Vec<(String, Tensor<1>)> {
    #[derive(Default)]
    struct Collect {
        path: Path,
        parameters: Vec<(String, Tensor<1>)>,
    }
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.parameters.push((self.path.name(), flat(param.val().inner())));
        }
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
    }
    let mut collect = Collect::default();
    model.visit(&mut collect);
    collect.parameters
}

/// Replaces the parameters that `by_name` lists by `step(name, parameter, entry)`. The parameters are flat.
pub(crate) fn replace<M: Module, T>(
    model: M,
    by_name: BTreeMap<String, T>,
    step: impl FnMut(String, Tensor<1>, T) -> Tensor<1>,
) -> M {
    struct Replace<T, F> {
        path: Path,
        by_name: BTreeMap<String, T>,
        step: F,
    }
    impl<T, F: FnMut(String, Tensor<1>, T) -> Tensor<1>> ModuleMapper for Replace<T, F> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = self.path.name();
            let Some(entry) = self.by_name.remove(&name) else { return param };
            let step = &mut self.step;
            param.map(|tensor| {
                let (shape, device) = (tensor.dims(), tensor.device());
                let stepped = step(name, flat(tensor.inner()), entry).reshape(shape);
                Tensor::from_inner(stepped).to_device(&device).require_grad()
            })
        }
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
    }
    model.map(&mut Replace { path: Path::default(), by_name, step })
}
