//! What a fine-tuned model was trained on: embeddings and compositions of its training crystals, beside its weights. New
//! crystals that lie far from all of them, or hold elements that none of them holds, are outside the model's domain.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crystal::element::SYMBOLS;
use schemas::hash::file_sha256;

use super::composition::{CompositionSpace, shares};
use crate::error::TrainError;
use crate::nearest::{Domain, Points, Query, Standardisation};
use crate::run::folder::DOMAIN_FILE;
use crate::weights::{self, Tensor, Values, WeightsError};

/// Number of the nearest training crystals whose distances are averaged. A crystal of a known kind mostly has one close
/// relative in the training part and not five, so that one tells crystals with a left-out element apart better.
const NEIGHBOURS: usize = 1;
/// Largest number of training crystals that are kept; of more, those at equal intervals.
const MOST_CRYSTALS: usize = 20_000;
/// Share of the training crystals that lie within the limit of the domain.
const WITHIN: f64 = 0.95;
/// Name of the tensor with the embeddings, `[crystals, width]`.
const EMBEDDINGS: &str = "embeddings";
/// Name of the tensor with the share of every element, `[crystals, elements]`. Files of earlier programs lack it.
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
    /// Shares of the elements of each crystal, by atomic number.
    shares: Vec<BTreeMap<u8, f32>>,
    /// Atomic numbers of their elements.
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

    /// Adds a crystal by its embedding and atomic numbers.
    pub(crate) fn push(&mut self, embedding: &[f32], atomic_numbers: &[u8]) {
        if self.seen.is_multiple_of(self.stride) {
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

    /// Whether the file of these weights exists.
    pub(crate) fn is_recorded(weights: &Path) -> bool {
        ModelDomain::read(weights).is_ok_and(|found| found.is_some())
    }

    /// Writes the file beside a weights file.
    ///
    /// # Errors
    /// [`TrainError::Weights`].
    pub(crate) fn write(self, weights: &Path) -> Result<(), TrainError> {
        let path = Self::path(weights);
        let broken = |source| TrainError::Weights { path: path.clone(), source };
        let (sha256, _) = file_sha256(weights).map_err(|source| {
            broken(WeightsError::Io { action: "read", path: weights.to_owned(), source })
        })?;
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
    /// Reads the file beside a weights file; `None` if there is none, if it is of other weights, or if the training
    /// crystals are too few for a distance.
    ///
    /// # Errors
    /// [`TrainError::Weights`] for a file that cannot be read, or is none of this kind.
    pub fn read(weights: &Path) -> Result<Option<Self>, TrainError> {
        let path = TrainingCrystals::path(weights);
        if !path.exists() {
            return Ok(None);
        }
        let broken = |source| TrainError::Weights { path: path.clone(), source };
        let missing = |key: &str| broken(WeightsError::MissingMetadata { key: key.to_owned() });
        let mut file = weights::read(&path).map_err(broken)?;
        let (sha256, _) = file_sha256(weights).map_err(|source| {
            broken(WeightsError::Io { action: "read", path: weights.to_owned(), source })
        })?;
        if file.metadata.get(WEIGHTS_KEY).ok_or_else(|| missing(WEIGHTS_KEY))? != &sha256 {
            return Ok(None);
        }
        let symbols = file.metadata.get(ELEMENTS_KEY).ok_or_else(|| missing(ELEMENTS_KEY))?;
        let number = |symbol: &str| {
            let number = SYMBOLS.iter().position(|known| *known == symbol);
            number.and_then(|number| u8::try_from(number).ok()).ok_or_else(|| {
                let (key, reason) = (ELEMENTS_KEY.to_owned(), "is no symbol of an element".to_owned());
                broken(WeightsError::Metadata { key, value: symbol.to_owned(), reason })
            })
        };
        let elements: BTreeSet<u8> = symbols.split_whitespace().map(number).collect::<Result<_, _>>()?;
        let mut matrix = |name: &str| match file.tensors.remove(name) {
            Some(Tensor { values: Values::F32(values), shape, .. }) if shape.len() == 2 && shape[1] > 0 => {
                Some((values, shape[0], shape[1]))
            }
            _ => None,
        };
        let (embeddings, rows, width) = matrix(EMBEDDINGS).ok_or_else(|| missing(EMBEDDINGS))?;
        let shares = match matrix(SHARES) {
            Some((shares, crystals, columns)) if (crystals, columns) == (rows, elements.len()) => shares,
            Some(_) => return Err(missing(SHARES)),
            None => Vec::new(),
        };
        Ok(Self::new(embeddings, width, &shares, elements))
    }

    /// Makes the domain of embeddings, `[crystals, width]`, shares of elements, `[crystals, elements]` or empty, and
    /// elements.
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

    /// Returns the domain distances of crystals by their embeddings, `[B, width]`, and atomic numbers, `[B]`: 1 is usual
    /// among the training crystals, and `None` stands for an embedding that is not finite.
    ///
    /// A distance is that in the space of the embedding and the composition together, both in units of their standard
    /// deviations among the training crystals. The embedding alone does not show an element that the model has not learnt.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Points along a line, and a coordinate that does not vary.
    fn recorded(crystals: usize) -> TrainingCrystals {
        let mut training = TrainingCrystals::new(crystals);
        for index in 0..crystals {
            training.push(&[index as f32, 7.0], &[8, 8, 14][index % 2..]);
        }
        training
    }

    #[test]
    fn the_domain_is_that_of_its_weights() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let weights = folder.path().join("best.safetensors");
        std::fs::write(&weights, "weights").expect("it is writable");
        assert_eq!(ModelDomain::read(&weights).expect("none is no fault"), None);
        recorded(50).write(&weights).expect("it is writable");
        let domain = ModelDomain::read(&weights).expect("it is readable").expect("it is there");
        assert_eq!(domain.elements(), &BTreeSet::from([8, 14]));
        let crystals: [&[u8]; 4] = [&[8, 14], &[8, 14], &[8, 14], &[8, 15]];
        let distances = domain.distances(&[21.0, 7.0, 500.0, 7.0, f32::NAN, 7.0, 21.0, 7.0], 2, crystals);
        let [near, far, broken, unseen] = distances[..] else { panic!("four") };
        assert!(near.is_some_and(|near| near < domain.limit()), "{distances:?}");
        assert!(far.is_some_and(|far| far > 10.0 * domain.limit()) && broken.is_none(), "{distances:?}");
        assert!(unseen.is_some_and(|unseen| unseen > 10.0 * domain.limit()), "{distances:?}");
        std::fs::write(&weights, "others").expect("it is writable");
        assert_eq!(ModelDomain::read(&weights).expect("another's is no fault"), None);
        std::fs::write(folder.path().join(DOMAIN_FILE), "{}").expect("it is writable");
        assert!(ModelDomain::read(&weights).is_err());
    }

    #[test]
    fn records_of_earlier_programs_have_no_compositions() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let weights = folder.path().join("best.safetensors");
        std::fs::write(&weights, "weights").expect("it is writable");
        recorded(50).write(&weights).expect("it is writable");
        let path = TrainingCrystals::path(&weights);
        let mut file = weights::read(&path).expect("it is readable");
        file.tensors.remove(SHARES);
        weights::write(&path, &file.metadata, file.tensors).expect("it is writable");
        let domain = ModelDomain::read(&weights).expect("it is readable").expect("it is there");
        let crystals: [&[u8]; 2] = [&[8, 14], &[15]];
        let distances = domain.distances(&[20.2, 7.0, 20.2, 7.0], 2, crystals);
        assert!(distances[0].is_some() && distances[0] == distances[1], "{distances:?}");
    }

    #[test]
    fn few_crystals_have_no_domain_and_many_are_thinned() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let weights = folder.path().join("best.safetensors");
        std::fs::write(&weights, "weights").expect("it is writable");
        recorded(NEIGHBOURS).write(&weights).expect("it is writable");
        assert_eq!(ModelDomain::read(&weights).expect("it is readable"), None);
        let many = recorded(2 * MOST_CRYSTALS + 1);
        assert!(many.embeddings.len() / 2 <= MOST_CRYSTALS && many.embeddings.len() / 2 > MOST_CRYSTALS / 2);
    }
}
