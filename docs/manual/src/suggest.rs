//! Values that shells offer for an argument that takes others as well.

use std::ffi::{OsStr, OsString};

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};

/// A parser of arguments with values to offer. It is made by [`suggesting`].
#[derive(Debug, Clone)]
pub struct Suggesting<P> {
    parser: P,
    values: Vec<&'static str>,
}

/// Returns a parser that parses as `parser` does. Completion scripts offer `values`, which the help leaves out if the
/// argument hides its possible values.
pub fn suggesting<P: TypedValueParser>(
    parser: P,
    values: impl IntoIterator<Item = &'static str>,
) -> Suggesting<P> {
    Suggesting { parser, values: values.into_iter().collect() }
}

impl<P: TypedValueParser> TypedValueParser for Suggesting<P> {
    type Value = P::Value;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<P::Value, Error> {
        self.parser.parse_ref(command, argument, value)
    }

    fn parse(&self, command: &Command, argument: Option<&Arg>, value: OsString) -> Result<P::Value, Error> {
        self.parser.parse(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        // Without any, the argument completes by what it is.
        let values = self.values.iter().copied().map(PossibleValue::new);
        (!self.values.is_empty()).then(|| Box::new(values) as Box<dyn Iterator<Item = PossibleValue>>)
    }
}

#[cfg(test)]
mod tests {
    use clap::builder::StringValueParser;

    use super::*;

    #[test]
    fn other_values_are_taken_and_the_help_names_none() {
        let colour = Arg::new("colour")
            .long("colour")
            .value_parser(suggesting(StringValueParser::new(), ["red", "green"]))
            .hide_possible_values(true);
        let mut command = Command::new("paint").arg(colour);
        let given = |value: &str| {
            let parsed = command.clone().try_get_matches_from(["paint", "--colour", value]);
            parsed.expect("any text").get_one::<String>("colour").cloned()
        };
        assert_eq!(given("red").as_deref(), Some("red"));
        assert_eq!(given("#ff8800").as_deref(), Some("#ff8800"));
        assert!(!command.render_long_help().to_string().contains("green"));
        let argument = command.get_arguments().next().expect("the argument");
        let offered = argument.get_value_parser().possible_values().expect("values to offer");
        assert_eq!(offered.map(|value| value.get_name().to_owned()).collect::<Vec<_>>(), ["red", "green"]);
    }
}
