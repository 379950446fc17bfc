//! Manual pages in the format of `man`.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::{EXAMPLES, Program};

/// Section of the manual for user commands.
const SECTION: &str = "1";
/// Name of the manual in the header of each page.
const MANUAL: &str = "Crystal MMPT";
/// Date in the header of each page. It is left blank, so that the pages of a version do not depend on when they are
/// written. It is not empty, because `man` would drop an empty macro argument and shift the following ones.
const DATE: &str = " ";

/// A manual page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// File name, such as `etl-build.1`.
    pub name: String,
    /// The page in roff with the `man` macros, in ASCII.
    pub text: String,
}

impl Page {
    /// Whether a file that starts with `head` is a version of this page: its title line names the same page, program
    /// and manual.
    pub(crate) fn is_version(&self, head: &[u8]) -> bool {
        // The header is `.TH ETL-BUILD 1 " " "etl 0.1.0" "Crystal MMPT"`. It is compared before and after the
        // version.
        let title = |text: &str| -> Option<(String, String)> {
            let line = text.lines().find(|line| line.starts_with(".TH "))?;
            let (before, after) = line.rsplit_once(" \"")?;
            let (before, _) = before.rsplit_once(' ')?;
            Some((before.to_owned(), after.to_owned()))
        };
        let ours = title(&self.text);
        ours.is_some() && title(&String::from_utf8_lossy(head)) == ours
    }
}

impl Program {
    /// Returns the page of the program, followed by those of its commands in order.
    pub fn pages(&self) -> Vec<Page> {
        let mut program = self.command.clone().disable_help_subcommand(true);
        program.build();
        let commands = program.get_subcommands().filter(|command| !command.is_hide_set());
        let mut pages = vec![self.page(&program, None)];
        pages.extend(commands.map(|command| self.page(command, Some(program.get_name()))));
        pages
    }

    /// Renders the page of a command. The program itself has no parent.
    fn page(&self, command: &Command, parent: Option<&str>) -> Page {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        let mut end = Roff::new();
        // The help text after the options lists the exit statuses, which have their own section here.
        let help = command.get_after_help().filter(|_| parent.is_some()).map(ToString::to_string);
        let (remarks, examples) = divided(help.as_deref().unwrap_or_default());
        if !remarks.is_empty() {
            end.control("SH", ["NOTES"]);
            notes(&mut end, remarks);
        }
        end.control("SH", ["EXIT STATUS"]);
        for status in self.statuses {
            end.control("TP", []);
            end.text([bold(status.code.to_string())]);
            end.text([roman(status.meaning)]);
        }
        if !examples.is_empty() {
            end.control("SH", ["EXAMPLES"]);
            notes(&mut end, examples);
        }
        if let Some(parent) = parent {
            end.control("SH", ["SEE ALSO"]);
            end.text([bold(parent), roman(format!("({SECTION})"))]);
        }
        let version = self.command.get_version().unwrap_or_default();
        let shown = command.clone().after_help(None).version(None).long_version(None);
        let man = Man::new(shown.subcommand_help_heading("COMMANDS").subcommand_value_name("command"))
            .title(name.to_uppercase())
            .section(SECTION)
            .date(DATE)
            .source(format!("{} {version}", self.command.get_name()))
            .manual(MANUAL);
        let mut text = Vec::new();
        man.render(&mut text).expect("memory is writable");
        let mut text = String::from_utf8_lossy(&text).into_owned();
        // Every rendered section begins with the same macro definitions. They are kept only once.
        let end = end.render();
        text.push_str(end.find(".SH ").map_or("", |start| &end[start..]));
        Page { name: format!("{name}.{SECTION}"), text: ascii(&text) }
    }
}

/// Divides the help text after the options into remarks and examples.
fn divided(help: &str) -> (&str, &str) {
    let mut lines = help.split_inclusive('\n').scan(0, |end, line| {
        let start = *end;
        *end += line.len();
        Some((start, *end, line))
    });
    let heading = lines.find(|(.., line)| line.trim_end() == EXAMPLES);
    heading.map_or((help, ""), |(start, end, _)| (help[..start].trim_end(), &help[end..]))
}

/// Writes text as paragraphs. Indented lines are kept as they are.
fn notes(roff: &mut Roff, text: &str) {
    let mut literal = false;
    for line in text.lines() {
        let indented = line.starts_with(' ');
        if indented != literal {
            roff.control(if indented { "PP" } else { "fi" }, []);
            roff.control(if indented { "nf" } else { "PP" }, []);
            literal = indented;
        }
        roff.text([roman(line)]);
    }
    if literal {
        roff.control("fi", []);
    }
}

/// Escapes all non-ASCII characters, so that the page does not depend on the encoding that `man` assumes.
fn ascii(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            escaped.push_str(&format!("\\[u{:04X}]", u32::from(character)));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::divided;
    use crate::example::scales;

    fn page(name: &str) -> String {
        let pages = scales().pages();
        pages.into_iter().find(|page| page.name == name).expect("a page of the example").text
    }

    /// Headings of a page in order.
    fn headings(page: &str) -> Vec<&str> {
        page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect()
    }

    #[test]
    fn the_program_and_every_command_have_a_page() {
        let names: Vec<_> = scales().pages().into_iter().map(|page| page.name).collect();
        assert_eq!(names, ["scales.1", "scales-weigh.1", "scales-zero.1"]);
        assert_eq!(scales().pages(), scales().pages());
    }

    #[test]
    fn the_sections_are_those_of_a_manual() {
        assert_eq!(
            headings(&page("scales.1")),
            ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "\"EXIT STATUS\""]
        );
        assert_eq!(
            headings(&page("scales-weigh.1")),
            [
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "NOTES",
                "\"EXIT STATUS\"",
                "EXAMPLES",
                "\"SEE ALSO\""
            ]
        );
        assert!(
            page("scales-zero.1").contains(".TH SCALES-ZERO 1 \" \" \"scales 1.2.3\" \"Crystal MMPT\"\n")
        );
    }

    #[test]
    fn statuses_are_told_with_their_meaning() {
        let page = page("scales-zero.1");
        let (_, statuses) = page.split_once(".SH \"EXIT STATUS\"\n").expect("the section");
        assert!(statuses.starts_with(".TP\n\\fB0\\fR\ndone\n.TP\n\\fB2\\fR\nnot done\n"), "{statuses}");
    }

    #[test]
    fn examples_keep_their_lines_and_nothing_is_taken_for_a_macro() {
        let page = page("scales-weigh.1");
        let (_, notes) = page.split_once(".SH NOTES\n").expect("the section");
        let expected = "A crystal is weighed\nin air:\n.PP\n.nf\n  scales weigh \\-\\-out \\*(Aqa b\\*(Aq \
                        quartz.cif\n.fi\n.PP\n\\&.hidden files are weighed as well.\n";
        assert!(notes.starts_with(&format!("{expected}.SH \"EXIT STATUS\"\n")), "{notes}");
        let (_, examples) = page.split_once(".SH EXAMPLES\n").expect("the section");
        let expected =
            ".PP\n.nf\n  scales weigh quartz.cif\n  scales weigh \\-\\-height 3 \\*(Aq.a b\\*(Aq\n.fi\n";
        assert!(examples.starts_with(expected), "{examples}");
    }

    #[test]
    fn examples_follow_their_heading() {
        for (help, expected) in [
            ("", ("", "")),
            ("a\nExamples: b\n", ("a\nExamples: b\n", "")),
            ("Examples:\n  a\n", ("", "  a\n")),
            ("a\n\nExamples:\n  b", ("a", "  b")),
        ] {
            assert_eq!(divided(help), expected);
        }
    }

    #[test]
    fn pages_are_ascii() {
        let page = page("scales-weigh.1");
        assert!(page.is_ascii() && page.contains("Least height in \\[u00C5]"), "{page}");
    }
}
