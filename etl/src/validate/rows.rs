//! Verification of rows against the features of their own lattice and coordinates.

mod edges;
mod fault;
mod labels;

use arrow::array::AsArray;
use arrow::datatypes::{Float64Type, UInt32Type};
use crystal::composition::Composition;
use crystal::element::symbol;
use crystal::feature::{Features, Featuriser};
use crystal::math::{IntegerMatrix3, determinant, integer_determinant};
use crystal::niggli::{niggli_reduce, parameters};
use crystal::structure::Structure;
use schemas::StoreError;
use schemas::reader::Shard;
use schemas::settings::FeatureSettings;
use schemas::view::{CrystalBatch, CrystalView};

use self::edges::{compare_distances, compare_edges, compare_same_cell};
use self::fault::{Fault, deviates, fault, list_at};
use self::labels::{check_site_properties, check_symmetry};
use super::files::ReadableShard;
use super::{Problem, Validation};
use crate::feature;
use crate::structure_hash::StructureHasher;

/// Column of the structure hashes, which stores of earlier format versions lack.
const HASH: &str = "structure_hash";
/// Largest relative deviation of a length, angle or volume recomputed from the same lattice.
const ROUNDING: f64 = 1e-12;
/// Largest relative deviation of the parameters when a Niggli cell is reduced again, in units of the Niggli
/// tolerance. Lengths or angles that are equal within the tolerance may be exchanged.
const NIGGLI_DEVIATION: f64 = 10.0;

/// The identity as a change of basis.
const IDENTITY: IntegerMatrix3 = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

/// Names of the six cell parameters.
const PARAMETERS: [&str; 6] = ["a", "b", "c", "alpha", "beta", "gamma"];

/// Buffers for recomputing rows.
struct Recomputer<'a> {
    settings: &'a FeatureSettings,
    featuriser: Featuriser,
    structure: Structure,
    composition: Composition,
    hasher: StructureHasher,
}

impl Validation<'_> {
    /// Recomputes the rows of a sample. `sample` counts rows through all readable shards.
    pub(super) fn recompute(&mut self, shards: &[ReadableShard], sample: &[u64]) {
        let manifest = self.manifest;
        let mut recomputer = Recomputer {
            settings: &manifest.settings,
            featuriser: Featuriser::new(&feature::options(&manifest.settings)),
            structure: Structure::default(),
            composition: Composition::default(),
            hasher: StructureHasher::new(&feature::options(&manifest.settings)),
        };
        let mut first = 0;
        let mut rest = sample;
        for shard in shards {
            let (here, later) = rest.split_at(rest.partition_point(|row| *row < first + shard.rows));
            rest = later;
            let rows: Vec<u64> = here.iter().map(|row| row - first).collect();
            first += shard.rows;
            let Some(entry) = manifest.shards.get(shard.number) else { continue };
            if let Err(error) = self.recompute_shard(&entry.file, &rows, &mut recomputer) {
                self.file_problem(&entry.file, "rows", "rows that can be read", error);
            }
        }
    }

    /// Recomputes some rows of a shard.
    fn recompute_shard(
        &mut self,
        file: &str,
        rows: &[u64],
        recomputer: &mut Recomputer<'_>,
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let shard = Shard::open(&self.paths.shards().join(file), None)?;
        let crystals = shard.crystals_at(rows)?;
        let mut rows = rows.iter().copied();
        for batch in crystals {
            let batch = batch?;
            for (offset, row) in rows.by_ref().take(batch.len()).enumerate() {
                self.report.recomputed += 1;
                let (material_id, faults) = match batch.row(offset) {
                    Ok(view) => (Some(view.material_id.to_owned()), recomputer.faults(&batch, offset, &view)),
                    Err(error) => (None, vec![fault("row", "lists that fit together", error)]),
                };
                self.report.problems.extend(faults.into_iter().map(|(check, expected, found)| Problem {
                    file: file.to_owned(),
                    row: Some(row),
                    material_id: material_id.clone(),
                    check,
                    expected,
                    found,
                }));
            }
        }
        Ok(())
    }
}

impl Recomputer<'_> {
    /// Returns all errors of a row.
    fn faults(&mut self, batch: &CrystalBatch, row: usize, view: &CrystalView<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.check_composition(batch, row, view, &mut faults);
        self.check_cell(view, &mut faults);
        self.check_features(batch, row, view, &mut faults);
        check_symmetry(batch, row, view, &mut faults);
        check_site_properties(batch, row, view, &mut faults);
        faults
    }

    /// Checks the formula and the elements against the atomic numbers.
    fn check_composition(
        &mut self,
        batch: &CrystalBatch,
        row: usize,
        view: &CrystalView<'_>,
        faults: &mut Vec<Fault>,
    ) {
        self.composition.count(view.atomic_numbers);
        let mut formula = String::new();
        self.composition.write_reduced_formula(&mut formula);
        if formula != view.chemical_formula_reduced {
            faults.push(fault("chemical_formula_reduced", &formula, view.chemical_formula_reduced));
        }
        let nelements = batch.column("nelements").and_then(|column| column.as_primitive_opt::<UInt32Type>());
        let nelements = nelements.map(|column| column.value(row) as usize);
        if nelements != Some(self.composition.len()) {
            faults.push(fault("nelements", self.composition.len(), nelements.unwrap_or(0)));
        }
        compare_texts(batch, row, "elements", self.composition.symbols(), faults);
        compare_texts(batch, row, "species_at_sites", view.atomic_numbers.iter().map(|&z| symbol(z)), faults);
        let mut anonymous = String::new();
        self.composition.write_anonymous_formula(&mut anonymous);
        let found =
            batch.column("chemical_formula_anonymous").and_then(|column| column.as_string_opt::<i32>());
        if let Some(found) = found.map(|column| column.value(row)).filter(|found| *found != anonymous) {
            faults.push(fault("chemical_formula_anonymous", &anonymous, found));
        }
        if let Some(list) = list_at(batch, row, "elements_ratios") {
            let found: Vec<f64> =
                list.as_primitive_opt::<Float64Type>().into_iter().flatten().flatten().collect();
            let expected: Vec<f64> = self.composition.ratios().collect();
            if found != expected {
                faults.push(fault("elements_ratios", format!("{expected:?}"), format!("{found:?}")));
            }
        }
    }

    /// Checks the parameters, the volume and the change of basis against the lattice, and that the lattice is
    /// Niggli-reduced.
    fn check_cell(&self, view: &CrystalView<'_>, faults: &mut Vec<Fault>) {
        let lattice = &view.lattice_vectors;
        let expected = parameters(lattice);
        for ((name, expected), found) in PARAMETERS.iter().zip(expected).zip(view.parameters) {
            if deviates(found, expected, ROUNDING) {
                faults.push(fault(name, expected, found));
            }
        }
        let volume = determinant(lattice).abs();
        if deviates(view.volume, volume, ROUNDING) {
            faults.push(fault("volume", volume, view.volume));
        }
        let handedness = integer_determinant(&view.niggli_transform);
        if handedness != 1 {
            faults.push(fault("niggli_transform", "determinant 1", format!("determinant {handedness}")));
        }
        match niggli_reduce(lattice, self.settings.niggli_epsilon) {
            Err(error) => faults.push(fault("lattice_vectors", "a Niggli cell", error)),
            Ok(reduced) => {
                let reduced = parameters(&reduced.lattice);
                let deviation = NIGGLI_DEVIATION * self.settings.niggli_epsilon;
                let differs = |(a, b): (f64, f64)| deviates(a, b, deviation);
                if reduced.into_iter().zip(expected).any(differs) {
                    let found = format!("a cell whose Niggli cell is {reduced:?}");
                    faults.push(fault("lattice_vectors", format!("the Niggli cell {expected:?}"), found));
                }
            }
        }
    }

    /// Checks the fractional coordinates and edges against those of the stored lattice.
    fn check_features(
        &mut self,
        batch: &CrystalBatch,
        row: usize,
        view: &CrystalView<'_>,
        faults: &mut Vec<Fault>,
    ) {
        let tolerance = self.settings.wrap_tolerance;
        let (sites, _) = view.fractional_site_positions.as_chunks::<3>();
        // A coordinate at the upper limit may be wrapped to the lower one because of rounding.
        let inside = -tolerance - ROUNDING..1.0 - tolerance;
        if let Some(outside) = view.fractional_site_positions.iter().find(|value| !inside.contains(*value)) {
            faults.push(fault("fractional_site_positions", format!("within {inside:?}"), outside));
        }
        self.structure.lattice = view.lattice_vectors;
        self.structure.fractional.clear();
        self.structure.fractional.extend_from_slice(sites);
        match self.featuriser.featurise(&self.structure) {
            Ok(features) if features.transform == IDENTITY => {
                compare_edges(&view.edges, &features.edges, faults);
                if batch.column(HASH).is_some() {
                    let mut formula = String::new();
                    self.composition.write_reduced_formula(&mut formula);
                    compare_hash(&mut self.hasher, &formula, view, features, faults);
                }
                if view.edges.target.len() == features.edges.len() {
                    compare_same_cell(batch, row, &features.edges, faults);
                }
            }
            // In another basis with the same parameters, images and labels cannot be compared.
            Ok(features) => compare_distances(view.edges.distance, &features.edges, faults),
            Err(error) => faults.push(fault("edges", "a crystal with features", error)),
        }
    }
}

/// Compares a list of texts, where the store has the column.
fn compare_texts(
    batch: &CrystalBatch,
    row: usize,
    name: &str,
    expected: impl Iterator<Item = &'static str>,
    faults: &mut Vec<Fault>,
) {
    let Some(list) = list_at(batch, row, name) else { return };
    let found: Vec<_> = list.as_string_opt::<i32>().into_iter().flatten().flatten().collect();
    let expected: Vec<_> = expected.collect();
    if found != expected {
        faults.push(fault(name, expected.join(" "), found.join(" ")));
    }
}

/// Compares the structure hash, which is missing only if it cannot be computed.
fn compare_hash(
    hasher: &mut StructureHasher,
    formula: &str,
    view: &CrystalView<'_>,
    features: &Features,
    faults: &mut Vec<Fault>,
) {
    let expected = hasher.hash(formula, view.atomic_numbers, features);
    if expected.as_deref() != view.structure_hash {
        let shown = |hash: Option<&str>| hash.unwrap_or("none").to_owned();
        faults.push(fault(HASH, shown(expected.as_deref()), shown(view.structure_hash)));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use arrow::array::{
        Array, ArrayRef, FixedSizeListArray, Int32Array, ListArray, StringArray, UInt32Array,
    };
    use arrow::datatypes::{DataType, Field, Schema};
    use arrow::record_batch::RecordBatch;

    use super::*;
    use crate::test_store;

    fn in_memory(batch: RecordBatch) -> CrystalBatch {
        CrystalBatch::new(Path::new("").into(), batch).expect("fits")
    }

    #[test]
    fn formulas_and_numbers_of_elements_are_recomputed() {
        let folder = test_store::folder();
        test_store::write(folder.path(), &test_store::crystals(), 1);
        let shard = Shard::open(&folder.path().join("test-00001.parquet"), None).expect("a shard");
        let batch = shard.batches(None, None).expect("columns").next().expect("a row").expect("readable");
        let replaced = |name: &str, column: ArrayRef| {
            let mut columns = batch.columns().to_vec();
            columns[batch.schema().index_of(name).expect("a column")] = column;
            in_memory(RecordBatch::try_new(batch.schema(), columns).expect("the schema"))
        };
        let settings = FeatureSettings::default();
        let mut recomputer = Recomputer {
            settings: &settings,
            featuriser: Featuriser::new(&feature::options(&settings)),
            structure: Structure::default(),
            composition: Composition::default(),
            hasher: StructureHasher::new(&feature::options(&settings)),
        };
        let mut faults = |batch: &CrystalBatch| recomputer.faults(batch, 0, &batch.row(0).expect("a row"));
        let formula = replaced("chemical_formula_reduced", Arc::new(StringArray::from(vec!["OMg"])));
        assert_eq!(faults(&formula), [fault("chemical_formula_reduced", "MgO", "OMg")]);
        let nelements = replaced("nelements", Arc::new(UInt32Array::from(vec![3])));
        assert_eq!(faults(&nelements), [fault("nelements", 2, 3)]);
        for (found, shown) in [(None, "none"), (Some("00c0ffee00c0ffee"), "00c0ffee00c0ffee")] {
            let hash = batch["structure_hash"].as_string::<i32>().value(0);
            let other = replaced("structure_hash", Arc::new(StringArray::from(vec![found])));
            assert_eq!(faults(&other), [fault("structure_hash", hash, shown)]);
        }
        let group = replaced("space_group_number", Arc::new(UInt32Array::from(vec![231])));
        assert_eq!(faults(&group), [fault("space_group_number", "1 to 230", 231)]);
        let dimensions = replaced("nperiodic_dimensions", Arc::new(UInt32Array::from(vec![2])));
        assert_eq!(faults(&dimensions), [fault("nperiodic_dimensions", 3, 2)]);
        let kind = batch["dimension_types"].data_type();
        let DataType::FixedSizeList(item, _) = kind else { panic!("{kind} holds no three flags") };
        let flags: ArrayRef = Arc::new(Int32Array::from(vec![1, 1, 0]));
        let flags = FixedSizeListArray::try_new(Arc::clone(item), 3, flags, None).expect("three flags");
        let dimensions = replaced("dimension_types", Arc::new(flags));
        assert_eq!(faults(&dimensions), [fault("dimension_types", "[1, 1, 1]", "[1, 1, 0]")]);
        let with_charges = |charges: Vec<f64>| {
            let lists = [Some(charges.into_iter().map(Some).collect::<Vec<_>>())];
            let lists = ListArray::from_iter_primitive::<Float64Type, _, _>(lists);
            let field = Field::new("site_charge", lists.data_type().clone(), true);
            let fields = batch.schema().fields().iter().cloned().chain([Arc::new(field)]).collect::<Vec<_>>();
            let columns = [batch.columns(), &[Arc::new(lists) as ArrayRef]].concat();
            in_memory(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a row"))
        };
        assert_eq!(faults(&with_charges([2.0, -2.0].repeat(4))), []);
        let expected = fault("site_charge", "8 numbers, one a site", "1 number");
        assert_eq!(faults(&with_charges(vec![2.0])), [expected]);
        let expected = fault("site_charge", "finite numbers", "NaN");
        assert_eq!(faults(&with_charges([2.0, f64::NAN].repeat(4))), [expected]);
    }
}
