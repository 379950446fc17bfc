//! Devices by name. This is the one place that lists the backends.

use std::fmt;
use std::str::FromStr;
#[cfg(feature = "tch")]
use std::sync::atomic::{AtomicBool, Ordering};

use burn::backend::DispatchDevice;
use burn::prelude::*;

/// A device on which a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceName {
    /// The CPU, with the built-in backend.
    Cpu,
    /// The CPU, with libtorch.
    Libtorch,
    /// The CPU, with libtorch and on the path of a CUDA device: for tests and measurements of that path without one.
    LibtorchAsCuda,
    /// A CUDA device by its index, with libtorch.
    Cuda(usize),
}

/// Environment variable with the CUDA devices that a process sees.
const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";

impl DeviceName {
    /// Returns the CUDA device of one of several processes on a machine, by its index among these. A launcher may have given
    /// each of them a device of its own by `CUDA_VISIBLE_DEVICES`, the only one that it sees.
    pub fn of_process(index: usize) -> Self {
        let is_given = std::env::var_os(VISIBLE).is_some() && cuda_devices() == 1;
        Self::Cuda(if is_given { 0 } else { index })
    }
}

/// Names of the devices in this build, separated by commas. Whether the machine has them shows when they are opened.
#[cfg(not(feature = "tch"))]
pub const BUILT_FOR: &str = "cpu";
/// Names of the devices in this build, separated by commas. Whether the machine has them shows when they are opened;
/// `cuda:N` needs a libtorch with CUDA.
#[cfg(feature = "tch")]
pub const BUILT_FOR: &str = "cpu, libtorch, cuda:N";

/// A device that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The name is not that of a device.
    #[error("'{name}' is no device: cpu, libtorch, cuda or cuda:N")]
    Unknown {
        /// The name given.
        name: String,
    },
    /// The device needs libtorch, and this program was built without it.
    #[error(
        "device {name} needs libtorch, which this program was built without; there is: cpu (the \
         feature `tch` brings libtorch)"
    )]
    WithoutLibtorch {
        /// The device asked for.
        name: DeviceName,
    },
    /// libtorch does not see the CUDA device.
    #[error("there is no device {name}; there are: {available}")]
    Missing {
        /// The device asked for.
        name: DeviceName,
        /// The devices of the machine, separated by commas.
        available: String,
    },
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceName::Cpu => f.write_str("cpu"),
            DeviceName::Libtorch => f.write_str("libtorch"),
            DeviceName::LibtorchAsCuda => f.write_str("libtorch-as-cuda"),
            DeviceName::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceName {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text {
            "cpu" => Ok(DeviceName::Cpu),
            "libtorch" => Ok(DeviceName::Libtorch),
            "libtorch-as-cuda" => Ok(DeviceName::LibtorchAsCuda),
            "cuda" => Ok(DeviceName::Cuda(0)),
            other => other
                .strip_prefix("cuda:")
                .and_then(|index| index.parse().ok())
                .map(DeviceName::Cuda)
                .ok_or_else(|| DeviceError::Unknown { name: other.to_owned() }),
        }
    }
}

impl DeviceName {
    /// Opens the device without automatic differentiation, for the calling thread; see [`enter_thread`] for others.
    ///
    /// # Errors
    /// [`DeviceError`] if the program or the machine does not have the device.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            DeviceName::Cpu => Ok(Device::flex()),
            other => open_libtorch(other).inspect(enter_thread),
        }
    }
}

/// Whether libtorch's CPU takes the path of a CUDA device.
#[cfg(feature = "tch")]
static AS_CUDA: AtomicBool = AtomicBool::new(false);

/// Whether libtorch's CPU takes the path of a CUDA device; see [`DeviceName::LibtorchAsCuda`].
#[cfg(feature = "tch")]
pub(crate) fn acts_as_cuda() -> bool {
    AS_CUDA.load(Ordering::Relaxed)
}

/// Returns the number of CUDA devices that this process sees.
#[cfg(feature = "tch")]
#[allow(deprecated, reason = "burn 0.22 is the last version with libtorch, and says so everywhere")]
fn cuda_devices() -> usize {
    use burn::tensor::DeviceType;

    // libtorch's list is that of its CUDA devices; a libtorch without CUDA has none.
    Device::enumerate(DeviceType::LibTorch).into_iter().count()
}

#[cfg(not(feature = "tch"))]
fn cuda_devices() -> usize {
    0
}

#[cfg(not(feature = "tch"))]
fn open_libtorch(name: DeviceName) -> Result<Device, DeviceError> {
    Err(DeviceError::WithoutLibtorch { name })
}

#[cfg(feature = "tch")]
#[allow(deprecated, reason = "burn 0.22 is the last version with libtorch, and says so everywhere")]
fn open_libtorch(name: DeviceName) -> Result<Device, DeviceError> {
    let DeviceName::Cuda(index) = name else {
        AS_CUDA.store(name == DeviceName::LibtorchAsCuda, Ordering::Relaxed);
        return Ok(Device::libtorch());
    };
    let count = cuda_devices();
    if index < count {
        return Ok(Device::libtorch_cuda(index));
    }
    let cuda = (0..count).map(|index| format!(", {}", DeviceName::Cuda(index))).collect::<String>();
    Err(DeviceError::Missing {
        name,
        available: format!("{}, {}{cuda}", DeviceName::Cpu, DeviceName::Libtorch),
    })
}

/// Prepares the calling thread for the work on a device. Threads that have not been prepared work more slowly.
pub fn enter_thread(device: &Device) {
    match operations(device) {
        #[cfg(feature = "tch")]
        Operations::Libtorch => {
            // A libtorch that cannot do so is only slower.
            let _ = crate::raw::autograd::leave_out();
        }
        _ => {}
    }
}

/// Sets the number of threads of libtorch's operations on the CPU.
pub fn set_threads(count: usize) {
    #[cfg(feature = "tch")]
    tch::set_num_threads(i32::try_from(count).unwrap_or(i32::MAX));
    #[cfg(not(feature = "tch"))]
    let _ = count;
}

/// Implementation of the operations in `crate::ops` for a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operations {
    /// `crate::ops::fused`: the kernels of this project, on the built-in CPU backend.
    Fused,
    /// `crate::ops::libtorch`: libtorch's kernels, on the CPU and on CUDA.
    #[cfg(feature = "tch")]
    Libtorch,
    /// `crate::ops::composed`: tensor operations, on any backend.
    Composed,
}

/// Returns the implementation of the operations for a device.
#[allow(deprecated, reason = "burn 0.22 is the last version with libtorch, and says so everywhere")]
pub fn operations(device: &Device) -> Operations {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => Operations::Fused,
        #[cfg(feature = "tch")]
        DispatchDevice::LibTorch(_) => Operations::Libtorch,
        DispatchDevice::Autodiff(_) => operations(&device.clone().inner()),
        #[allow(unreachable_patterns, reason = "the other backends are optional")]
        _ => Operations::Composed,
    }
}

/// Whether the operations of `crate::ops::fused` run on a device.
pub fn has_fused_operations(device: &Device) -> bool {
    operations(device) == Operations::Fused
}

/// Whether a device computes on the host's CPU. On other devices every operation has a launch cost, so that a few
/// operations on much data are faster than many on little.
#[allow(deprecated, reason = "burn 0.22 is the last version with libtorch, and says so everywhere")]
pub fn computes_on_host(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "tch")]
        DispatchDevice::LibTorch(device) => *device == burn_tch::LibTorchDevice::Cpu && !acts_as_cuda(),
        DispatchDevice::Autodiff(_) => computes_on_host(&device.clone().inner()),
        #[allow(unreachable_patterns, reason = "the other backends are optional")]
        _ => false,
    }
}

/// Returns the number of a CUDA device.
#[cfg(feature = "tch")]
#[allow(deprecated, reason = "burn 0.22 is the last version with libtorch, and says so everywhere")]
pub(crate) fn cuda_index(device: &Device) -> Option<usize> {
    match device.as_dispatch() {
        DispatchDevice::LibTorch(burn_tch::LibTorchDevice::Cuda(index)) => Some(*index),
        DispatchDevice::Autodiff(_) => cuda_index(&device.clone().inner()),
        _ => None,
    }
}

/// Whether the parameters of a model on a device are joined to a few large tensors for the optimiser's steps.
pub fn joins_parameters(device: &Device) -> bool {
    !computes_on_host(device) && operations(device) != Operations::Composed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["cpu", "libtorch", "libtorch-as-cuda", "cuda:0", "cuda:3"] {
            assert_eq!(name.parse::<DeviceName>().expect("a device").to_string(), name);
        }
        assert_eq!("cuda".parse::<DeviceName>().expect("a device"), DeviceName::Cuda(0));
        assert!("cuda:x".parse::<DeviceName>().is_err());
        assert!("gpu".parse::<DeviceName>().is_err());
    }

    #[test]
    fn fused_operations_are_those_of_the_cpu_backend() {
        let device = DeviceName::Cpu.open().expect("always there");
        assert!(has_fused_operations(&device));
        assert!(has_fused_operations(&device.autodiff()));
    }

    #[cfg(feature = "tch")]
    #[test]
    fn libtorch_is_opened_by_name() {
        let device = DeviceName::Libtorch.open().expect("always there");
        assert_eq!(operations(&device), Operations::Libtorch);
        assert_eq!(operations(&device.clone().autodiff()), Operations::Libtorch);
        assert!(!has_fused_operations(&device));
        assert!(computes_on_host(&device.autodiff()));
    }

    #[cfg(feature = "tch")]
    #[test]
    fn a_missing_cuda_device_is_told_with_those_that_there_are() {
        // More than a machine has.
        let error = DeviceName::Cuda(4096).open().expect_err("no such device");
        let message = error.to_string();
        assert!(message.starts_with("there is no device cuda:4096; there are: cpu, libtorch"), "{message}");
    }

    #[test]
    fn processes_take_the_devices_in_order_unless_each_sees_one() {
        let expected = if std::env::var_os(VISIBLE).is_some() && cuda_devices() == 1 { 0 } else { 2 };
        assert_eq!(DeviceName::of_process(2), DeviceName::Cuda(expected));
    }

    #[cfg(not(feature = "tch"))]
    #[test]
    fn libtorch_is_an_error_without_it() {
        for name in [DeviceName::Libtorch, DeviceName::Cuda(1)] {
            let error = name.open().expect_err("not in this program");
            assert!(error.to_string().contains(&format!("device {name} needs libtorch")));
        }
    }
}
