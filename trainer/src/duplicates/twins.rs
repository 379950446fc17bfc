//! Crystals of the same structure, found among those of the same formula and density.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crystal::structure::Structure;
use rayon::prelude::*;
use schemas::StoreError;
use schemas::reader::Shard;
use schemas::view::{CrystalBatch, CrystalView};

use super::environment::{Environments, NEAR, Surveyor};
use super::matching::same_structure;
use crate::data::Sources;
use crate::space::catalogue::Catalogue;

/// Number of bytes of far surroundings that are kept: those of some ten thousand crystals.
const FAR_BYTES: usize = 1 << 30;

/// A crystal that could not be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncompared {
    /// Identifier.
    pub material_id: String,
    /// Why its surroundings could not be found.
    pub reason: String,
}

/// A crystal that may have a twin.
struct Candidate {
    structure: Structure,
    /// Surroundings by the nearest neighbours.
    near: Environments,
    /// Surroundings by far more of them, once they are needed; `None` if there are too many.
    far: OnceLock<Option<Environments>>,
}

impl Candidate {
    /// Whether the structures are the same. Where there are too many far neighbours, the near ones decide. `room` is the
    /// number of bytes that may still be kept.
    fn is_same(&self, other: &Self, tolerance: f64, room: &AtomicUsize) -> bool {
        same_structure(&self.near, &other.near, tolerance)
            && match (self.far(room), other.far(room)) {
                (Some(ours), Some(theirs)) => same_structure(&ours, &theirs, tolerance),
                _ => true,
            }
    }

    /// Returns the far surroundings, which are kept for the next comparison if there is room.
    fn far(&self, room: &AtomicUsize) -> Option<Cow<'_, Environments>> {
        if let Some(kept) = self.far.get() {
            return kept.as_ref().map(Cow::Borrowed);
        }
        let found = Surveyor::far(self.structure.atomic_numbers.len()).survey(&self.structure).ok();
        let bytes = found.as_ref().map_or(0, Environments::bytes);
        let take = |left: usize| left.checked_sub(bytes);
        match room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => self.far.get_or_init(|| found).as_ref().map(Cow::Borrowed),
            Err(_) => found.map(Cow::Owned),
        }
    }
}

/// A search for crystals of the same structure.
pub(super) struct Twins {
    tolerance: f64,
    /// Largest ratio of the volumes per atom.
    ratio: f64,
    /// Volume per atom in Å³ and place of the crystals, by formula, sorted; `[formulas]`.
    groups: Vec<Vec<(f64, u32)>>,
    /// Group of every crystal and index in it, `[crystals]`.
    slots: Vec<(u32, u32)>,
    /// The crystals that may have a twin, `[crystals]`.
    candidates: Vec<Option<Box<Candidate>>>,
    /// Number of bytes of far surroundings that may still be kept.
    room: AtomicUsize,
    /// Crystals that may have a twin and could not be compared, in the order of the shards.
    pub(super) uncompared: Vec<Uncompared>,
}

impl Twins {
    /// Groups the crystals, and reads the structures of those that may have a twin. `volumes` are those per atom in Å³, in
    /// the order of the catalogue.
    ///
    /// # Errors
    /// [`StoreError`] for a shard that cannot be read.
    pub(super) fn read(
        sources: &Sources,
        catalogue: &Catalogue,
        volumes: &[f64],
        tolerance: f64,
    ) -> Result<Self, StoreError> {
        let mut by_formula: HashMap<&str, usize> = HashMap::new();
        let mut groups: Vec<Vec<(f64, u32)>> = Vec::new();
        for ((place, formula), &volume) in (0..).zip(&catalogue.formulas).zip(volumes) {
            let next = groups.len();
            let group = *by_formula.entry(formula).or_insert(next);
            if group == next {
                groups.push(Vec::new());
            }
            groups[group].push((volume, place));
        }
        let mut slots = vec![(0, 0); catalogue.len()];
        for (number, group) in (0..).zip(&mut groups) {
            group.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for (index, &(_, place)) in (0..).zip(group.iter()) {
                slots[place as usize] = (number, index);
            }
        }
        let mut twins = Self {
            tolerance,
            ratio: (1.0 + tolerance).powi(3),
            groups,
            slots,
            candidates: (0..catalogue.len()).map(|_| None).collect(),
            room: AtomicUsize::new(FAR_BYTES),
            uncompared: Vec::new(),
        };
        twins.survey(sources, catalogue)?;
        Ok(twins)
    }

    /// Returns the crystals of larger place with the same structure as one of the catalogue, in order.
    pub(super) fn of(&self, place: usize) -> Vec<usize> {
        let Some(candidate) = &self.candidates[place] else { return Vec::new() };
        let same = |&other: &usize| {
            let other = self.candidates[other].as_ref();
            other.is_some_and(|other| candidate.is_same(other, self.tolerance, &self.room))
        };
        let mut found: Vec<usize> = self.near(place).filter(|&other| other > place).filter(same).collect();
        found.sort_unstable();
        found
    }

    /// Returns the crystals of the same formula with nearly the same volume per atom.
    fn near(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        let (group, index) = self.slots[place];
        let (group, index) = (&self.groups[group as usize], index as usize);
        let volume = group[index].0;
        let within =
            move |&&(other, _): &&(f64, u32)| other <= volume * self.ratio && volume <= other * self.ratio;
        let smaller = group[..index].iter().rev().take_while(within);
        let larger = group[index + 1..].iter().take_while(within);
        smaller.chain(larger).map(|&(_, place)| place as usize)
    }

    /// Finds the surroundings of the crystals that may have a twin.
    fn survey(&mut self, sources: &Sources, catalogue: &Catalogue) -> Result<(), StoreError> {
        let mut row = 0;
        for source in sources.shards() {
            let mut groups = Vec::new();
            let mut places = Vec::new();
            for (group, &rows) in source.row_group_rows.iter().enumerate() {
                let of_group = &catalogue.places[row..row + rows as usize];
                if of_group.iter().any(|&place| self.near(place as usize).next().is_some()) {
                    groups.push(group);
                    places.extend_from_slice(of_group);
                }
                row += rows as usize;
            }
            if groups.is_empty() {
                continue;
            }
            let mut places = places.as_slice();
            for batch in Shard::open(&source.path, Some(sources.settings()))?.crystals(Some(groups))? {
                let batch = batch?;
                let (of_batch, rest) = places.split_at(batch.len().min(places.len()));
                places = rest;
                self.survey_batch(&batch, of_batch, catalogue)?;
            }
        }
        Ok(())
    }

    fn survey_batch(
        &mut self,
        batch: &CrystalBatch,
        places: &[u32],
        catalogue: &Catalogue,
    ) -> Result<(), StoreError> {
        let wanted = |place: usize| self.near(place).next().is_some();
        let found: Vec<_> = places
            .par_iter()
            .enumerate()
            .filter(|(_, place)| wanted(**place as usize))
            .map_init(
                || Surveyor::new(NEAR),
                |surveyor, (row, &place)| {
                    let structure = structure(&batch.row(row)?);
                    let near = surveyor.survey(&structure);
                    Ok((place as usize, near.map(|near| Candidate { structure, near, far: OnceLock::new() })))
                },
            )
            .collect::<Result<_, StoreError>>()?;
        for (place, outcome) in found {
            match outcome {
                Ok(candidate) => self.candidates[place] = Some(Box::new(candidate)),
                Err(error) => self.uncompared.push(Uncompared {
                    material_id: catalogue.material_ids[place].to_string(),
                    reason: error.to_string(),
                }),
            }
        }
        Ok(())
    }
}

/// Returns the structure of a stored crystal.
fn structure(view: &CrystalView<'_>) -> Structure {
    Structure {
        lattice: view.lattice_vectors,
        fractional: view.fractional_site_positions.as_chunks().0.to_vec(),
        atomic_numbers: view.atomic_numbers.to_vec(),
    }
}
