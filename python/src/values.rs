//! Values of Arrow arrays as Python's own.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, UInt8Type, UInt32Type, UInt64Type,
};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// Returns a value of an array; `None` for a null.
///
/// # Errors
/// `TypeError` for a type that neither stores nor tables of the trainer have.
pub(crate) fn value<'py>(py: Python<'py>, array: &dyn Array, row: usize) -> PyResult<Bound<'py, PyAny>> {
    if array.is_null(row) {
        return Ok(py.None().into_bound(py));
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).into_bound_py_any(py),
        DataType::Boolean => array.as_boolean().value(row).into_bound_py_any(py),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into_bound_py_any(py),
        DataType::Float32 => array.as_primitive::<Float32Type>().value(row).into_bound_py_any(py),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into_bound_py_any(py),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into_bound_py_any(py),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into_bound_py_any(py),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into_bound_py_any(py),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into_bound_py_any(py),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into_bound_py_any(py),
        DataType::List(_) => list(py, &*array.as_list::<i32>().value(row)),
        DataType::FixedSizeList(..) => list(py, &*array.as_fixed_size_list().value(row)),
        other => Err(PyTypeError::new_err(format!("{other}: no such values are converted"))),
    }
}

fn list<'py>(py: Python<'py>, items: &dyn Array) -> PyResult<Bound<'py, PyAny>> {
    let values = (0..items.len()).map(|row| value(py, items, row)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, values)?.into_bound_py_any(py)
}
