//! Errors of the libraries as exceptions of the package `crystal_mmpt`, with the file, the crystal and the value at
//! fault.

use std::error::Error;
use std::path::Path;

use etl::filter::FilterError;
use etl::labels::LabelError;
use etl::pipeline::BuildError;
use etl::source::SourceError;
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use schemas::StoreError;
use schemas::error::in_one_line;
use schemas::settings::SettingsError;
use trainer::TrainError;
use trainer::config::ConfigError;
use trainer::data::DataError;
use trainer::device::DeviceError;
use trainer::finetune::request::RequestError;
use trainer::predict::PredictError;
use trainer::task::TaskError;

/// Module of the exceptions.
const MODULE: &str = "crystal_mmpt.errors";

/// An error that ends a call.
#[derive(Debug)]
pub(crate) enum Fault {
    /// What the caller gave is at fault.
    Input { message: String, place: Place },
    /// A file cannot be read or written, or something has gone wrong that no input explains.
    Other { message: String, place: Place },
    /// The work was interrupted.
    Interrupted,
}

/// Where a fault is, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// File or folder.
    pub(crate) file: Option<String>,
    /// Identifier of the crystal.
    pub(crate) id: Option<String>,
    /// Line in the file, counted from 1.
    pub(crate) line: Option<u64>,
    /// Text of the value.
    pub(crate) value: Option<String>,
}

impl Place {
    fn file(path: &Path) -> Self {
        Self { file: Some(path.display().to_string()), ..Self::default() }
    }

    fn named(file: &str) -> Self {
        Self { file: Some(file.to_owned()), ..Self::default() }
    }

    fn value(value: impl ToString) -> Self {
        Self { value: Some(value.to_string()), ..Self::default() }
    }
}

impl Fault {
    /// Creates the fault of a value that the caller gave.
    pub(crate) fn of_value(message: impl Into<String>, value: impl ToString) -> Self {
        Self::Input { message: message.into(), place: Place::value(value) }
    }

    /// Creates the fault of an error that no input explains.
    pub(crate) fn other(error: &(dyn Error + 'static)) -> Self {
        Self::Other { message: in_one_line(error), place: Place::default() }
    }

    fn input(error: &(dyn Error + 'static), place: Place) -> Self {
        Self::Input { message: in_one_line(error), place }
    }

    /// Returns the exception.
    pub(crate) fn raise(self, py: Python<'_>) -> PyErr {
        let (class, message, place) = match self {
            // No signal has raised it.
            Self::Interrupted => return PyKeyboardInterrupt::new_err("interrupted"),
            Self::Input { message, place } => ("InputError", message, place),
            Self::Other { message, place } => ("MmptError", message, place),
        };
        let make = || -> PyResult<Bound<'_, PyAny>> {
            let Place { file, id, line, value } = place;
            let places = PyDict::new(py);
            places.set_item("file", file)?;
            places.set_item("id", id)?;
            places.set_item("line", line)?;
            places.set_item("value", value)?;
            py.import(MODULE)?.getattr(class)?.call((message,), Some(&places))
        };
        make().map_or_else(|error| error, PyErr::from_value)
    }
}

fn of_source(error: &SourceError) -> Place {
    match error {
        SourceError::Open { path, .. } => Place::file(path),
        SourceError::Json { file, line, .. } => Place { line: Some(*line), ..Place::named(file) },
        SourceError::Read { file, .. }
        | SourceError::Archive { file, .. }
        | SourceError::Layout { file, .. }
        | SourceError::OtherName { file, .. }
        | SourceError::OtherLook { file, .. }
        | SourceError::MissingColumn { file, .. }
        | SourceError::Empty { file, .. }
        | SourceError::DuplicateColumn { file, .. }
        | SourceError::TooManyKeys { file, .. } => Place::named(file),
        _ => Place::default(),
    }
}

fn of_store(error: &StoreError) -> Place {
    match error {
        StoreError::Io { path, .. }
        | StoreError::Missing { path }
        | StoreError::Unfinished { path }
        | StoreError::NotAStore { path, .. }
        | StoreError::Sidecar { path, .. }
        | StoreError::Parquet { path, .. }
        | StoreError::Damaged { path, .. }
        | StoreError::FormatVersion { path, .. }
        | StoreError::Settings { path, .. } => Place::file(path),
        StoreError::Column { path, column, .. } => Place { value: Some(column.clone()), ..Place::file(path) },
        StoreError::Row { path, material_id, .. } => {
            Place { id: Some(material_id.clone()), ..Place::file(path) }
        }
        StoreError::Manifest { path, line, .. } => Place { line: Some(*line as u64), ..Place::file(path) },
        _ => Place::default(),
    }
}

fn of_labels(error: &LabelError) -> Place {
    let in_file = |file: &str, line: u64| Place { line: Some(line), ..Place::named(file) };
    match error {
        LabelError::Source(error) => of_source(error),
        LabelError::Csv { file, .. }
        | LabelError::Layout { file, .. }
        | LabelError::TooManyRows { file, .. } => Place::named(file),
        LabelError::TooManyFields { file, line, .. } | LabelError::NoIdentifier { file, line } => {
            in_file(file, *line)
        }
        LabelError::Value { file, line, value, .. } | LabelError::Fold { file, line, value } => {
            Place { value: Some(value.clone()), ..in_file(file, *line) }
        }
        LabelError::DuplicateIdentifier { file, line, id } => {
            Place { id: Some(id.clone()), ..in_file(file, *line) }
        }
        LabelError::TwoCrystals { file, id } => Place { id: Some(id.clone()), ..Place::named(file) },
        LabelError::TwoValues { id, .. } | LabelError::Ambiguous { id, .. } => {
            Place { id: Some(id.clone()), ..Place::default() }
        }
        _ => Place::default(),
    }
}

fn of_build(error: &BuildError) -> Place {
    match error {
        BuildError::Io { path, .. } => Place::file(path),
        BuildError::Source(error) => of_source(error),
        BuildError::Labels(error) => of_labels(error),
        BuildError::Store(error) => of_store(error),
        BuildError::NoCrystals { file, .. } | BuildError::NoneJoined { file, .. } => Place::named(file),
        BuildError::Option { value, .. } | BuildError::Settings(SettingsError::Range { value, .. }) => {
            Place::value(value)
        }
        _ => Place::default(),
    }
}

fn of_data(error: &DataError) -> Place {
    match error {
        DataError::Store(error) => of_store(error),
        DataError::NothingMatches { pattern } | DataError::Pattern { pattern, .. } => Place::value(pattern),
        DataError::NotAStore { path, .. } => Place::file(path),
        DataError::UnknownColumn { column, .. } => Place::value(column),
        DataError::Setting { value, .. } => Place::value(value),
        DataError::Crystal { material_id, .. } => Place { id: Some(material_id.clone()), ..Place::default() },
        DataError::OfShard { path, source } => Place { file: Place::file(path).file, ..of_data(source) },
        _ => Place::default(),
    }
}

fn of_predict(error: &PredictError) -> Place {
    match error {
        PredictError::NoWeights { path }
        | PredictError::Exists { path }
        | PredictError::Foreign { path }
        | PredictError::ForeignPartial { path }
        | PredictError::Write { path, .. } => Place::file(path),
        PredictError::Kind(error) => of_source(error),
        PredictError::Structures(error) => of_build(error),
        PredictError::Data(error) => of_data(error),
        _ => Place::default(),
    }
}

fn of_request(error: &RequestError) -> Place {
    match error {
        RequestError::OfTask { value, .. }
        | RequestError::Together { value, .. }
        | RequestError::WithoutEffect { value, .. } => Place::value(value),
        RequestError::Folds { count } => Place::value(count),
        _ => Place::default(),
    }
}

fn of_train(error: &TrainError) -> Place {
    match error {
        TrainError::Data(error) => of_data(error),
        TrainError::Weights { path, .. }
        | TrainError::Read { path, .. }
        | TrainError::Model { path, .. }
        | TrainError::NoFinetuning { path }
        | TrainError::NoMember { path }
        | TrainError::NotFinetuned { path } => Place::file(path),
        TrainError::NotFinite { weights, material_id, .. } => {
            Place { id: Some(material_id.clone()), ..Place::file(weights) }
        }
        TrainError::NoTestCrystal { material_id } => {
            Place { id: Some(material_id.clone()), ..Place::default() }
        }
        _ => Place::default(),
    }
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        Self::input(&error, of_source(&error))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::input(&error, of_store(&error))
    }
}

impl From<BuildError> for Fault {
    fn from(error: BuildError) -> Self {
        let place = of_build(&error);
        match error {
            BuildError::Cancelled { .. } => Self::Interrupted,
            BuildError::ThreadLost | BuildError::Threads { .. } => Self::other(&error),
            error => Self::input(&error, place),
        }
    }
}

impl From<DataError> for Fault {
    fn from(error: DataError) -> Self {
        match error {
            DataError::ThreadLost | DataError::Thread { .. } => Self::other(&error),
            error => Self::input(&error, of_data(&error)),
        }
    }
}

impl From<PredictError> for Fault {
    fn from(error: PredictError) -> Self {
        match error {
            PredictError::Structures(error) => error.into(),
            PredictError::Data(error) => error.into(),
            error => Self::input(&error, of_predict(&error)),
        }
    }
}

impl From<TrainError> for Fault {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Interrupted => Self::Interrupted,
            TrainError::Data(error) => error.into(),
            error => Self::input(&error, of_train(&error)),
        }
    }
}

impl From<TaskError> for Fault {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Data(error) => error.into(),
            TaskError::NoSplit { ref split, .. } => Self::input(&error, Place::value(split)),
            error => Self::input(&error, Place::default()),
        }
    }
}

impl From<RequestError> for Fault {
    fn from(error: RequestError) -> Self {
        Self::input(&error, of_request(&error))
    }
}

impl From<FilterError> for Fault {
    fn from(error: FilterError) -> Self {
        Self::input(&error, Place::default())
    }
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        let place = match &error {
            ConfigError::Contradiction { value, .. } => Place::value(value),
            _ => Place::default(),
        };
        Self::input(&error, place)
    }
}

impl From<DeviceError> for Fault {
    fn from(error: DeviceError) -> Self {
        Self::input(&error, Place::default())
    }
}
