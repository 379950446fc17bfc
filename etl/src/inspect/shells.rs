//! Neighbours of a site, grouped by distance and element.

use crystal::element::symbol;
use schemas::view::CrystalView;
use serde::Serialize;

/// A neighbouring site.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbour {
    /// Index of the site.
    pub site: u32,
    /// Periodic image k of the site.
    pub image: [i16; 3],
}

/// Neighbours of the same element at the same distance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shell {
    /// Distance of the nearest of them in Å.
    pub distance: f32,
    /// Element symbol.
    pub element: &'static str,
    /// The neighbours, in the order of the edges.
    pub neighbours: Vec<Neighbour>,
}

/// Returns the shells of a site, sorted by distance and then alphabetically by element. As for the edges
/// (specification, section 2.3), a new distance begins where the gap exceeds `tie_tolerance`, in Å.
pub(crate) fn around(view: &CrystalView<'_>, site: usize, tie_tolerance: f64) -> Vec<Shell> {
    let edges = &view.edges;
    let mut neighbours: Vec<(f32, &'static str, Neighbour)> = (0..edges.target.len())
        .filter(|edge| edges.target[*edge] as usize == site)
        .map(|edge| {
            let source = edges.source[edge];
            let image = edges.image.map(|column| column[edge]);
            let element = view.atomic_numbers.get(source as usize).map_or("?", |z| symbol(*z));
            (edges.distance[edge], element, Neighbour { site: source, image })
        })
        .collect();
    neighbours.sort_by(|(first, ..), (second, ..)| first.total_cmp(second));
    let mut shells: Vec<Shell> = Vec::new();
    for group in neighbours.chunk_by(|(near, ..), (far, ..)| f64::from(far - near) <= tie_tolerance) {
        let first = shells.len();
        for (distance, element, neighbour) in group {
            match shells.iter_mut().skip(first).find(|shell| shell.element == *element) {
                Some(shell) => shell.neighbours.push(neighbour.clone()),
                None => {
                    shells.push(Shell { distance: *distance, element, neighbours: vec![neighbour.clone()] })
                }
            }
        }
        if let Some(group) = shells.get_mut(first..) {
            group.sort_by_key(|shell| shell.element);
        }
    }
    shells
}
