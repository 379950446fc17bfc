//! Results whose rows are made in strips that stay in the cache: row by row, by atoms and by the edges into each atom.

use std::ops::Range;

use super::parallel;
use super::real::Real;
use super::topology::Topology;
use crate::raw::fresh::Fresh;

/// Elements of a strip, which stays in the first-level cache.
pub(super) const STRIP: usize = 2048;
/// Maximum number of rows of a strip.
const STRIP_ROWS: usize = 32;
/// Rows per task.
pub(super) const TASK_ROWS: usize = 256;
/// Atoms per task.
pub(super) const ATOM_BLOCK: usize = 32;
/// Edges per strip. With 128 channels they stay in the first-level cache.
const EDGE_BLOCK: usize = 16;

/// Returns the strips of a range of rows of `width` elements.
pub(super) fn strips(rows: Range<usize>, width: usize) -> impl Iterator<Item = Range<usize>> {
    parallel::ranges(rows.len(), strip_rows(width))
        .map(move |strip| rows.start + strip.start..rows.start + strip.end)
}

/// Returns a buffer for the longest strip of rows of `width` elements.
pub(super) fn strip<R: Real>(width: usize) -> Vec<R> {
    vec![R::ZERO; strip_rows(width) * width]
}

/// Returns the number of rows of a strip.
fn strip_rows(width: usize) -> usize {
    (STRIP / width.max(1)).clamp(1, STRIP_ROWS)
}

/// Returns `rows` rows of `width` elements. `fill(memory, strip, out)` writes the rows `strip`; `scratch` makes its
/// memory.
pub(super) fn of_rows<R: Real, S>(
    rows: usize,
    width: usize,
    scratch: impl Fn() -> S + Sync + Send,
    fill: impl Fn(&mut S, Range<usize>, &mut [R]) + Sync + Send,
) -> Vec<R> {
    let mut out = Fresh::new(rows * width);
    let tasks = parallel::ranges(rows, TASK_ROWS);
    let items: Vec<_> = tasks.clone().zip(out.blocks(tasks.map(|task| task.end * width))).collect();
    parallel::map(
        items,
        || (scratch(), strip(width)),
        |(memory, buffer), (task, mut out)| {
            for rows in strips(task, width) {
                let buffer = &mut buffer[..rows.len() * width];
                fill(memory, rows, buffer);
                out.append(buffer);
            }
        },
    );
    out.finish()
}

/// Returns a row of `width` elements for each of `atoms` atoms. `add(atom, row)` adds to a row of zeros.
pub(super) fn of_atoms<R: Real>(
    atoms: usize,
    width: usize,
    add: impl Fn(usize, &mut [R]) + Sync + Send,
) -> Vec<R> {
    of_atoms_with(atoms, width, || (), |(), atom, row| add(atom, row))
}

/// Does the same as [`of_atoms`] with memory that `scratch` makes.
pub(super) fn of_atoms_with<R: Real, S>(
    atoms: usize,
    width: usize,
    scratch: impl Fn() -> S + Sync + Send,
    add: impl Fn(&mut S, usize, &mut [R]) + Sync + Send,
) -> Vec<R> {
    let mut out = Fresh::new(atoms * width);
    let tasks = parallel::ranges(atoms, ATOM_BLOCK);
    let items: Vec<_> = tasks.clone().zip(out.blocks(tasks.map(|task| task.end * width))).collect();
    parallel::map(
        items,
        || (scratch(), vec![R::ZERO; width]),
        |(memory, row), (task, mut out)| {
            for atom in task {
                row.fill(R::ZERO);
                add(memory, atom, row);
                out.append(row);
            }
        },
    );
    out.finish()
}

/// Returns a row of `width` elements for each edge. `fill(atom, edges, out)` writes the rows of `edges`, all of which
/// end at `atom`.
pub(super) fn of_edges<R: Real>(
    topology: Topology<'_>,
    width: usize,
    fill: impl Fn(usize, Range<usize>, &mut [R]) + Sync + Send,
) -> Vec<R> {
    let mut out = Fresh::new(topology.edges() * width);
    let tasks = parallel::ranges(topology.atoms(), ATOM_BLOCK);
    let ends = tasks.clone().map(|task| topology.incoming[task.end] as usize * width);
    let items: Vec<_> = tasks.zip(out.blocks(ends)).collect();
    let scratch = || vec![R::ZERO; EDGE_BLOCK * width];
    parallel::map(items, scratch, |buffer, (task, mut out)| {
        for atom in task {
            let edges = topology.incoming_of(atom);
            for block in parallel::ranges(edges.len(), EDGE_BLOCK) {
                let block = edges.start + block.start..edges.start + block.end;
                let buffer = &mut buffer[..block.len() * width];
                fill(atom, block, buffer);
                out.append(buffer);
            }
        }
    });
    out.finish()
}

/// Returns the elements of a range of rows.
#[inline]
pub(super) fn elements(rows: &Range<usize>, width: usize) -> Range<usize> {
    rows.start * width..rows.end * width
}

/// Returns the number of columns of a matrix of `rows` rows.
///
/// # Panics
/// If the rows are not whole.
pub(super) fn width<R>(name: &str, matrix: &[R], rows: usize) -> usize {
    let width = matrix.len() / rows.max(1);
    assert_eq!(matrix.len(), rows * width, "{name}: whole rows");
    width
}

/// Returns the number of rows of a matrix of `width` columns.
///
/// # Panics
/// If the rows are not whole.
pub(super) fn count<R>(name: &str, matrix: &[R], width: usize) -> usize {
    let rows = matrix.len() / width.max(1);
    assert_eq!(matrix.len(), rows * width, "{name}: whole rows");
    rows
}
