//! Selection of the nearest or all neighbours of one site, in the order and with the tie rule of the specification,
//! section 2.3.

use super::candidates::Candidates;
use super::images::ImageAtoms;
use super::space::Label;
use crate::feature::{Edges, FeatureError, FeatureOptions, MINIMUM_EDGE_DISTANCE_ANGSTROM, Ties};
use crate::math::Vector3;

/// Largest number of neighbours beyond the number wanted. Shells of crystals hold tens of sites; only sites
/// concentrated in a point or on a line have more, and their number of edges would grow with the square of the number
/// of sites. Where all neighbours are wanted, the limits on atoms and edges hold alone.
const LARGEST_SHELL: usize = 1024;
/// Longest shell that is sorted by insertion.
const SHORT_SHELL: usize = 32;

/// Whether a sphere was large enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The selection equals that of the whole cutoff sphere.
    Complete,
    /// A larger sphere may contain more neighbours of the selected shells.
    TooSmall,
}

/// A selected neighbour.
#[derive(Debug, Clone, Copy)]
struct Neighbour {
    /// Number of the atom.
    atom: usize,
    /// Distance in Å.
    distance: f64,
}

/// Buffers of the selection. After [`Selection::nearest`] they hold the neighbours of one site.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    candidates: Candidates,
    /// The selected neighbours, in the order of (shell, site, k1, k2, k3).
    kept: Vec<Neighbour>,
    /// See [`Selection::reach`].
    reach: f64,
}

impl Selection {
    /// Selects the neighbours of the site `target`, at the coordinates `fractional`, among the atoms within the
    /// radius. `is_last` states that the radius is the cutoff.
    ///
    /// # Errors
    /// Returns [`FeatureError::CoincidentSites`] or [`FeatureError::ShellTooLarge`].
    pub(super) fn nearest(
        &mut self,
        images: &ImageAtoms,
        target: usize,
        fractional: &Vector3,
        is_last: bool,
        options: &FeatureOptions,
    ) -> Result<Outcome, FeatureError> {
        let Self { candidates, kept, reach } = self;
        let wanted = options.neighbours.wanted();
        let most = wanted.saturating_add(LARGEST_SHELL);
        images.within_radius(target, fractional, candidates);
        kept.clear();
        let mut shell_start = 0;
        let mut previous = 0.0;
        let mut ascending = candidates.ascending();
        // The nearest candidate is the site itself, or one that coincides with it.
        let nearest = ascending.next().map(|(atom, _)| atom);
        for (atom, distance) in ascending {
            if distance <= MINIMUM_EDGE_DISTANCE_ANGSTROM {
                return Err(coincidence(images, target, [nearest, Some(atom)], distance));
            }
            if distance - previous > options.tie_tolerance_angstrom {
                sort_shell(&mut kept[shell_start..]);
                shell_start = kept.len();
                if shell_start >= wanted {
                    *reach = if apply_tie_rule(kept, wanted, options.ties) { 0.0 } else { distance };
                    return Ok(Outcome::Complete);
                }
            }
            kept.push(Neighbour { atom, distance });
            previous = distance;
            if kept.len() > most {
                return Err(FeatureError::ShellTooLarge { site: target, neighbours: kept.len() });
            }
        }
        // A neighbour just outside the sphere could still belong to the last shell.
        let is_closed = images.radius() - previous > options.tie_tolerance_angstrom;
        let is_enough = is_closed && kept.len() >= wanted;
        if !is_last && !is_enough {
            return Ok(Outcome::TooSmall);
        }
        sort_shell(&mut kept[shell_start..]);
        *reach = if apply_tie_rule(kept, wanted, options.ties) { 0.0 } else { images.radius() };
        Ok(Outcome::Complete)
    }

    /// Returns the distance in Å of the nearest neighbour that was not selected, or the radius that was searched if all within
    /// it were. It is 0, no distance being known, if [`Ties::Cut`] removed neighbours that are as far as the last one kept.
    pub(super) fn reach(&self) -> f64 {
        self.reach
    }

    /// Whether the site has no neighbours.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Appends the selected neighbours to the edges.
    pub(super) fn append_edges(&self, images: &ImageAtoms, target: usize, edges: &mut Edges) {
        let Edges { source, target: targets, image: [first, second, third], distance, .. } = edges;
        // A label is looked up only once for all columns.
        for neighbour in &self.kept {
            let Label { site, image: [k1, k2, k3] } = images.label(neighbour.atom);
            source.push(site);
            targets.push(target as u32);
            first.push(k1);
            second.push(k2);
            third.push(k3);
            distance.push(neighbour.distance);
        }
    }
}

/// Sorts one shell by (site, k1, k2, k3), which is the order of the atoms' numbers. Shells are short and mostly
/// sorted already, because the sort keys of equal distances differ in the atom's number only.
fn sort_shell(shell: &mut [Neighbour]) {
    if shell.len() > SHORT_SHELL {
        shell.sort_unstable_by_key(|neighbour| neighbour.atom);
        return;
    }
    for end in 1..shell.len() {
        let mut place = end;
        while place > 0 && shell[place - 1].atom > shell[place].atom {
            shell.swap(place - 1, place);
            place -= 1;
        }
    }
}

/// Removes the neighbours of the last shell that the tie rule does not keep. Returns whether it removed any.
fn apply_tie_rule(kept: &mut Vec<Neighbour>, wanted: usize, ties: Ties) -> bool {
    let cuts = ties == Ties::Cut && kept.len() > wanted;
    if cuts {
        kept.truncate(wanted);
    }
    cuts
}

/// Returns the error of two atoms that coincide at the site `target`. One of them is that site.
#[cold]
fn coincidence(images: &ImageAtoms, target: usize, atoms: [Option<usize>; 2], distance: f64) -> FeatureError {
    let sites = atoms.into_iter().flatten().map(|atom| images.label(atom).site as usize);
    let second = sites.into_iter().find(|&site| site != target).unwrap_or(target);
    // The squared distance of a candidate is at least the smallest normal number.
    let distance = if distance < 2.0 * f64::MIN_POSITIVE.sqrt() { 0.0 } else { distance };
    FeatureError::CoincidentSites { first: target, second, distance }
}
