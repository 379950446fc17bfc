//! Settings of features and limits of crystals, by keyword. Their names and meanings are those of `etl build`.

use std::path::{Path, PathBuf};

use etl::pipeline::Bounds;
use pyo3::conversion::FromPyObjectOwned;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use schemas::settings::{FeatureSettings, Neighbours};
use trainer::TrainError;
use trainer::catalogue::locate;
use trainer::device::DeviceName;

use crate::fault::Fault;

/// Reads `neighbours`, `cutoff`, `ties`, `max_sites`, `min_contact`, `reject_isolated`, `min_volume` and
/// `min_distance` of a dictionary.
///
/// # Errors
/// [`Fault::Input`] for an unknown key or an invalid value.
pub(crate) fn features(options: &Bound<'_, PyDict>) -> Result<(FeatureSettings, Bounds), Fault> {
    let (mut settings, mut bounds) = (FeatureSettings::default(), Bounds::default());
    for (key, value) in options {
        let text = value.to_string();
        match key.to_string().as_str() {
            "cutoff" => settings.cutoff_angstrom = read("cutoff", &value)?,
            "neighbours" => {
                settings.neighbours = text.parse().map_err(|error| refuse("neighbours", &text, &error))?;
            }
            "ties" => settings.ties = text.parse().map_err(|error| refuse("ties", &text, &error))?,
            "max_sites" => bounds.max_sites = read("max_sites", &value)?,
            "min_contact" => {
                bounds.min_contact = text.parse().map_err(|error| refuse("min_contact", &text, &error))?;
            }
            "reject_isolated" => bounds.reject_isolated = read("reject_isolated", &value)?,
            "min_volume" => bounds.min_volume = read("min_volume", &value)?,
            "min_distance" => bounds.min_distance = read("min_distance", &value)?,
            other => return Err(Fault::of_value(format!("there is no option '{other}'"), other)),
        }
    }
    if settings.neighbours == Neighbours::All {
        settings.ties = Default::default();
    }
    Ok((settings, bounds))
}

/// Returns the number of threads: every core unless given.
pub(crate) fn threads(given: Option<usize>) -> Result<usize, Fault> {
    match given {
        Some(threads) => Ok(threads),
        None => match std::thread::available_parallelism() {
            Ok(threads) => Ok(threads.get()),
            Err(error) => Err(Fault::other(&error)),
        },
    }
}

/// Returns the device of a name.
pub(crate) fn device(name: &str) -> Result<DeviceName, Fault> {
    Ok(name.parse()?)
}

/// Returns the path of weights that are given by a path or by a name of the catalogue, which are fetched into the user's cache
/// unless they are there.
pub(crate) fn weights(given: &Path) -> Result<PathBuf, Fault> {
    Ok(locate(given, &mut ()).map_err(TrainError::from)?.path)
}

/// Runs work with this number of threads in the place of those of the whole process, which belong to others, too.
pub(crate) fn with_threads<T: Send>(
    threads: usize,
    work: impl FnOnce() -> Result<T, Fault> + Send,
) -> Result<T, Fault> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|error| Fault::other(&error))?.install(work)
}

fn read<'py, T: FromPyObjectOwned<'py>>(option: &str, value: &Bound<'py, PyAny>) -> Result<T, Fault> {
    value.extract().map_err(|_| Fault::of_value(format!("{option} = {value}: not a valid value"), value))
}

fn refuse(option: &str, value: &str, problem: &dyn std::fmt::Display) -> Fault {
    Fault::of_value(format!("{option} = {value}: {problem}"), value)
}
