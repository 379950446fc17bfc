//! Completion scripts for shells.

use clap::{Arg, Command, ValueHint};
use clap_complete::Shell;

use crate::Program;

/// Kinds of values, by the placeholder that `--help` shows for them.
const HINTS: [(&str, ValueHint); 7] = [
    ("DIR", ValueHint::DirPath),
    ("FILE", ValueHint::FilePath),
    ("FOLDER", ValueHint::DirPath),
    ("PART", ValueHint::DirPath),
    ("PATH", ValueHint::AnyPath),
    ("STORE", ValueHint::DirPath),
    (NAMED.1, ValueHint::FilePath),
];

/// Option and placeholder of files that can have names, which a program suggests.
const NAMED: (&str, &str) = ("weights", "WEIGHTS");

impl Program {
    /// Returns the completion script for a shell. Arguments that take paths complete as paths, also beside names.
    pub fn completions(&self, shell: Shell) -> Vec<u8> {
        let mut command = with_hints(self.command.clone());
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, name, &mut script);
        match String::from_utf8(script) {
            Ok(script) => with_files(script, shell).into_bytes(),
            Err(error) => error.into_bytes(),
        }
    }
}

/// Adds files to the values of arguments that take names or files, where the script of a shell offers names alone. That of
/// Bash offers files where no name begins as the word does, and the others offer no values.
fn with_files(script: String, shell: Shell) -> String {
    let (option, placeholder) = (format!(" -l {} ", NAMED.0), format!(":{}:", NAMED.1));
    let line = |line: &str| match shell {
        Shell::Fish if line.contains(&option) => line.replacen(" -r -f -a ", " -r -F -a ", 1),
        Shell::Zsh => match line.split_once(&format!("{placeholder}(")) {
            Some((before, after)) => {
                let (names, after) = after.split_once(')').unwrap_or((after, ""));
                format!("{before}{placeholder}{{compadd {names}; _files}}{after}")
            }
            None => line.to_owned(),
        },
        _ => line.to_owned(),
    };
    script.split_inclusive('\n').map(line).collect()
}

/// Adds a hint to every argument with a known placeholder, in the command and all its subcommands.
fn with_hints(command: Command) -> Command {
    command.mut_args(with_hint).mut_subcommands(with_hints)
}

/// Adds the hint for the argument's placeholder, unless it has values to offer: the script of Bash would take these for
/// files.
fn with_hint(argument: Arg) -> Arg {
    if argument.get_value_parser().possible_values().is_some() {
        return argument;
    }
    let name = argument.get_value_names().and_then(<[_]>::first).map(|name| name.as_str());
    match HINTS.iter().find(|(known, _)| Some(*known) == name) {
        Some((_, hint)) => argument.value_hint(*hint),
        None => argument,
    }
}

#[cfg(test)]
mod tests {
    use clap::builder::StringValueParser;

    use super::*;
    use crate::example::scales;
    use crate::suggesting;

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
    fn names_are_offered_beside_files() {
        let paint = |values: &[&'static str]| {
            let parser = suggesting(StringValueParser::new(), values.iter().copied());
            let weights =
                Arg::new("weights").long(NAMED.0).value_name(NAMED.1).help("A (b)").value_parser(parser);
            let colour = Arg::new("colour").long("colour").value_parser(["red"]);
            Program::new(Command::new("paint").arg(weights).arg(colour), &[])
        };
        let script = |values: &[&'static str], shell| {
            String::from_utf8(paint(values).completions(shell)).expect("UTF-8")
        };
        let zsh = script(&["oak", "elm"], Shell::Zsh);
        assert!(zsh.contains(":WEIGHTS:{compadd oak elm; _files}' \\\n"), "{zsh}");
        assert!(zsh.contains(":(red)"), "{zsh}");
        let fish = script(&["oak", "elm"], Shell::Fish);
        assert!(fish.contains("-l weights -d 'A (b)' -r -F -a \"oak\\t''"), "{fish}");
        assert!(fish.contains("-l colour -r -f -a "), "{fish}");
        let bash = script(&["oak", "elm"], Shell::Bash);
        assert!(bash.contains("compgen -W \"oak elm\"") && !bash.contains("compopt -o filenames"), "{bash}");
        // Without names they are files alone.
        assert!(script(&[], Shell::Zsh).contains(":WEIGHTS:_files"));
        assert!(script(&[], Shell::Fish).contains("-l weights -d 'A (b)' -r -F"));
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
