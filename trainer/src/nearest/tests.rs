//! Searches against plain loops.

use proptest::prelude::*;

use super::*;

/// Coordinates on a coarse grid, so that many distances are equal, or anywhere.
fn values(most_rows: usize) -> impl Strategy<Value = (Vec<f32>, usize)> {
    let number = prop_oneof![(-3..4_i8).prop_map(f32::from), -1e3_f32..1e3, Just(1e-30), Just(3e20)];
    (1..40_usize, 1..most_rows).prop_flat_map(move |(width, rows)| {
        (prop::collection::vec(number.clone(), width * rows), Just(width))
    })
}

/// The neighbours of a query by a loop in double precision.
fn by_hand(values: &[f32], width: usize, query: Query<'_>, k: usize) -> Vec<Neighbour> {
    let distance = |row: &[f32]| {
        let squares = row.iter().zip(query.point).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let rows = values.chunks(width).enumerate().filter(|(row, _)| query.except != Some(*row));
    let mut all: Vec<Neighbour> =
        rows.map(|(row, point)| Neighbour { row, distance: distance(point) }).collect();
    all.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row)));
    all.truncate(k);
    all
}

/// Runs on a number of threads.
fn on<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(run)
}

/// Points that look random: squares of the golden ratio's multiples.
fn spread(rows: usize, width: usize) -> Vec<f32> {
    let share = |place: usize| (place as f64 * 0.618_033_988_749_895).fract();
    (0..rows * width).map(|place| (share(place * place % 1_000_003) - 0.5) as f32).collect()
}

proptest! {
    #[test]
    fn the_nearest_are_those_of_a_plain_loop((values, width) in values(90), k in 0..20_usize) {
        let points = Points::new(values.clone(), width).expect("finite numbers");
        let rows: Vec<usize> = (0..points.len()).collect();
        let queries: Vec<Query<'_>> = rows
            .iter()
            .map(|&row| Query { point: &values[row * width..(row + 1) * width], except: (row % 2 == 0).then_some(row) })
            .collect();
        let found = points.nearest(&queries, k);
        prop_assert_eq!(found.len(), queries.len());
        for (query, found) in queries.iter().zip(&found) {
            prop_assert_eq!(found, &by_hand(&values, width, *query, k));
        }
    }

    #[test]
    fn pairs_are_those_of_a_plain_loop((values, width) in values(60), distance in 0.0..6.0_f64) {
        let points = Points::new(values.clone(), width).expect("finite numbers");
        let search = PairSearch::new(&points, distance);
        for (row, found) in search.of_rows(0..points.len()).into_iter().enumerate() {
            let query = Query { point: points.row(row), except: None };
            let mut expected = by_hand(&values, width, query, points.len());
            expected.retain(|other| other.row > row && other.distance <= distance);
            expected.sort_by_key(|other| other.row);
            prop_assert_eq!(found, expected);
        }
    }
}

#[test]
fn several_blocks_and_threads_make_no_difference() {
    let width = 24;
    let values = spread(2 * TASK_ROWS + 700, width);
    let points = Points::new(values.clone(), width).expect("finite numbers");
    let queries: Vec<Query<'_>> = (0..GROUP + 9)
        .map(|index| Query { point: points.row(61 * index), except: (index % 3 > 0).then_some(61 * index) })
        .collect();
    let one = on(1, || points.nearest(&queries, 7));
    assert_eq!(one, on(3, || points.nearest(&queries, 7)));
    for index in [0, 1, GROUP, GROUP + 8] {
        assert_eq!(one[index], by_hand(&values, width, queries[index], 7), "{index}");
    }
    let pairs = |threads| on(threads, || PairSearch::new(&points, 0.6).of_rows(0..3000));
    assert_eq!(pairs(1), pairs(3));
    let components = |threads| on(threads, || principal::principal_axes(&points, 3));
    assert_eq!(components(1), components(3));
}

#[test]
fn equal_points_are_told_in_order() {
    let points = Points::new(vec![2.0; 300 * 5], 5).expect("finite numbers");
    let found = points.nearest(&[Query { point: &[2.0; 5], except: Some(1) }], 3);
    let rows: Vec<usize> = found[0].iter().map(|neighbour| neighbour.row).collect();
    assert_eq!(rows, [0, 2, 3]);
    assert!(Domain::new(points, 3).is_none(), "nothing is usual where all are the same");
}

#[test]
fn numbers_without_a_distance_are_refused() {
    let error = Points::new(vec![0.0, 1.0, 2.0, f32::NAN], 2).expect_err("not a number");
    assert_eq!(error.to_string(), "coordinate 1 of point 1 is NaN");
}

#[test]
fn standardised_pairs_are_two_apart_in_the_square() {
    let (rows, width) = (400, 6);
    let mut values = spread(rows, width);
    for row in values.chunks_exact_mut(width) {
        row[0] = row[0] * 1e6 + 3e6;
        row[1] = 1e4;
        row[2] = 1e4 + row[2] * 1e-5;
    }
    let standard = Standardisation::of(&values, width);
    assert_eq!(standard.varying(), 4);
    standard.apply(&mut values);
    let points = Points::new(values, width).expect("finite numbers");
    assert!((0..rows).all(|row| points.row(row)[1] == 0.0 && points.row(row)[2] == 0.0));
    let squares = (0..rows).flat_map(|a| (0..rows).map(move |b| (a, b)));
    let sum: f64 = squares.map(|(a, b)| points.distance(a, points.row(b)).powi(2)).sum();
    assert!((sum / (rows * rows) as f64 - 2.0).abs() < 1e-5, "{sum}");
}

#[test]
fn what_is_far_from_all_points_is_outside_the_domain() {
    let width = 8;
    let points = Points::new(spread(3000, width), width).expect("finite numbers");
    let inside = points.row(17).to_vec();
    let domain = Domain::new(points, 5).expect("points enough");
    let outside = vec![4.0; width];
    let query = |point| Query { point, except: None };
    let distances = domain.distances(&[query(&inside), query(&outside)]);
    assert!(distances[0] < 1.5 && distances[1] > 10.0, "{distances:?}");
    let few = Points::new(spread(5, width), width).expect("finite numbers");
    assert!(Domain::new(few.clone(), 5).is_none() && Domain::new(few.clone(), 0).is_none());
    assert!(Domain::new(few, 4).is_some());
}

#[test]
fn axes_follow_the_variance() {
    // Along (3, 4) / 5, with a little of (-4, 3) / 5.
    let line = (-50..=50_i8).map(f32::from);
    let values: Vec<f32> = line
        .flat_map(|t| {
            let aside = if t as i32 % 2 == 0 { 1.0 } else { -1.0 };
            [0.6 * t - 0.8 * aside + 7.0, 0.8 * t + 0.6 * aside - 2.0]
        })
        .collect();
    let points = Points::new(values, 2).expect("finite numbers");
    let found = principal::principal_axes(&points, 2);
    assert!((found.axes[0][0] - 0.6).abs() < 1e-3 && (found.axes[0][1] - 0.8).abs() < 1e-3, "{found:?}");
    assert!((found.axes[1][0] + 0.6).abs() > 0.1 && found.axes[1].iter().any(|value| *value > 0.7));
    assert!((found.shares.iter().sum::<f64>() - 1.0).abs() < 1e-12 && found.shares[0] > 0.99);
    let projected = found.project(points.row(100));
    assert!((projected[0] - 50.0).abs() < 0.1, "{projected:?}");
    let same = principal::principal_axes(&Points::new(vec![1.0; 12], 3).expect("finite numbers"), 2);
    assert_eq!(same.shares, [0.0, 0.0]);
}
