//! Parsing of a program's arguments.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use clap::builder::Styles;

/// Parses arguments as [`Parser::parse`] does, but passes every error message through `shown` before it is printed.
/// `shown` receives the message without styles, and the arguments. A message that it leaves unchanged keeps its
/// styles.
///
/// # Errors
/// Returns the exit status once help, the version or an error message was printed.
pub fn parse<P: Parser>(
    arguments: impl IntoIterator<Item = OsString>,
    shown: impl Fn(&str, &[String]) -> String,
) -> Result<P, ExitCode> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let error = match P::try_parse_from(&arguments) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error,
    };
    // A closed pipe is not an error.
    let _ = match changed::<P>(&error, &arguments, shown) {
        None => error.print(),
        Some(text) if error.use_stderr() => io::stderr().write_all(text.as_bytes()),
        Some(text) => io::stdout().write_all(text.as_bytes()),
    };
    Err(ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(u8::MAX)))
}

/// Returns the message if `shown` changes it.
fn changed<P: Parser>(
    error: &clap::Error,
    arguments: &[OsString],
    shown: impl Fn(&str, &[String]) -> String,
) -> Option<String> {
    // The message is rendered without styles. Stripping escape sequences afterwards would also strip those in
    // arguments.
    let plain = P::command().styles(Styles::plain()).try_get_matches_from(arguments).err();
    let message = plain.as_ref().unwrap_or(error).render().ansi().to_string();
    let quoted: Vec<String> =
        arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let text = shown(&message, &quoted);
    (text != message).then_some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::{Args, Subcommand};

    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "scales")]
    struct Arguments {
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Debug, Subcommand)]
    enum Command {
        /// Weigh one crystal
        Weigh(Weigh),
    }

    #[derive(Debug, Args)]
    struct Weigh {
        /// Least height in Å
        #[arg(long)]
        height: Option<f64>,
    }

    /// What is printed in place of the message, if anything, and the message that was there.
    fn refused(arguments: &[&str]) -> (Option<String>, String) {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let error = Arguments::try_parse_from(&arguments).unwrap_err();
        let seen = std::cell::RefCell::new(String::new());
        let shown = |text: &str, quoted: &[String]| {
            *seen.borrow_mut() = text.to_owned();
            assert_eq!(quoted.len(), arguments.len());
            text.replace('\u{1b}', "ESC")
        };
        let text = changed::<Arguments>(&error, &arguments, shown);
        (text, seen.into_inner())
    }

    #[test]
    fn what_arguments_bring_is_seen_and_styles_are_not() {
        for arguments in [
            &["scales", "weigh", "--height=\u{1b}[2Jx"][..],
            &["scales", "weigh", "--\u{1b}[2J"],
            &["scales", "\u{1b}[2J"],
        ] {
            let (text, message) = refused(arguments);
            let text = text.unwrap();
            assert!(text.starts_with("error: ") && text.contains("ESC[2J"), "{text:?}");
            assert_eq!(message.replace("\u{1b}[2J", "").find('\u{1b}'), None, "{message:?}");
        }
    }

    #[test]
    fn other_messages_stay_as_they_are() {
        for arguments in [
            &["scales", "weigh", "--height=x"][..],
            &["scales"],
            &["scales", "--help"],
            &["scales", "weigh", "-h"],
        ] {
            assert_eq!(refused(arguments).0, None, "{arguments:?}");
        }
        let parsed =
            parse::<Arguments>(["scales", "weigh", "--height=2"].map(OsString::from), |text, _| text.into());
        let Command::Weigh(Weigh { height }) = parsed.unwrap().command;
        assert_eq!(height, Some(2.0));
    }
}
