//! Crystals as points of a plot, or as the density of the points where they are many.

use std::collections::BTreeMap;

use etl::chart::{Plot, circle, rectangle, shade, step_of_count};
use maud::{Markup, html};

use super::number::grouped;

/// Radius of a point, in the units of the view box.
const RADIUS: f64 = 2.6;
/// Number of points above which their density is drawn. Points would hide each other, and the page would open slowly.
pub(super) const MOST_POINTS: usize = 3000;
/// Side of a square in which points are counted, in the units of the view box.
const SQUARE: f64 = 7.0;

/// Points of one colour: the class of the colour and the points.
pub(super) type Group = (String, Vec<(f64, f64)>);

/// Whether the density of so many points is drawn.
pub(super) const fn is_dense(points: usize) -> bool {
    points > MOST_POINTS
}

/// Draws the points of every group, or the density of all together. Points beyond an axis are drawn at its edge.
pub(super) fn scatter(plot: &Plot, groups: &[Group]) -> Markup {
    if is_dense(groups.iter().map(|(_, points)| points.len()).sum()) {
        return density(plot, groups);
    }
    html! {
        @for (class, points) in groups {
            g class=(format!("points {class}")) {
                @for point in points { (circle("", plot.at(*point), RADIUS, "")) }
            }
        }
    }
}

/// Draws squares, the darker the more points they hold, with one group of the SVG for each shade.
fn density(plot: &Plot, groups: &[Group]) -> Markup {
    let counts = squares(plot, groups);
    let greatest = greatest(&counts);
    let mut shades: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (square, count) in &counts {
        shades.entry(step_of_count(*count, greatest)).or_default().push(*square);
    }
    let corner =
        |(column, row): (usize, usize)| (plot.left + SQUARE * column as f64, plot.top + SQUARE * row as f64);
    // The last column and row may be narrower.
    let side = |start: f64, end: f64| SQUARE.min(end - start);
    html! {
        @for (step, squares) in shades {
            g class=(shade(step)) {
                @for square in squares {
                    @let (x, y) = corner(square);
                    (rectangle("", (x, y), (side(x, plot.right), side(y, plot.bottom)), ""))
                }
            }
        }
    }
}

/// Returns the legend of a dense plot: how many points its shades stand for. `noun` is the word for one of them.
pub(super) fn density_legend(plot: &Plot, groups: &[Group], noun: &str) -> Markup {
    let greatest = greatest(&squares(plot, groups)) as usize;
    html! { span { "shaded: from 1 to " (grouped(greatest)) " " (noun) "s in a square (logarithmic)" } }
}

/// Returns the numbers of points by column and row of their square, counted from the upper left corner.
fn squares(plot: &Plot, groups: &[Group]) -> BTreeMap<(usize, usize), u64> {
    let index = |from: f64, to: f64, end: f64| {
        let last = ((end - from) / SQUARE).ceil() as usize - 1;
        (((to - from) / SQUARE) as usize).min(last)
    };
    let mut counts = BTreeMap::new();
    for point in groups.iter().flat_map(|(_, points)| points) {
        let (x, y) = plot.at(*point);
        let square = (index(plot.left, x, plot.right), index(plot.top, y, plot.bottom));
        *counts.entry(square).or_insert(0) += 1;
    }
    counts
}

fn greatest(counts: &BTreeMap<(usize, usize), u64>) -> u64 {
    counts.values().copied().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use etl::chart::Axis;

    use super::*;

    fn plot() -> Plot {
        let axis = Axis::new(0.0, 10.0);
        Plot::new((0.0, 0.0), (100.0, 100.0), [10.0, 5.0, 5.0, 10.0], axis, axis)
    }

    #[test]
    fn few_crystals_are_points_in_the_colours_of_their_groups() {
        let groups = [("f0".to_owned(), vec![(1.0, 2.0), (3.0, 4.0)]), ("f1".to_owned(), vec![(5.0, 6.0)])];
        let svg = scatter(&plot(), &groups).into_string();
        assert_eq!(svg.matches("<circle").count(), 3);
        assert!(svg.contains("class=\"points f1\"") && !svg.contains("<rect"), "{svg}");
    }

    #[test]
    fn many_crystals_are_shaded_squares() {
        let mut points = vec![(2.0, 2.0); MOST_POINTS];
        points.extend([(9.0, 9.0), (99.0, -99.0)]);
        let groups = [("f0".to_owned(), points)];
        let svg = scatter(&plot(), &groups).into_string();
        assert_eq!((svg.matches("<rect").count(), svg.matches("<circle").count()), (3, 0), "{svg}");
        assert!(svg.contains("<g class=\"h9\">") && svg.contains("<g class=\"h1\">"), "{svg}");
        assert!(!svg.contains("\"-") && !svg.contains("NaN"), "{svg}");
        let legend = density_legend(&plot(), &groups, "crystal").into_string();
        assert!(legend.contains("from 1 to 3,000 crystals"), "{legend}");
    }
}
