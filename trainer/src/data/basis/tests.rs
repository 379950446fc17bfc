use super::*;
use crate::data::golden::{assert_close, golden_cases};
use proptest::prelude::*;

/// The literal formula of the envelope.
fn literal_envelope(x: f64) -> f64 {
    1.0 / x - 28.0 * x.powi(5) + 48.0 * x.powi(6) - 21.0 * x.powi(7)
}

#[test]
fn envelope_ends_smoothly_at_the_cutoff() {
    assert_eq!(envelope(1.0), 0.0);
    assert_eq!(envelope(2.0), 0.0);
    let step = 1e-4;
    assert!(envelope(1.0 - step) < 100.0 * step.powi(3));
    assert!((envelope(0.5) - literal_envelope(0.5)).abs() < 1e-14);
}

#[test]
fn spherical_basis_ends_at_the_cutoff() {
    assert_eq!(spherical(1.0, envelope(1.0)), [0.0; SPHERICAL]);
    assert_eq!(spherical(1.5, envelope(1.5)), [0.0; SPHERICAL]);
    assert!(spherical(1.0 - 1e-9, envelope(1.0 - 1e-9)).iter().all(|value| value.abs() < 1e-15));
}

#[test]
fn legendre_values_of_simple_angles() {
    let basis = AngularBasis::default();
    let norm = |l: usize| ((2 * l + 1) as f64 / (4.0 * PI)).sqrt();
    let straight: Vec<f64> = (0..ORDERS).map(norm).collect();
    assert_close("P_l(1)", &basis.values(1.0), &straight, 1e-15);
    let back: Vec<f64> = (0..ORDERS).map(|l| if l % 2 == 0 { norm(l) } else { -norm(l) }).collect();
    assert_close("P_l(-1)", &basis.values(-1.0), &back, 1e-15);
    let right = [1.0, 0.0, -0.5, 0.0, 0.375, 0.0, -0.3125];
    let right: Vec<f64> = right.iter().enumerate().map(|(l, value)| norm(l) * value).collect();
    assert_close("P_l(0)", &basis.values(0.0), &right, 1e-15);
}

#[test]
fn golden_spherical_basis() {
    for case in golden_cases().iter().filter(|case| case.prefix.is_empty()) {
        let found: Vec<f64> = case
            .doubles("dist")
            .into_iter()
            .map(|distance| distance / 8.0)
            .flat_map(|x| spherical(x, envelope(x)))
            .collect();
        assert_close("sbf_rad", &found, &case.doubles("sbf_rad"), 1e-9);
        let basis = AngularBasis::default();
        let found: Vec<f64> = case.doubles("cosang").into_iter().flat_map(|c| basis.values(c)).collect();
        assert_close("sbf_ang", &found, &case.doubles("sbf_ang"), 1e-9);
    }
}

proptest! {
    #[test]
    fn envelope_is_the_literal_polynomial(x in 0.01..1.0) {
        let expected = literal_envelope(x);
        prop_assert!((envelope(x) - expected).abs() <= 1e-13 * (1.0 / x), "{} {expected}", envelope(x));
    }

    #[test]
    fn table_agrees_with_the_functions(distance in 0.3..8.0_f64) {
        let x = distance / 8.0;
        let u = envelope(x);
        let exact = tabulated_functions(x);
        for (column, (found, function)) in spherical(x, u).iter().zip(exact).enumerate() {
            let expected = u * function;
            prop_assert!((found - expected).abs() < 1e-11, "column {column}: {found}, expected {expected}");
        }
    }

    #[test]
    fn legendre_recurrence(c in -1.0..=1.0_f64) {
        let mut expected = vec![1.0, c];
        for l in 2..ORDERS {
            let l_value = l as f64;
            let next = ((2.0 * l_value - 1.0) * c * expected[l - 1] - (l_value - 1.0) * expected[l - 2]) / l_value;
            expected.push(next);
        }
        for (l, (found, expected)) in AngularBasis::default().values(c).iter().zip(expected).enumerate() {
            let norm = ((2 * l + 1) as f64 / (4.0 * PI)).sqrt();
            prop_assert!((found - norm * expected).abs() < 1e-14);
        }
    }
}
