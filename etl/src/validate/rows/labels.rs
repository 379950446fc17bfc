//! Checks of what a row says besides its features: periodic directions, space group, and numbers of the sites.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int32Type, UInt32Type};
use schemas::count::counted;
use schemas::property::PropertyKind;
use schemas::store::{LabelKind, label_kind};
use schemas::view::{CrystalBatch, CrystalView};

use super::fault::{Fault, fault};

/// OPTIMADE's marks of the directions of a crystal that is periodic in all three.
const PERIODIC: [i32; 3] = [1; 3];
/// Numbers of the space groups in the International Tables.
const SPACE_GROUPS: std::ops::RangeInclusive<u32> = 1..=230;

/// Checks the periodic directions, where the store has the columns, and the number of the space group, if there is one.
pub(super) fn check_symmetry(
    batch: &CrystalBatch,
    row: usize,
    view: &CrystalView<'_>,
    faults: &mut Vec<Fault>,
) {
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

/// Checks that every list of numbers of the sites has a finite one for each site.
pub(super) fn check_site_properties(
    batch: &CrystalBatch,
    row: usize,
    view: &CrystalView<'_>,
    faults: &mut Vec<Fault>,
) {
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
