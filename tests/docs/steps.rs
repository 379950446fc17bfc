//! What a page asks its reader to do.

use std::path::{Component, Path};

use crate::markdown::{Block, blocks};

/// Begins a command of a session.
const PROMPT: &str = "$ ";
/// Ends a line that goes on in the next.
const CONTINUED: char = '\\';
/// Introduces another exit status than 0 at the end of a command.
const STATUS: &str = "# exit status ";
/// The mark of a session whose decimal numbers are not those of every processor.
const ABOUT: &str = "about";
/// What begins a comment in the languages of files.
const COMMENTS: [&str; 2] = ["# ", "-- "];

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Save a text.
    Write {
        /// Path from the root.
        path: String,
        /// The whole text.
        text: String,
    },
    /// Run a script.
    Run(Command),
    /// Type commands one after the other and see what they print.
    Session {
        /// The commands.
        exchanges: Vec<Exchange>,
        /// Whether decimal numbers are approximate.
        about: bool,
    },
}

/// One command or several, as bash takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// What is typed.
    pub(crate) text: String,
    /// How it is to end.
    pub(crate) status: i32,
}

/// A command and what it prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exchange {
    /// The command.
    pub(crate) command: Command,
    /// The lines below it.
    pub(crate) printed: Vec<String>,
}

/// What a page asks for, in order, with the lines at which it does.
///
/// # Errors
/// A message with the line of a block that cannot be followed.
pub(crate) fn steps(page: &str) -> Result<Vec<(usize, Step)>, String> {
    let mut steps = Vec::new();
    for block in blocks(page)? {
        if let Some(step) = step(&block).map_err(|fault| format!("line {}: {fault}", block.line))? {
            steps.push((block.line, step));
        }
    }
    Ok(steps)
}

fn step(block: &Block) -> Result<Option<Step>, String> {
    let about = block.marks == [ABOUT] && block.language == "console";
    if !about && !block.marks.is_empty() {
        return Err(format!("a {} block has no marks {:?}", block.language, block.marks));
    }
    Ok(Some(match block.language.as_str() {
        "text" => return Ok(None),
        "sh" => Step::Run(command(&block.text)?),
        "console" => Step::Session { exchanges: exchanges(&block.text)?, about },
        "toml" | "sql" | "python" | "cif" => {
            Step::Write { path: file_name(&block.text)?, text: block.text.clone() }
        }
        other => return Err(format!("a block in {other:?} is neither run nor written nor mere text")),
    }))
}

/// A command with the exit status that its last line states.
fn command(text: &str) -> Result<Command, String> {
    let last = text.lines().next_back().unwrap_or_default();
    let status = match last.split_once(STATUS) {
        None => 0,
        Some((_, status)) => status.trim().parse().map_err(|_| format!("no exit status: {last:?}"))?,
    };
    Ok(Command { text: text.trim_end().to_owned(), status })
}

/// The commands of a session.
fn exchanges(text: &str) -> Result<Vec<Exchange>, String> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(first) = line.strip_prefix(PROMPT) {
            let mut typed = first.to_owned();
            while typed.ends_with(CONTINUED) {
                let next = lines.next().ok_or_else(|| format!("the command {first:?} does not end"))?;
                typed = format!("{typed}\n{next}");
            }
            exchanges.push(Exchange { command: command(&typed)?, printed: Vec::new() });
        } else {
            let exchange = exchanges.last_mut().ok_or_else(|| format!("no command has printed {line:?}"))?;
            exchange.printed.push(line.to_owned());
        }
    }
    Ok(exchanges)
}

/// The file that the comment in the first line names: a plain path below the root.
fn file_name(text: &str) -> Result<String, String> {
    let first = text.lines().next().unwrap_or_default();
    let name = COMMENTS.iter().find_map(|comment| first.strip_prefix(comment)).unwrap_or_default();
    let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if name.contains(char::is_whitespace) || !name.contains('.') || !plain {
        return Err(format!("the first line has to be a comment with the file's name, not {first:?}"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(page: &str) -> Step {
        let mut steps = steps(page).expect("the page can be followed");
        assert_eq!(steps.len(), 1, "{steps:?}");
        steps.remove(0).1
    }

    fn fault(page: &str) -> String {
        steps(page).expect_err("the page cannot be followed")
    }

    fn command(text: &str, status: i32) -> Command {
        Command { text: text.to_owned(), status }
    }

    #[test]
    fn a_script_ends_as_its_last_line_says() {
        assert_eq!(only("```sh\na\nb\n```\n"), Step::Run(command("a\nb", 0)));
        let rejected = only("```sh\na\nb   # exit status 1\n```\n");
        assert_eq!(rejected, Step::Run(command("a\nb   # exit status 1", 1)));
        assert!(fault("```sh\na # exit status one\n```\n").contains("line 1: no exit status"));
    }

    #[test]
    fn a_session_is_commands_with_what_they_print() {
        let page = "```console,about\n$ a \\\n    --b   # exit status 2\none\n\ntwo\n$ c\n```\n";
        let Step::Session { exchanges, about } = only(page) else { panic!("a session") };
        assert!(about);
        let first = Exchange {
            command: command("a \\\n    --b   # exit status 2", 2),
            printed: vec!["one".into(), String::new(), "two".into()],
        };
        assert_eq!(exchanges, [first, Exchange { command: command("c", 0), printed: Vec::new() }]);
        assert!(fault("```console\none\n```\n").contains("no command has printed"));
        assert!(fault("```console\n$ a \\\n```\n").contains("does not end"));
    }

    #[test]
    fn a_file_is_named_by_its_first_line_and_holds_all_of_them() {
        for (language, comment) in [("toml", "# "), ("sql", "-- "), ("python", "# "), ("cif", "# ")] {
            let text = format!("{comment}some/name.end\nrest\n");
            let step = only(&format!("```{language}\n{text}```\n"));
            assert_eq!(step, Step::Write { path: "some/name.end".into(), text });
        }
        for first in ["name.toml", "# a name.toml", "# name", "# ../name.toml", "# /name.toml", "x = 1", ""] {
            assert!(fault(&format!("```toml\n{first}\n```\n")).contains("file's name"), "{first}");
        }
    }

    #[test]
    fn what_is_only_shown_says_so() {
        assert_eq!(steps("```text\n$ rm -r data\n```\n"), Ok(Vec::new()));
        assert!(fault("```\na\n```\n").contains("neither run nor written"));
        assert!(fault("a\n```rust\nb\n```\n").starts_with("line 2: "));
        assert!(fault("```sh,ignore\na\n```\n").contains("no marks"));
        assert!(fault("```sh,about\na\n```\n").contains("no marks"));
    }
}
