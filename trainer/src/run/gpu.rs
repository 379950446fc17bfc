//! How busy the GPU of a run is.

use burn::prelude::*;

/// Gauge of a GPU's load, by NVIDIA's management library where the machine has it.
#[derive(Debug, Default)]
pub(super) struct GpuGauge {
    #[cfg(feature = "tch")]
    gpu: Option<nvidia::Gpu>,
}

impl GpuGauge {
    /// Opens the gauge of a device. It shows nothing if that is no GPU.
    #[cfg(feature = "tch")]
    pub(super) fn of(device: &Device) -> Self {
        Self { gpu: crate::device::cuda_index(device).and_then(nvidia::Gpu::open) }
    }

    /// Opens the gauge of a device. It shows nothing: this program knows no GPU.
    #[cfg(not(feature = "tch"))]
    pub(super) fn of(_device: &Device) -> Self {
        Self::default()
    }

    /// Returns the share of the last sixth of a second to second in which the GPU was at work, 0 to 1; `None` without a
    /// GPU.
    pub(super) fn busy(&self) -> Option<f64> {
        #[cfg(feature = "tch")]
        return self.gpu.as_ref().and_then(nvidia::Gpu::busy);
        #[cfg(not(feature = "tch"))]
        None
    }
}

#[cfg(feature = "tch")]
mod nvidia {
    use nvml_wrapper::{Device, Nvml};

    /// Environment variable by which CUDA numbers the GPUs of a process.
    const VISIBLE: &str = "CUDA_VISIBLE_DEVICES";
    /// Environment variable with the order in which CUDA numbers the GPUs of a machine, the fastest first unless given.
    const ORDER: &str = "CUDA_DEVICE_ORDER";
    /// Its value for the order of the management library.
    const BY_BUS: &str = "PCI_BUS_ID";
    /// Beginning of the identifiers by which the variable may name GPUs.
    const UUID: &str = "GPU-";
    /// Load of a GPU that was at work all the time.
    const WHOLE: f64 = 100.0;

    /// A GPU as the management library names it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) enum Name {
        /// Its number among all GPUs of the machine.
        Number(u32),
        /// Its identifier.
        Uuid(String),
    }

    impl Name {
        /// Returns the name of the GPU with a number in this process, given the value of [`VISIBLE`].
        pub(super) fn of(index: usize, visible: Option<&str>) -> Option<Self> {
            let Some(visible) = visible else { return u32::try_from(index).ok().map(Self::Number) };
            let name = visible.split(',').nth(index)?.trim();
            match name.starts_with(UUID) {
                true => Some(Self::Uuid(name.to_owned())),
                false => name.parse().ok().map(Self::Number),
            }
        }
    }

    /// A GPU.
    #[derive(Debug)]
    pub(super) struct Gpu {
        library: Nvml,
        name: Name,
    }

    impl Gpu {
        /// Opens the GPU with a number in this process; `None` if the library is missing, or if its number may be that of
        /// another GPU.
        pub(super) fn open(index: usize) -> Option<Self> {
            let name = Name::of(index, std::env::var(VISIBLE).ok().as_deref())?;
            let library = Nvml::init().ok()?;
            let is_ordered = std::env::var(ORDER).is_ok_and(|order| order == BY_BUS);
            let is_certain = matches!(name, Name::Uuid(_)) || is_ordered || library.device_count().ok()? == 1;
            is_certain.then_some(Self { library, name })
        }

        fn device(&self) -> Option<Device<'_>> {
            match &self.name {
                Name::Number(number) => self.library.device_by_index(*number).ok(),
                Name::Uuid(uuid) => self.library.device_by_uuid(uuid.as_str()).ok(),
            }
        }

        pub(super) fn busy(&self) -> Option<f64> {
            Some(f64::from(self.device()?.utilization_rates().ok()?.gpu) / WHOLE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_no_gpu() {
        assert_eq!(GpuGauge::of(&Device::flex()).busy(), None);
    }

    #[cfg(feature = "tch")]
    #[test]
    fn a_gpu_has_its_number_among_the_visible_ones() {
        use nvidia::Name;

        assert_eq!(Name::of(1, None), Some(Name::Number(1)));
        assert_eq!(Name::of(1, Some("3, 2")), Some(Name::Number(2)));
        assert_eq!(Name::of(0, Some("GPU-8f3a")), Some(Name::Uuid("GPU-8f3a".to_owned())));
        for hidden in ["", "-1", "3", "NoDevFiles", "MIG-8f3a,MIG-0"] {
            assert_eq!(Name::of(1, Some(hidden)), None, "{hidden}");
        }
    }
}
