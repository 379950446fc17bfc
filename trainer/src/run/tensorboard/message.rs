//! The messages of event files, in protocol buffers: those fields that scalars need.
//!
//! Source: `event.proto` and `summary.proto` in `tensorboard/compat/proto` of TensorBoard.

use prost::{Message, Oneof};

/// Version of the format, which the first message of a file names.
pub(super) const FILE_VERSION: &str = "brain.Event:2";
/// Name of the part of TensorBoard that shows scalars.
const SCALARS: &str = "scalars";
/// Kind of a series of numbers (`DATA_CLASS_SCALAR`).
const SCALAR_DATA: i32 = 1;
/// State of a session that begins (`SessionLog.START`).
const STARTED: i32 = 1;

/// A message of an event file.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    #[prost(oneof = "Content", tags = "3, 5, 7")]
    pub(super) content: Option<Content>,
}

/// Content of a message, by its role.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Content {
    /// Version of the format; the first message of a file.
    #[prost(string, tag = "3")]
    FileVersion(String),
    /// Points of curves at the step of the message.
    #[prost(message, tag = "5")]
    Summary(Summary),
    /// Start of a session at the step of the message.
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

/// Values of a step.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(super) values: Vec<Value>,
}

/// A point of a curve.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    /// Name of the curve.
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(float, optional, tag = "2")]
    pub(super) value: Option<f32>,
    /// Of the first point of a curve in a file.
    #[prost(message, optional, tag = "9")]
    pub(super) metadata: Option<Metadata>,
}

/// How a curve is shown.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "1")]
    plugin: Option<Plugin>,
    #[prost(string, tag = "3")]
    pub(super) description: String,
    #[prost(int32, tag = "4")]
    data_class: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Plugin {
    #[prost(string, tag = "1")]
    name: String,
}

/// Begin or end of a session. A session that starts at a step drops that step and all later ones of earlier files.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionLog {
    #[prost(int32, tag = "1")]
    status: i32,
}

impl Content {
    /// The first message of a file.
    pub(super) fn version() -> Self {
        Self::FileVersion(FILE_VERSION.to_owned())
    }

    /// The message that a session starts at the step of the event.
    pub(super) fn start() -> Self {
        Self::SessionLog(SessionLog { status: STARTED })
    }
}

impl Metadata {
    /// Metadata of a curve of numbers.
    pub(super) fn of_scalars(description: String) -> Self {
        Self { plugin: Some(Plugin { name: SCALARS.to_owned() }), description, data_class: SCALAR_DATA }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_bytes_of_the_format() {
        let event = Event { wall_time: 1.0, step: 3, content: Some(Content::start()) };
        assert_eq!(
            event.encode_to_vec(),
            [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 3, 0x3a, 2, 0x08, 1],
            "field 1 as double, field 2 as integer, field 7 as message"
        );
        let value = Value { tag: "a".to_owned(), value: Some(0.0), metadata: None };
        let summary = Content::Summary(Summary { values: vec![value] });
        let event = Event { wall_time: 0.0, step: 0, content: Some(summary) };
        assert_eq!(event.encode_to_vec(), [0x2a, 10, 0x0a, 8, 0x0a, 1, b'a', 0x15, 0, 0, 0, 0]);
    }
}
