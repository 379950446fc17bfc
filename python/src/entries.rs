//! Structures that Python holds, in the order of their list.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use etl::source::{
    Coordinates, EntryFormat, InputKind, ListItem, ListedCell, OpenSource, SourceError, SourceKind,
    SourceOptions, detect, open_list,
};
use numpy::{PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A list of structures: paths, texts and cells. The package makes it of what its users give.
#[pyclass(frozen, module = "crystal_mmpt._native")]
#[derive(Default)]
pub(crate) struct Entries(Mutex<Vec<ListItem>>);

#[pymethods]
impl Entries {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Appends a file, folder or archive.
    fn path(&self, path: PathBuf) {
        self.push(ListItem::Path(path));
    }

    /// Appends a text in a format of `etl worker`.
    fn text(&self, material_id: String, format: &str, text: &[u8]) -> PyResult<()> {
        let format: EntryFormat = format.parse().map_err(PyValueError::new_err)?;
        self.push(ListItem::Text { material_id, format, text: text.to_vec() });
        Ok(())
    }

    /// Appends a cell: lattice vectors as rows in Å, atomic numbers, and positions, Cartesian in Å or fractional.
    #[pyo3(signature = (material_id, lattice, periodic, atomic_numbers, positions, is_cartesian))]
    fn cell(
        &self,
        material_id: String,
        lattice: PyReadonlyArray2<'_, f64>,
        periodic: [bool; 3],
        atomic_numbers: PyReadonlyArray1<'_, i64>,
        positions: PyReadonlyArray2<'_, f64>,
        is_cartesian: bool,
    ) -> PyResult<()> {
        let lattice = rows(&lattice)?;
        let Ok(lattice) = <[[f64; 3]; 3]>::try_from(lattice) else {
            return Err(PyValueError::new_err("a lattice has three vectors"));
        };
        let coordinates = if is_cartesian { Coordinates::Cartesian } else { Coordinates::Fractional };
        let atomic_numbers = atomic_numbers.as_array().iter().copied().collect();
        let positions = rows(&positions)?;
        let cell = ListedCell { lattice, periodic, atomic_numbers, positions, coordinates };
        self.push(ListItem::Cell { material_id, cell });
        Ok(())
    }

    fn __len__(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Entries {
    fn push(&self, item: ListItem) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(item);
    }

    /// Takes the items; the list is empty afterwards.
    pub(crate) fn take(&self) -> Vec<ListItem> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the rows of an array of the shape `[n, 3]`.
fn rows(array: &PyReadonlyArray2<'_, f64>) -> PyResult<Vec<[f64; 3]>> {
    let array = array.as_array();
    let row = |row: numpy::ndarray::ArrayView1<'_, f64>| match row.iter().copied().collect::<Vec<_>>()[..] {
        [x, y, z] => Ok([x, y, z]),
        ref other => Err(PyValueError::new_err(format!("{} coordinates instead of three", other.len()))),
    };
    array.rows().into_iter().map(row).collect()
}

/// Opens the items as `etl build` opens its inputs where all of them are paths of one kind, and as a list otherwise.
/// Returns their kind, too, which decides how label tables name the crystals.
///
/// # Errors
/// [`SourceError`] for an empty list, and a path that cannot be opened.
pub(crate) fn open(
    items: Vec<ListItem>,
    options: &SourceOptions,
) -> Result<(OpenSource, SourceKind), SourceError> {
    match one_kind(&items)? {
        Some((kind, paths)) => {
            let of_labels = match kind {
                InputKind::Structures => SourceKind::Cif,
                InputKind::Source(kind) => kind,
            };
            Ok((kind.open(&paths, options)?, of_labels))
        }
        // The identifiers are taken as they are, as those of a table.
        None => Ok((open_list(items.into(), options)?, SourceKind::Table)),
    }
}

/// Returns the kind of items that are all paths of one kind; `None` for any other list.
fn one_kind(items: &[ListItem]) -> Result<Option<(InputKind, Vec<PathBuf>)>, SourceError> {
    let paths: Option<Vec<PathBuf>> = items.iter().map(|item| item.path().cloned()).collect();
    let Some((first, paths)) = paths.as_ref().and_then(|paths| Some((paths.first()?, paths))) else {
        return Ok(None);
    };
    let kind = detect(first)?;
    for path in paths {
        if detect(path)? != kind {
            return Ok(None);
        }
    }
    Ok(Some((kind, paths.clone())))
}

/// Returns the items for the trainer, which finds out the kind of paths by itself.
pub(crate) fn given(items: Vec<ListItem>) -> trainer::predict::Given {
    let paths: Option<Vec<PathBuf>> = items.iter().map(|item| item.path().cloned()).collect();
    match paths {
        Some(paths) => trainer::predict::Given::Paths(paths),
        None => trainer::predict::Given::List(Arc::from(items)),
    }
}
