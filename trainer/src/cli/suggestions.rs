//! Values that shells offer for options that take any text, which is checked later and with better messages.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, StringValueParser, TypedValueParser};
use etl::source::SourceKind;
use manual::suggesting;
use schemas::property::PROPERTIES;
use trainer::catalogue::Entry;
use trainer::config::MethodKind;
use trainer::data::PeriodicLabels;
use trainer::task::Task;

/// Names of devices: those of every build, and the first ones of a machine with two.
const DEVICES: [&str; 5] = ["cpu", "libtorch", "cuda", "cuda:0", "cuda:1"];

/// Returns a parser that accepts any text and lists some values for shell completion.
fn text(values: impl IntoIterator<Item = &'static str>) -> impl TypedValueParser<Value = String> {
    suggesting(StringValueParser::new(), values)
}

/// The built-in tasks, beside files of others.
pub(super) fn tasks() -> impl TypedValueParser<Value = String> {
    text(Task::names())
}

/// Weights of the catalogue, beside files of others.
pub(super) fn weights() -> impl TypedValueParser<Value = PathBuf> {
    suggesting(PathBufValueParser::new(), Entry::names())
}

/// Properties with a documented column, beside others.
pub(super) fn properties() -> impl TypedValueParser<Value = String> {
    text(PROPERTIES.iter().map(|property| property.column))
}

/// Devices.
pub(super) fn devices() -> impl TypedValueParser<Value = String> {
    text(DEVICES)
}

/// Methods of pre-training.
pub(super) fn methods() -> impl TypedValueParser<Value = String> {
    text(MethodKind::ALL.map(MethodKind::word))
}

/// Kinds of periodic labels.
pub(super) fn labels() -> impl TypedValueParser<Value = String> {
    text(PeriodicLabels::ALL.map(PeriodicLabels::word))
}

/// Kinds of structures.
pub(super) fn source_kinds() -> impl TypedValueParser<Value = SourceKind> {
    suggesting(str::parse::<SourceKind>, SourceKind::ALL.map(SourceKind::name))
}
