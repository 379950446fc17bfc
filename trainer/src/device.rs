//! Devices by name: the one place where backends are listed.

use std::fmt;
use std::str::FromStr;

use burn::backend::DispatchDevice;
use burn::prelude::*;

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceName {
    /// The embedded CPU backend.
    Cpu,
    /// libtorch on the CPU.
    Libtorch,
    /// libtorch on a CUDA device, by its index.
    Cuda(usize),
}

/// Names of the devices that this program was built for, separated by commas; whether a machine has them
/// shows when they are opened.
#[cfg(not(feature = "tch"))]
pub const BUILT_FOR: &str = "cpu";
/// Names of the devices that this program was built for, separated by commas; whether a machine has them
/// shows when they are opened, and `cuda:N` needs a libtorch that was built for CUDA.
#[cfg(feature = "tch")]
pub const BUILT_FOR: &str = "cpu, libtorch, cuda:N";

/// A device that there is not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The name says nothing to us.
    #[error("'{name}' is no device: cpu, libtorch, cuda or cuda:N")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// This program was built without libtorch.
    #[error(
        "device {name} needs libtorch, which this program was built without; there is: cpu (`make libtorch` \
         and a build with `--features tch` bring libtorch)"
    )]
    WithoutLibtorch {
        /// What was asked for.
        name: DeviceName,
    },
    /// libtorch sees no such CUDA device.
    #[error("there is no device {name}; there are: {available}")]
    Missing {
        /// What was asked for.
        name: DeviceName,
        /// Those that there are, separated by commas.
        available: String,
    },
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceName::Cpu => f.write_str("cpu"),
            DeviceName::Libtorch => f.write_str("libtorch"),
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
    /// Opens the device, without automatic differentiation.
    ///
    /// # Errors
    /// [`DeviceError`] when this program or machine has none of that name.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            DeviceName::Cpu => Ok(Device::flex()),
            other => open_libtorch(other),
        }
    }
}

#[cfg(not(feature = "tch"))]
fn open_libtorch(name: DeviceName) -> Result<Device, DeviceError> {
    Err(DeviceError::WithoutLibtorch { name })
}

#[cfg(feature = "tch")]
#[allow(deprecated, reason = "burn 0.22 is the last version with libtorch, and says so everywhere")]
fn open_libtorch(name: DeviceName) -> Result<Device, DeviceError> {
    use burn::tensor::DeviceType;

    let DeviceName::Cuda(index) = name else {
        return Ok(Device::libtorch());
    };
    // libtorch's list is that of its CUDA devices; a libtorch without CUDA has none.
    let count = Device::enumerate(DeviceType::LibTorch).into_iter().count();
    if index < count {
        return Ok(Device::libtorch_cuda(index));
    }
    let cuda = (0..count).map(|index| format!(", {}", DeviceName::Cuda(index))).collect::<String>();
    Err(DeviceError::Missing {
        name,
        available: format!("{}, {}{cuda}", DeviceName::Cpu, DeviceName::Libtorch),
    })
}

/// Which of the forms in `crate::ops` a device's operations have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operations {
    /// `crate::ops::fused`: our kernels, on the embedded CPU backend.
    Fused,
    /// `crate::ops::libtorch`: libtorch's kernels, on the CPU and on CUDA.
    #[cfg(feature = "tch")]
    Libtorch,
    /// `crate::ops::composed`: tensor operations, on any backend.
    Composed,
}

/// Which operations a device has.
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

/// Whether a device is the CPU itself. Elsewhere every operation that is started costs time of its own,
/// so that a few on much data are better than many on little.
#[allow(deprecated, reason = "burn 0.22 is the last version with libtorch, and says so everywhere")]
pub fn computes_on_host(device: &Device) -> bool {
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "tch")]
        DispatchDevice::LibTorch(device) => *device == burn_tch::LibTorchDevice::Cpu,
        DispatchDevice::Autodiff(_) => computes_on_host(&device.clone().inner()),
        #[allow(unreachable_patterns, reason = "the other backends are optional")]
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["cpu", "libtorch", "cuda:0", "cuda:3"] {
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

    #[cfg(not(feature = "tch"))]
    #[test]
    fn libtorch_is_an_error_without_it() {
        for name in [DeviceName::Libtorch, DeviceName::Cuda(1)] {
            let error = name.open().expect_err("not in this program");
            assert!(error.to_string().contains(&format!("device {name} needs libtorch")));
        }
    }
}
