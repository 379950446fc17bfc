use super::*;
use crate::data::basis::{AngularBasis, spherical};
use crate::data::golden::{OwnedInput, assert_close, golden_cases};
use crate::data::{BatchBuilder, BatchSettings, Graph, Inputs};
use crate::model::Batch;

const CUTOFF: f64 = 8.0;

fn batch(crystals: &[&OwnedInput], bases_on_device: bool) -> Batch {
    let inputs = Inputs { bases: true, ..Inputs::default() };
    let settings =
        BatchSettings { cutoff_angstrom: CUTOFF, inputs, bases_on_device, graph: Graph::Multigraph };
    let mut builder = BatchBuilder::<f64>::new(settings, &[]);
    for crystal in crystals {
        builder.push(&crystal.borrow(), &[]).expect("a valid crystal");
    }
    Batch::new(builder.finish(), None, CUTOFF, &Device::flex())
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

fn integers(tensor: &Tensor<1, Int>) -> Vec<i64> {
    tensor.to_data().iter::<i64>().collect()
}

/// Edges kj and ji and angular functions of all triplets, ordered by ji and then by kj.
type Listed = (Vec<i64>, Vec<i64>, Vec<f64>);

/// The triplets of a batch whose bases a device has computed.
fn listed(batch: &Batch) -> Listed {
    let triplets = batch.edges.triplets();
    let angular = numbers(triplets.angular.clone());
    let kept = |pair: &usize| angular[7 * pair] != 0.0;
    let pairs: Vec<usize> = (0..angular.len() / 7).filter(kept).collect();
    let of = |list: &Tensor<1, Int>| {
        let list = integers(list);
        pairs.iter().map(|&pair| list[pair]).collect()
    };
    let rows = pairs.iter().flat_map(|&pair| angular[7 * pair..7 * pair + 7].to_vec()).collect();
    (of(&triplets.incoming_edge), of(&triplets.outgoing_edge), rows)
}

#[test]
fn the_bases_of_a_device_are_those_of_the_reference() {
    let mut first_edge = 0;
    let cases = golden_cases();
    let cases: Vec<_> = cases.iter().filter(|case| case.prefix.is_empty()).collect();
    if cases.is_empty() {
        return;
    }
    let batch = batch(&cases.iter().map(|case| &case.input).collect::<Vec<_>>(), true);
    let (mut kj, mut ji, mut angular, mut radial) = (vec![], vec![], vec![], vec![]);
    for case in &cases {
        let shifted =
            |name: &str| case.integers(name).into_iter().map(|edge| edge + first_edge).collect::<Vec<_>>();
        kj.extend(shifted("idx_kj"));
        ji.extend(shifted("idx_ji"));
        angular.extend(case.doubles("sbf_ang"));
        radial.extend(case.doubles("sbf_rad"));
        first_edge += case.input.target.len() as i64;
    }
    let found = listed(&batch);
    assert_eq!((found.0, found.1), (kj, ji));
    assert_close("sbf_ang", &found.2, &angular, 1e-9);
    assert_close("sbf_rad", &numbers(batch.bases().spherical.clone()), &radial, 1e-9);
}

#[test]
fn the_bases_of_a_device_are_those_of_the_host() {
    let (cubic, chloride) = (OwnedInput::simple_cubic(3.0), OwnedInput::caesium_chloride());
    let isolated = OwnedInput::cubic(30.0, &[2], &[[0.0; 3]]);
    for crystals in [vec![&isolated, &chloride, &isolated, &cubic, &isolated], vec![&isolated], vec![]] {
        let (host, device) = (batch(&crystals, false), batch(&crystals, true));
        assert!(device.edges.angles.is_none() && host.edges.triplets.is_none());
        assert_close(
            "distances",
            &numbers(device.distances.clone()),
            &numbers(host.distances.clone()),
            1e-15,
        );
        let pairs = |batch: &Batch| {
            let Bases { scaled_distances, envelope, spherical } = batch.bases().clone();
            [scaled_distances, envelope, spherical].map(numbers)
        };
        for (device, host) in pairs(&device).iter().zip(&pairs(&host)) {
            assert_close("bases", device, host, 1e-12);
        }
        let mut angular = numbers(host.edges.angles().angular.clone());
        let mut by_edge = numbers(device.edges.triplets().angular.clone());
        // Another order.
        angular.sort_by(f64::total_cmp);
        by_edge.sort_by(f64::total_cmp);
        assert_close("angular functions", &by_edge, &angular, 1e-12);
    }
}

#[test]
fn functions_of_a_device_are_those_of_the_host() {
    let device = Device::flex();
    let column = |values: &[f64]| {
        Tensor::<2>::from_data(TensorData::new(values.to_vec(), [values.len(), 1]), (&device, DType::F64))
    };
    let distances: Vec<f64> = (1..=600).map(|step| f64::from(step) * 0.002).collect();
    let x = column(&distances);
    let envelopes = distances.iter().map(|&x| basis::envelope(x)).collect::<Vec<_>>();
    assert_close("envelope", &numbers(envelope(&x)), &envelopes, 1e-11);
    let radial = radial_functions(&x, DType::F64) * envelope(&x);
    let expected: Vec<f64> =
        distances.iter().zip(envelopes).flat_map(|(&x, envelope)| spherical(x, envelope)).collect();
    assert_close("radial functions", &numbers(radial), &expected, 1e-9);
    let cosines: Vec<f64> = (-50..=50).map(|step| f64::from(step) * 0.02).collect();
    let expected: Vec<f64> = cosines.iter().flat_map(|&c| AngularBasis::default().values(c)).collect();
    assert_close("angular", &numbers(angular_functions(&column(&cosines), DType::F64)), &expected, 1e-13);
}

#[test]
fn items_are_in_the_group_that_has_not_ended() {
    let ends = |ends: &[i64]| Tensor::<1, Int>::from_data(TensorData::from(ends), &Device::flex());
    assert_eq!(integers(&groups(ends(&[0, 2, 2, 5, 5]), 5)), [1, 1, 3, 3, 3]);
    assert_eq!(integers(&groups(ends(&[1]), 1)), [0]);
    assert_eq!(integers(&groups(ends(&[0, 0]), 0)), [0_i64; 0]);
}
