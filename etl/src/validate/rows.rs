//! Verification of rows against the features of their own lattice and coordinates.

use std::fmt;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Float64Type, Int32Type, UInt32Type};
use crystal::composition::Composition;
use crystal::element::symbol;
use crystal::feature::{Edges, Features, Featuriser};
use crystal::math::{IntegerMatrix3, determinant, integer_determinant};
use crystal::niggli::{niggli_reduce, parameters};
use crystal::structure::Structure;
use schemas::StoreError;
use schemas::count::counted;
use schemas::property::PropertyKind;
use schemas::reader::Shard;
use schemas::settings::FeatureSettings;
use schemas::store::{LabelKind, label_kind};
use schemas::view::{CrystalBatch, CrystalView, EdgeView};

use super::files::ReadableShard;
use super::{Problem, Validation};
use crate::feature;
use crate::structure_hash::StructureHasher;

/// Column of the structure hashes, which stores of earlier format versions lack.
const HASH: &str = "structure_hash";
/// OPTIMADE's marks of the directions of a crystal that is periodic in all three.
const PERIODIC: [i32; 3] = [1; 3];
/// Numbers of the space groups in the International Tables.
const SPACE_GROUPS: std::ops::RangeInclusive<u32> = 1..=230;
/// Largest relative deviation of a length, angle or volume recomputed from the same lattice.
const ROUNDING: f64 = 1e-12;
/// Largest relative deviation of the parameters when a Niggli cell is reduced again, in units of the Niggli
/// tolerance. Lengths or angles that are equal within the tolerance may be exchanged.
const NIGGLI_DEVIATION: f64 = 10.0;

/// Largest relative deviation of a distance computed in another basis.
const DISTANCE_DEVIATION: f64 = 1e-5;

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

/// An error of a row: the column or check, the expected value and the value found.
type Fault = (String, String, String);

/// Creates an error of a column.
fn fault(check: &str, expected: impl fmt::Display, found: impl fmt::Display) -> Fault {
    (check.to_owned(), expected.to_string(), found.to_string())
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

/// Returns the list in a row of a column, or `None` if there is no such column of lists.
fn list_at(batch: &CrystalBatch, row: usize, name: &str) -> Option<ArrayRef> {
    Some(batch.column(name)?.as_list_opt::<i32>()?.value(row))
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

/// Checks the periodic directions, where the store has the columns, and the number of the space group, if there is one.
fn check_symmetry(batch: &CrystalBatch, row: usize, view: &CrystalView<'_>, faults: &mut Vec<Fault>) {
    let lists = batch.column("dimension_types").and_then(|column| column.as_fixed_size_list_opt());
    if let Some(list) = lists.map(|lists| lists.value(row)) {
        let found: Vec<i32> = list.as_primitive_opt::<Int32Type>().into_iter().flatten().flatten().collect();
        if found != PERIODIC {
            faults.push(fault("dimension_types", format!("{PERIODIC:?}"), format!("{found:?}")));
        }
    }
    let numbers =
        batch.column("nperiodic_dimensions").and_then(|column| column.as_primitive_opt::<UInt32Type>());
    if let Some(found) = numbers.map(|numbers| numbers.value(row) as usize)
        && found != PERIODIC.len()
    {
        faults.push(fault("nperiodic_dimensions", PERIODIC.len(), found));
    }
    if let Some(found) = view.space_group_number
        && !SPACE_GROUPS.contains(&found)
    {
        faults.push(fault("space_group_number", "1 to 230", found));
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

/// Checks that every list of numbers of the sites has a finite one for each site.
fn check_site_properties(batch: &CrystalBatch, row: usize, view: &CrystalView<'_>, faults: &mut Vec<Fault>) {
    let of_sites = Some(LabelKind::Property(PropertyKind::SiteNumbers));
    for field in batch.schema().fields().iter().filter(|field| label_kind(field) == of_sites) {
        let lists = batch.column(field.name()).and_then(|column| column.as_list_opt::<i32>());
        let Some(list) = lists.filter(|lists| lists.is_valid(row)).map(|lists| lists.value(row)) else {
            continue;
        };
        let numbers: Vec<f64> =
            list.as_primitive_opt::<Float64Type>().into_iter().flatten().flatten().collect();
        let sites = view.atomic_numbers.len();
        if numbers.len() != sites {
            let found = counted(numbers.len(), "number");
            faults.push(fault(field.name(), format!("{}, one a site", counted(sites, "number")), found));
        } else if let Some(odd) = numbers.iter().find(|number| !number.is_finite()) {
            faults.push(fault(field.name(), "finite numbers", odd));
        }
    }
}

/// Whether a number differs from the expected one by more than rounding errors.
fn deviates(found: f64, expected: f64, relative: f64) -> bool {
    let is_near = (found - expected).abs() <= relative * expected.abs().max(1.0);
    // The negation makes NaN deviate too.
    !is_near
}

/// Checks the number of edges.
fn compare_numbers(found: usize, expected: usize, faults: &mut Vec<Fault>) -> bool {
    if found != expected {
        faults.push(fault("edges", counted(expected, "edge"), counted(found, "edge")));
    }
    found == expected
}

/// Reports the first difference of the sorted distances.
fn compare_distances(found: &[f32], expected: &Edges, faults: &mut Vec<Fault>) {
    if !compare_numbers(found.len(), expected.len(), faults) {
        return;
    }
    let mut found: Vec<f64> = found.iter().copied().map(f64::from).collect();
    let mut expected = expected.distance.clone();
    found.sort_by(f64::total_cmp);
    expected.sort_by(f64::total_cmp);
    let differs = |(expected, found): &(&f64, &f64)| deviates(**found, **expected, DISTANCE_DEVIATION);
    if let Some((expected, found)) = expected.iter().zip(&found).find(differs) {
        faults.push(fault("edge_distance", expected, found));
    }
}

/// Reports the first difference in every column of the edges.
fn compare_edges(found: &EdgeView<'_>, expected: &Edges, faults: &mut Vec<Fault>) {
    if !compare_numbers(found.target.len(), expected.len(), faults) {
        return;
    }
    let distances = expected.distance.iter().map(|distance| *distance as f32);
    let [k1, k2, k3] = found.image.map(|column| column.iter().copied());
    let [expected_k1, expected_k2, expected_k3] = [0, 1, 2].map(|axis| expected.image[axis].iter().copied());
    let differences = [
        difference("edge_source", expected.source.iter().copied(), found.source.iter().copied()),
        difference("edge_target", expected.target.iter().copied(), found.target.iter().copied()),
        difference("edge_k1", expected_k1, k1),
        difference("edge_k2", expected_k2, k2),
        difference("edge_k3", expected_k3, k3),
        difference("edge_distance", distances, found.distance.iter().copied()),
        difference("edge_direction", expected.direction.iter().copied(), found.direction.iter().copied()),
        difference(
            "edge_direction_centred",
            expected.direction_centred.iter().copied(),
            found.direction_centred.iter().copied(),
        ),
    ];
    faults.extend(differences.into_iter().flatten());
}

/// Reports the first difference in the two columns of same-cell labels.
fn compare_same_cell(batch: &CrystalBatch, row: usize, expected: &Edges, faults: &mut Vec<Fault>) {
    let columns =
        [("edge_same_cell", &expected.same_cell), ("edge_same_cell_centred", &expected.same_cell_centred)];
    for (name, expected) in columns {
        let list = list_at(batch, row, name);
        let flags = list.as_ref().and_then(|list| list.as_boolean_opt());
        let found: Vec<bool> = flags.into_iter().flatten().flatten().collect();
        if found.len() != expected.len() {
            faults.push(fault(name, counted(expected.len(), "value"), counted(found.len(), "value")));
        } else {
            faults.extend(difference(name, expected.iter().copied(), found.into_iter()));
        }
    }
}

/// Returns the first difference of two columns with equal lengths, and the number of differences.
fn difference<T: PartialEq + fmt::Display>(
    column: &str,
    expected: impl Iterator<Item = T>,
    found: impl Iterator<Item = T>,
) -> Option<Fault> {
    let mut differing = expected.zip(found).enumerate().filter(|(_, (expected, found))| expected != found);
    let (edge, (expected, found)) = differing.next()?;
    let others = match differing.count() {
        0 => String::new(),
        others => format!(", and {}", counted(others, "other")),
    };
    Some(fault(column, format!("{expected} at edge {edge}"), format!("{found}{others}")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, FixedSizeListArray, Int32Array, ListArray, StringArray, UInt32Array};
    use arrow::datatypes::{DataType, Field, Schema};
    use arrow::record_batch::RecordBatch;

    use super::*;
    use crate::test_store;

    #[test]
    fn formulas_and_numbers_of_elements_are_recomputed() {
        let folder = test_store::folder();
        test_store::write(folder.path(), &test_store::crystals(), 1);
        let shard = Shard::open(&folder.path().join("test-00001.parquet"), None).expect("a shard");
        let batch = shard.batches(None, None).expect("columns").next().expect("a row").expect("readable");
        let replaced = |name: &str, column: ArrayRef| {
            let mut columns = batch.columns().to_vec();
            columns[batch.schema().index_of(name).expect("a column")] = column;
            CrystalBatch::new(RecordBatch::try_new(batch.schema(), columns).expect("the schema"))
                .expect("fits")
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
            CrystalBatch::new(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a row"))
                .expect("fits")
        };
        assert_eq!(faults(&with_charges([2.0, -2.0].repeat(4))), []);
        let expected = fault("site_charge", "8 numbers, one a site", "1 number");
        assert_eq!(faults(&with_charges(vec![2.0])), [expected]);
        let expected = fault("site_charge", "finite numbers", "NaN");
        assert_eq!(faults(&with_charges([2.0, f64::NAN].repeat(4))), [expected]);
    }

    #[test]
    fn distances_are_compared_in_any_order() {
        let expected = Edges { source: vec![0, 0], distance: vec![2.0, 3.0], ..Edges::default() };
        let mut faults = Vec::new();
        compare_distances(&[3.0, 2.0], &expected, &mut faults);
        assert_eq!(faults, []);
        compare_distances(&[3.0, 2.5], &expected, &mut faults);
        compare_distances(&[3.0], &expected, &mut faults);
        assert_eq!(faults, [fault("edge_distance", 2, 2.5), fault("edges", "2 edges", "1 edge")]);
    }
}
