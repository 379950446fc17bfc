//! Completion scripts for shells.

use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

use crate::Program;

/// Kinds of values, by the placeholder that `--help` shows for them.
const HINTS: [(&str, ValueHint); 6] = [
    ("DIR", ValueHint::DirPath),
    ("FILE", ValueHint::FilePath),
    ("FOLDER", ValueHint::DirPath),
    ("PART", ValueHint::DirPath),
    ("PATH", ValueHint::AnyPath),
    ("STORE", ValueHint::DirPath),
];

impl Program {
    /// Returns the completion script for a shell. Arguments that take paths complete as paths.
    pub fn completions(&self, shell: Shell) -> Vec<u8> {
        let mut command = with_hints(self.command.clone());
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, name, &mut script);
        script
    }
}

/// Adds a hint to every argument with a known placeholder, in the command and all its subcommands.
fn with_hints(command: Command) -> Command {
    command.mut_args(with_hint).mut_subcommands(with_hints)
}

/// Adds the hint for the argument's placeholder.
fn with_hint(argument: Arg) -> Arg {
    let name = argument.get_value_names().and_then(<[_]>::first).map(|name| name.as_str());
    match HINTS.iter().find(|(known, _)| Some(*known) == name) {
        Some((_, hint)) => argument.value_hint(*hint),
        None => argument,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::scales;

    #[test]
    fn values_complete_by_their_names() {
        let command = with_hints(scales().command);
        let weigh = command.find_subcommand("weigh").expect("a command of the example");
        let hint = |name: &str| {
            let argument = weigh.get_arguments().find(|it| it.get_id() == name);
            argument.expect("an argument of the example").get_value_hint()
        };
        assert_eq!(hint("densities"), ValueHint::AnyPath);
        assert_eq!(hint("out"), ValueHint::FilePath);
        assert_eq!(hint("weights"), ValueHint::DirPath);
        // By its type, which clap sees.
        assert_eq!(hint("crystal"), ValueHint::AnyPath);
        assert_eq!(hint("height"), ValueHint::Unknown);
    }

    #[test]
    fn every_shell_has_a_script_with_the_commands() {
        use clap::ValueEnum;

        for &shell in Shell::value_variants() {
            let script = scales().completions(shell);
            let text = String::from_utf8_lossy(&script);
            for word in ["scales", "weigh", "zero", "densities"] {
                assert!(text.contains(word), "{shell}: {word}: {text}");
            }
            assert_eq!(script, scales().completions(shell), "{shell}");
        }
    }
}
