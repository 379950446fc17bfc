//! What a fine-tuned model was trained on: embeddings and compositions of its training crystals, beside its weights. New
//! crystals that lie far from all of them, or hold elements that none of them holds, are outside the model's domain.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crystal::element::SYMBOLS;

use super::composition::{CompositionSpace, shares};
use crate::error::TrainError;
use crate::nearest::{Domain, Points, Query, Standardisation};
use crate::run::folder::DOMAIN_FILE;
use crate::weights::{self, Tensor, Values, WeightsError};

/// Number of the nearest training crystals whose distances are averaged. With one, crystals of a left-out element are told
/// from others better than with five: a crystal of a known kind often has a single close relative in the training part.
const NEIGHBOURS: usize = 1;
/// Largest number of training crystals that are kept; of more, those at equal intervals.
const MOST_CRYSTALS: usize = 20_000;
/// Share of the training crystals that lie within the limit of the domain.
const WITHIN: f64 = 0.95;
/// Largest difference from 1 of the sum of a crystal's shares, by rounding in single precision.
const SHARES_ROUNDING: f32 = 1e-4;
/// Name of the tensor with the embeddings, `[crystals, width]`.
const EMBEDDINGS: &str = "embeddings";
/// Name of the tensor with the share of every element among the atoms of a crystal, `[crystals, elements]`. Files of earlier
/// programs lack it: their distances are by the embeddings alone.
const SHARES: &str = "element_shares";
/// Keys of the metadata: the SHA-256 of the weights, and the symbols of the elements, separated by spaces.
const WEIGHTS_KEY: &str = "domain.weights_sha256";
const ELEMENTS_KEY: &str = "domain.elements";

/// Embeddings and compositions of the training crystals of a model, as they are recorded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrainingCrystals {
    /// Width of an embedding.
    width: usize,
    /// Embeddings, `[crystals, width]`, row-major.
    embeddings: Vec<f32>,
    /// Shares of the elements of each kept crystal, by atomic number.
    shares: Vec<BTreeMap<u8, f32>>,
    /// Atomic numbers of the elements of all crystals seen.
    elements: BTreeSet<u8>,
    /// Number of crystals seen.
    seen: usize,
    /// One crystal in this many is kept.
    stride: usize,
}

impl TrainingCrystals {
    /// Creates an empty record for so many crystals.
    pub(crate) fn new(crystals: usize) -> Self {
        Self { stride: crystals.div_ceil(MOST_CRYSTALS).max(1), ..Self::default() }
    }

    /// Adds a crystal by its embedding and atomic numbers. An embedding that is not finite has no place: of its crystal, only
    /// the elements are recorded.
    pub(crate) fn push(&mut self, embedding: &[f32], atomic_numbers: &[u8]) {
        if self.seen.is_multiple_of(self.stride) && embedding.iter().all(|value| value.is_finite()) {
            self.width = embedding.len();
            self.embeddings.extend_from_slice(embedding);
            self.shares.push(shares(atomic_numbers));
        }
        self.seen += 1;
        self.elements.extend(atomic_numbers);
    }

    fn path(weights: &Path) -> PathBuf {
        weights.with_file_name(DOMAIN_FILE)
    }

    /// Whether there is a file of these weights that gives a domain.
    pub(crate) fn is_recorded(weights: &Path) -> bool {
        ModelDomain::read(weights).is_ok_and(|found| found.is_some())
    }

    /// Writes the file beside a weights file.
    ///
    /// # Errors
    /// [`TrainError::Weights`], or [`TrainError::Read`] if the weights cannot be read.
    pub(crate) fn write(self, weights: &Path) -> Result<(), TrainError> {
        let path = Self::path(weights);
        let broken = |source| TrainError::Weights { path: path.clone(), source };
        let sha256 = TrainError::sha256_of(weights)?;
        let symbols = self.elements.iter().filter_map(|number| SYMBOLS.get(usize::from(*number)));
        let symbols: Vec<&str> = symbols.copied().collect();
        let metadata =
            BTreeMap::from([(WEIGHTS_KEY.to_owned(), sha256), (ELEMENTS_KEY.to_owned(), symbols.join(" "))]);
        let share = |of_crystal: &BTreeMap<u8, f32>, number| of_crystal.get(number).copied().unwrap_or(0.0);
        let of_crystal = |of_crystal| self.elements.iter().map(move |number| share(of_crystal, number));
        let shares: Vec<f32> = self.shares.iter().flat_map(of_crystal).collect();
        let rows = self.shares.len();
        let tensors = [
            (EMBEDDINGS.to_owned(), Tensor::f32([rows, self.width], self.embeddings)),
            (SHARES.to_owned(), Tensor::f32([rows, self.elements.len()], shares)),
        ];
        weights::write(&path, &metadata, tensors).map_err(broken)
    }
}

/// The domain of a model: which elements it has seen, and how far crystals lie from its training crystals.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelDomain {
    standardisation: Standardisation,
    compositions: CompositionSpace,
    domain: Domain,
    limit: f64,
    elements: BTreeSet<u8>,
}

impl ModelDomain {
    /// Reads the file beside a weights file. `None` if there is none, if it belongs to other weights, or if its training
    /// crystals define no distance: there is only one, or half of them have the same embedding and composition as another.
    ///
    /// # Errors
    /// [`TrainError::Weights`] for a file that cannot be read, lacks elements or embeddings, or holds embeddings that are not
    /// finite or numbers that are no shares of elements; [`TrainError::Read`] if the weights cannot be read.
    pub fn read(weights: &Path) -> Result<Option<Self>, TrainError> {
        let path = TrainingCrystals::path(weights);
        if !path.exists() {
            return Ok(None);
        }
        let broken = |source| TrainError::Weights { path: path.clone(), source };
        let missing = |key: &str| broken(WeightsError::MissingMetadata { key: key.to_owned() });
        let mut file = weights::read(&path).map_err(broken)?;
        let sha256 = TrainError::sha256_of(weights)?;
        if file.metadata.get(WEIGHTS_KEY).ok_or_else(|| missing(WEIGHTS_KEY))? != &sha256 {
            return Ok(None);
        }
        let symbols = file.metadata.get(ELEMENTS_KEY).ok_or_else(|| missing(ELEMENTS_KEY))?;
        let elements = parse_elements(symbols).map_err(broken)?;
        let wrong =
            |name: &str, needed: String| broken(WeightsError::Tensor { tensor: name.to_owned(), needed });
        let (embeddings, rows, width) = match file.tensors.remove(EMBEDDINGS) {
            Some(Tensor { values: Values::F32(values), shape, .. })
                if shape.len() == 2 && shape[1] > 0 && values.iter().all(|value| value.is_finite()) =>
            {
                (values, shape[0], shape[1])
            }
            _ => return Err(wrong(EMBEDDINGS, "a matrix of finite numbers in single precision".to_owned())),
        };
        let shares = match file.tensors.remove(SHARES) {
            None => Vec::new(),
            Some(Tensor { values: Values::F32(shares), shape, .. })
                if shape == [rows, elements.len()] && are_shares(&shares, elements.len()) =>
            {
                shares
            }
            Some(_) => {
                let needed = format!(
                    "the shares of {} elements in {rows} crystals, numbers from 0 to 1 that add up to 1",
                    elements.len()
                );
                return Err(wrong(SHARES, needed));
            }
        };
        Ok(Self::new(embeddings, width, &shares, elements.into_iter().collect()))
    }

    /// Makes the domain of embeddings, `[crystals, width]`, shares of elements, `[crystals, elements]` or empty, and the
    /// atomic numbers of these elements. `None` if there is no distance, as in [`read`](Self::read).
    fn new(mut embeddings: Vec<f32>, width: usize, shares: &[f32], elements: BTreeSet<u8>) -> Option<Self> {
        let standardisation = Standardisation::of(&embeddings, width);
        standardisation.apply(&mut embeddings);
        let compositions = match shares {
            [] => CompositionSpace::default(),
            shares => CompositionSpace::new(shares, &elements),
        };
        let mut points = Vec::with_capacity(embeddings.len() / width * (width + compositions.width()));
        let mut shares = shares.chunks_exact(elements.len().max(1));
        for embedding in embeddings.chunks_exact(width) {
            points.extend_from_slice(embedding);
            let of_crystal = shares.next().unwrap_or_default();
            compositions
                .place(&elements.iter().copied().zip(of_crystal.iter().copied()).collect(), &mut points);
        }
        let width = width + compositions.width();
        let domain = Domain::new(Points::new(points, width).ok()?, NEIGHBOURS)?;
        let limit = domain.quantile(WITHIN);
        Some(Self { standardisation, compositions, domain, limit, elements })
    }

    /// Returns the domain distance of each of B crystals from their embeddings, `[B, width]`, and the atomic numbers of their
    /// sites, one slice per crystal. The distance of a crystal whose embedding is not finite is `None`.
    ///
    /// It is the Euclidean distance to the nearest training crystal, divided by the median of the same distance among the
    /// training crystals, and so about 1 for a crystal like these. The coordinates are those of the embedding
    /// ([`Standardisation`]) and of the composition, both in units of their standard deviations among the training crystals.
    /// The composition is there for elements that no training crystal holds: the model has learnt nothing about them, and
    /// may give such a crystal an embedding close to those of training crystals.
    pub fn distances<'a>(
        &self,
        embeddings: &[f32],
        width: usize,
        atomic_numbers: impl IntoIterator<Item = &'a [u8]>,
    ) -> Vec<Option<f64>> {
        let mut embeddings = embeddings.to_vec();
        self.standardisation.apply(&mut embeddings);
        let place = |(embedding, atomic_numbers): (&[f32], &[u8])| {
            let mut point = embedding.to_vec();
            self.compositions.place(&shares(atomic_numbers), &mut point);
            point
        };
        let points: Vec<Vec<f32>> = embeddings.chunks(width.max(1)).zip(atomic_numbers).map(place).collect();
        let is_finite = |point: &&Vec<f32>| point.iter().all(|value| value.is_finite());
        let finite: Vec<Query<'_>> =
            points.iter().filter(is_finite).map(|point| Query { point, except: None }).collect();
        let mut distances = self.domain.distances(&finite).into_iter();
        points.iter().map(|point| if is_finite(&point) { distances.next() } else { None }).collect()
    }

    /// Returns the domain distance that 95 % of the training crystals do not exceed among themselves.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// Returns the atomic numbers of the elements of the training crystals.
    pub fn elements(&self) -> &BTreeSet<u8> {
        &self.elements
    }
}

/// Parses the symbols of elements, and returns their atomic numbers.
fn parse_elements(symbols: &str) -> Result<Vec<u8>, WeightsError> {
    let refused = |value: &str, reason: &str| {
        let (key, value) = (ELEMENTS_KEY.to_owned(), value.to_owned());
        WeightsError::Metadata { key, value, reason: reason.to_owned() }
    };
    let number = |symbol: &str| {
        let number = SYMBOLS.iter().position(|known| *known == symbol);
        let number = number.and_then(|number| u8::try_from(number).ok());
        number.ok_or_else(|| refused(symbol, "is no symbol of an element"))
    };
    let elements: Vec<u8> = symbols.split_whitespace().map(number).collect::<Result<_, _>>()?;
    // The columns of the shares are in this order.
    match elements.is_sorted_by(|first, second| first < second) {
        true => Ok(elements),
        false => Err(refused(symbols, "must be in the order of atomic numbers, each once")),
    }
}

/// Whether every row of a matrix `[crystals, elements]` holds shares: from 0 to 1, and 1 in sum.
fn are_shares(shares: &[f32], elements: usize) -> bool {
    shares.chunks_exact(elements.max(1)).all(|of_crystal| {
        let is_whole = (of_crystal.iter().sum::<f32>() - 1.0).abs() <= SHARES_ROUNDING;
        is_whole && of_crystal.iter().all(|share| (0.0..=1.0).contains(share))
    })
}

#[cfg(test)]
mod tests;
