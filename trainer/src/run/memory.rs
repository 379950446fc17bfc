//! Memory of training: whether a batch fits, and an upper bound for a whole run.
//!
//! A model that does not fit is refused before it is made, and a batch before it is computed, since the system kills a
//! process that runs out of memory without a message.
//!
//! The upper bound is the resident memory of the process with its model before the first step, plus, in bytes:
//!
//! ```text
//! step       = 1.3 * s(largest batch)                         s by the model, such as [`mmpt::memory`]
//! data       = (queue + workers + 1 or 2) * b(largest batch)  b = 64 * atoms + 256 * edges + 40 * pairs
//!              + shuffle buffer of the largest crystals       32 * atoms + 16 * edges + 1024 each
//!              + one batch of rows of the largest crystals    64 * atoms + 64 * edges each
//!              + 64 MiB for the pages of the columns
//! parameters = (12 to 18, and 3 for every earlier cycle that is kept) * 4 * parameters
//! ```
//!
//! Noise on the crystals takes two batches. The 18 are with an average of the weights and noise on them.
//!
//! The factors of `s` are measured. Those of `b` and of the rows follow from the types in memory, rounded up.
//! `tests/trainer/bench.rs` compares the bound with the peak of whole runs on the CPU.

use burn::prelude::Device;
use schemas::reader::DEFAULT_BATCH_ROWS;

use crate::config::Config;
use crate::config::average::AverageKind;
use crate::config::model::ModelKind;
use crate::config::optimiser::OptimiserKind;
use crate::config::pretrain::MethodKind;
use crate::data::BatchLimit;
use crate::data::size::{LargestBatch, Size, largest_batch};
use crate::device;
use crate::error::TrainError;
use crate::model::{alignn, cgcnn, matformer, megnet, mmpt, schnet};

/// Ratio of the memory of a run's steps to that of a single step. The allocator cannot reuse all memory of earlier
/// batches of other sizes.
const FRAGMENTATION: f64 = 1.3;

/// Bytes of a built batch per atom, edge and pair, as the factors of [`weigh`].
const BUILT: Size = Size { atoms: 64, edges: 256, pairs: 40 };
/// Bytes of a crystal in the shuffle buffer per atom and edge.
const STORED: Size = Size { atoms: 32, edges: 16, pairs: 0 };
/// Bytes of a crystal in the shuffle buffer that do not depend on its atoms and edges.
const STORED_CRYSTAL: f64 = 1024.0;
/// Bytes of a crystal in a batch of rows with all columns, per atom and edge.
const READ: Size = Size { atoms: 64, edges: 64, pairs: 0 };
/// Bytes of the pages of the columns while a row group is read.
const PAGES: f64 = 64.0 * 1024.0 * 1024.0;
/// Numbers per parameter besides its weight: the gradient, two running means, and three copies of weight and means
/// while a checkpoint is written.
const NUMBERS_A_PARAMETER: f64 = 12.0;
/// Numbers per parameter of an average of the weights: the average, the model that is validated with it, and two copies
/// while a checkpoint is written.
const NUMBERS_AN_AVERAGE: f64 = 4.0;
/// Numbers per parameter of weights at the end of a cycle: the weights, and two copies while a file is written.
const NUMBERS_A_CYCLE: f64 = 3.0;
/// Numbers per parameter of noise on the weights: the noisy weight and the noise.
const NUMBERS_OF_NOISE: f64 = 2.0;
/// Numbers per edge and unit of the hidden layer of the heads of denoising: the values and slopes of two heads, and the
/// gradients of one.
const NUMBERS_A_HEAD: f64 = 8.0;
/// Number of bytes of a number.
const NUMBER: f64 = 4.0;

/// File with the memory statistics of the system.
const MEMORY_FILE: &str = "/proc/meminfo";
/// Key of the available memory.
const AVAILABLE_KEY: &str = "MemAvailable:";
/// Number of bytes of the file's unit.
const KIBIBYTE: u64 = 1024;

/// Upper bound of the memory of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// The largest batch that can occur.
    pub batch: LargestBatch,
    /// Bytes of the training steps, without the weights.
    pub step_bytes: f64,
    /// Bytes of the data path: shuffle buffer, built batches and rows being read.
    pub data_bytes: f64,
    /// Bytes of gradients, running means and a checkpoint being written.
    pub parameter_bytes: f64,
}

impl Bound {
    /// Returns the bound for training a model of `parameters` parameters on crystals of these sizes.
    pub fn of(config: &Config, parameters: usize, sizes: &[Size]) -> Self {
        let data = &config.data;
        let limit = data.limit();
        let most = |crystals: usize, weight: &dyn Fn(&Size) -> f64| {
            weight(&largest_batch(sizes, BatchLimit { crystals, triplets: None }, weight).size)
        };
        let built = |size: &Size| weigh(size, &BUILT);
        // Batches in the queue, one that every worker builds, and one that the model computes.
        let own = if builds_twice(config) { 2 } else { 1 };
        let batches = (data.queue + data.workers + own) as f64;
        let buffered = sizes.len().min(data.shuffle_buffer);
        let data_bytes = batches * built(&largest_batch(sizes, limit, built).size)
            + most(buffered, &|size| weigh(size, &STORED))
            + buffered as f64 * STORED_CRYSTAL
            + most(DEFAULT_BATCH_ROWS, &|size| weigh(size, &READ))
            + PAGES;
        let step = |size: &Size| step_bytes(config, size);
        let batch = largest_batch(sizes, limit, step);
        Self {
            batch,
            step_bytes: FRAGMENTATION * step(&batch.size),
            data_bytes,
            parameter_bytes: parameters as f64 * numbers_a_parameter(config) * NUMBER,
        }
    }

    /// Returns the bytes in the host's memory: without the training steps if the model computes on a device with its
    /// own memory.
    pub fn host_bytes(&self, computes_on_host: bool) -> f64 {
        let step_bytes = if computes_on_host { self.step_bytes } else { 0.0 };
        step_bytes + self.data_bytes + self.parameter_bytes
    }
}

/// Returns the bytes of a crystal or batch from the bytes per atom, edge and pair.
fn weigh(size: &Size, bytes: &Size) -> f64 {
    [(size.atoms, bytes.atoms), (size.edges, bytes.edges), (size.pairs, bytes.pairs)]
        .into_iter()
        .map(|(count, bytes)| count as f64 * bytes as f64)
        .sum()
}

/// Estimates the memory of a training step on a batch in bytes, without the weights.
pub fn step_bytes(config: &Config, size: &Size) -> f64 {
    match config.model.kind {
        ModelKind::Mmpt => {
            mmpt::memory::step_bytes(&config.model.mmpt, &config.pretrain.mmpt, size)
                + head_bytes(config, size)
        }
        ModelKind::Cgcnn => views(config) * cgcnn::memory::step_bytes(&config.model.cgcnn, size),
        ModelKind::Schnet => schnet::memory::step_bytes(&config.model.schnet, size),
        ModelKind::Megnet => megnet::memory::step_bytes(&config.model.megnet, size),
        ModelKind::Alignn => alignn::memory::step_bytes(&config.model.alignn, size),
        ModelKind::Matformer => matformer::memory::step_bytes(&config.model.matformer, size),
    }
}

/// Returns the numbers per parameter besides its weight.
fn numbers_a_parameter(config: &Config) -> f64 {
    let average = match config.average.kind {
        AverageKind::None => 0.0,
        AverageKind::Ema | AverageKind::Swa => NUMBERS_AN_AVERAGE,
    };
    let noise = if config.noise.weights > 0.0 { NUMBERS_OF_NOISE } else { 0.0 };
    NUMBERS_A_PARAMETER + average + noise + NUMBERS_A_CYCLE * config.kept_cycles() as f64
}

/// Estimates the memory of the heads of denoising in a training step in bytes.
fn head_bytes(config: &Config, size: &Size) -> f64 {
    match learns_noise(config) {
        true => NUMBERS_A_HEAD * size.edges as f64 * config.pretrain.denoise.head_width as f64 * NUMBER,
        false => 0.0,
    }
}

/// Whether every batch is built a second time, with noise.
fn builds_twice(config: &Config) -> bool {
    learns_noise(config) || config.noise.moves_crystals()
}

/// Whether heads predict noise.
fn learns_noise(config: &Config) -> bool {
    config.learns_noise() || matches!(config.pretrain.method, MethodKind::Denoise | MethodKind::MmptDenoise)
}

/// Returns the number of times that the pre-training encodes a crystal.
fn views(config: &Config) -> f64 {
    match config.pretrain.method {
        MethodKind::CrystalTwins => 2.0,
        // The discriminators take the atoms, which are few beside the edges.
        MethodKind::Mmpt | MethodKind::InfoGraph | MethodKind::Denoise | MethodKind::MmptDenoise => 1.0,
    }
}

/// Returns the memory that programs can still allocate in bytes, if the system reports it.
pub fn available() -> Option<u64> {
    parse(&std::fs::read_to_string(MEMORY_FILE).ok()?)
}

fn parse(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(AVAILABLE_KEY))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(KIBIBYTE)
}

/// The memory of the largest batch so far.
#[derive(Debug, Default)]
pub struct LargestStep {
    bytes: u64,
}

impl LargestStep {
    /// Refuses a batch that needs more memory than is available, unless an earlier one has needed as much: the allocator
    /// keeps freed memory, which the system does not count as available. A device with a memory of its own is not asked.
    ///
    /// # Errors
    /// [`TrainError::Memory`], with the settings that help.
    pub fn require(
        &mut self,
        config: &Config,
        device: &Device,
        crystals: usize,
        size: &Size,
        available: impl FnOnce() -> Option<u64>,
    ) -> Result<(), TrainError> {
        let needed = step_bytes(config, size) as u64;
        if !device::computes_on_host(device) || needed <= self.bytes {
            return Ok(());
        }
        if let Some(available) = available().filter(|available| needed > *available) {
            return Err(TrainError::Memory { crystals, edges: size.edges, needed, available });
        }
        self.bytes = needed;
        Ok(())
    }
}

/// Refuses a model that needs more memory than is available: its numbers with their gradients, the moments of the
/// optimiser, the average of the weights, those at the ends of cycles and the weights with noise. A device with a memory of
/// its own is not asked.
///
/// # Errors
/// [`TrainError::ModelMemory`].
pub fn require_model(
    numbers: f64,
    config: &Config,
    device: &Device,
    available: Option<u64>,
) -> Result<(), TrainError> {
    let moments = match config.optimiser.kind {
        OptimiserKind::Adam | OptimiserKind::AdamW => 2.0,
        OptimiserKind::Sgd => 1.0,
    };
    let average = if config.average.kind == AverageKind::None { 0.0 } else { 1.0 };
    let noise = if config.noise.weights > 0.0 { 1.0 } else { 0.0 };
    let needed = numbers * (2.0 + moments + average + noise + config.kept_cycles() as f64) * NUMBER;
    match available {
        Some(available) if device::computes_on_host(device) && needed > available as f64 => {
            Err(TrainError::ModelMemory { numbers, needed: needed as u64, available })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;

    use super::*;
    use crate::config::model::MegnetStyle;
    use crate::data::LatticeStatistics;
    use crate::model::{HeadSize, PropertyModel, names};
    use crate::pretrain::Pretraining;
    use crate::pretrain::crystal_twins::CrystalTwinsObjective;
    use crate::pretrain::infograph::InfoGraphObjective;
    use crate::pretrain::mmpt::MmptObjective;

    const SIZE: Size = Size { atoms: 800, edges: 10_000, pairs: 130_000 };

    #[test]
    fn the_system_s_answer_is_read() {
        let text = "MemTotal:       24000000 kB\nMemFree:          100 kB\nMemAvailable:     2048 kB\n";
        assert_eq!(parse(text), Some(2048 * 1024));
        assert_eq!(parse("MemTotal: 1 kB\n"), None);
        assert_eq!(parse("MemAvailable: many kB\n"), None);
    }

    #[test]
    fn a_batch_that_does_not_fit_is_refused_with_the_settings_that_help() {
        let config = Config::default();
        let needed = step_bytes(&config, &SIZE) as u64;
        let device = Device::flex();
        let require =
            |largest: &mut LargestStep, available| largest.require(&config, &device, 64, &SIZE, || available);
        let error = require(&mut LargestStep::default(), Some(needed - 1)).expect_err("too little");
        assert!(require(&mut LargestStep::default(), None).is_ok());
        let mut largest = LargestStep::default();
        assert!(require(&mut largest, Some(needed)).is_ok());
        assert!(require(&mut largest, Some(0)).is_ok(), "the allocator has kept it");
        let larger = Size { edges: SIZE.edges + 1, ..SIZE };
        assert!(largest.require(&config, &device, 64, &larger, || Some(0)).is_err());
        let text = error.to_string();
        assert!(text.contains("data.batch_triplets") && text.contains("64 crystals"), "{text}");
    }

    #[test]
    fn a_model_that_does_not_fit_is_refused_before_it_is_made() {
        const NUMBERS: f64 = 1e9;
        let device = Device::flex();
        let mut config = Config::default();
        let require = |config: &_, available| require_model(NUMBERS, config, &device, Some(available));
        assert!(require(&config, 16_000_000_000).is_ok());
        let line = require(&config, 15_999_999_999).expect_err("too little").to_string();
        assert!(line.starts_with("a model of 1000000000 numbers needs about 15258 MiB"), "{line}");
        config.optimiser.kind = OptimiserKind::Sgd;
        assert!(require(&config, 12_000_000_000).is_ok());
        assert!(require_model(NUMBERS, &config, &device, None).is_ok());
        config.average.kind = AverageKind::Ema;
        assert!(require(&config, 16_000_000_000).is_ok() && require(&config, 15_999_999_999).is_err());
    }

    #[test]
    fn averages_and_noise_take_memory() {
        let bytes = |config: &Config| Bound::of(config, 1_000_000, &[SIZE; 8]);
        let plain = bytes(&Config::default());
        let averaged = Config::resolve(None, &["average.kind=ema"]).expect("known settings");
        assert!(bytes(&averaged).parameter_bytes > plain.parameter_bytes);
        let cycles = ["schedule.kind=cosine", "schedule.cosine.cycles=5", "finetune.select=last"];
        let kept = [&cycles[..], &["finetune.snapshots=true"]].concat();
        let [cycles, kept] = [&cycles[..], &kept]
            .map(|settings| bytes(&Config::resolve(None, settings).expect("known settings")).parameter_bytes);
        assert!(kept > cycles && cycles == plain.parameter_bytes);
        let shaken =
            Config::resolve(None, &["noise.weights=0.1", "noise.strain=0.1"]).expect("known settings");
        assert!(bytes(&shaken).parameter_bytes > plain.parameter_bytes);
        assert!(bytes(&shaken).data_bytes > plain.data_bytes);
        let noisy = Config::resolve(None, &["pretrain.method=denoise"]).expect("known settings");
        assert!(bytes(&noisy).data_bytes > plain.data_bytes);
        let wide = Config::resolve(None, &["pretrain.method=denoise", "pretrain.denoise.head_width=8192"]);
        assert!(bytes(&wide.expect("known settings")).step_bytes > 1e9 + bytes(&noisy).step_bytes);
    }

    #[test]
    fn the_numbers_of_a_model_are_counted_without_it() {
        const HEAD: HeadSize = HeadSize { width: 8, outputs: 3, per_site: false };
        let (lattice, device) = (LatticeStatistics::default(), Device::flex().autodiff());
        fn count<M: Module>(model: &M) -> f64 {
            names::parameters(model).iter().map(|tensor| tensor.data.num_elements() as f64).sum()
        }
        for kind in ModelKind::ALL {
            let mut model = Config::default().model;
            model.kind = kind;
            model.megnet.style = MegnetStyle::Lstm;
            let made = PropertyModel::init(&model, HEAD, &lattice, 0, &device);
            assert_eq!(PropertyModel::numbers(&model, HEAD), count(&made), "{kind:?}");
        }
        let mut config = Config::default();
        assert_eq!(MmptObjective::numbers(&config), count(&MmptObjective::init(&config, &lattice, &device)));
        config.model.kind = ModelKind::Cgcnn;
        let twins = CrystalTwinsObjective::init(&config, &lattice, &device);
        assert_eq!(CrystalTwinsObjective::numbers(&config), count(&twins));
        let graphs = InfoGraphObjective::init(&config, &lattice, &device);
        assert_eq!(InfoGraphObjective::numbers(&config), count(&graphs));
        // More than any memory has.
        (config.model.cgcnn.crystal_width, config.model.cgcnn.hidden_layers) = (65536, 1024);
        assert!(PropertyModel::numbers(&config.model, HEAD) > 4e12);
    }

    #[test]
    fn a_wider_or_deeper_model_needs_more() {
        let usual = step_bytes(&Config::default(), &SIZE);
        let changes: [fn(&mut Config); 3] = [
            |config| config.model.mmpt.hidden = 256,
            |config| config.model.mmpt.interaction_blocks = 8,
            |config| config.pretrain.mmpt.decoder_width *= 4,
        ];
        for change in changes {
            let mut config = Config::default();
            change(&mut config);
            assert!(step_bytes(&config, &SIZE) > usual);
        }
    }

    #[test]
    fn whatever_can_grow_raises_the_bound() {
        let sizes = [SIZE; 40];
        let bytes = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            Bound::of(&config, 1000, &sizes).host_bytes(true)
        };
        let base = bytes(|config| (config.data.batch_crystals, config.data.shuffle_buffer) = (8, 10));
        assert!(bytes(|config| (config.data.batch_crystals, config.data.shuffle_buffer) = (16, 10)) > base);
        assert!(bytes(|config| (config.data.batch_crystals, config.data.shuffle_buffer) = (8, 30)) > base);
        let bounded = bytes(|config| {
            (config.data.batch_crystals, config.data.shuffle_buffer) = (8, 10);
            config.data.batch_triplets = Some(300_000);
        });
        assert!(bounded < base);
        assert!(
            Bound::of(&Config::default(), 2000, &sizes).host_bytes(true)
                > Bound::of(&Config::default(), 1000, &sizes).host_bytes(true)
        );
    }
}
