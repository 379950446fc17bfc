//! Completion scripts and manual pages of a program, as a shell and `man` take them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// Exit statuses of refusals.
const NOT_DONE: i32 = 2;

/// Runs a program to its end and gives what it printed on standard output.
fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("the program starts");
    assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The commands that a program's `--help` lists.
fn commands(program: &str) -> Vec<String> {
    let help = output_of(program, &["--help"]);
    let (_, rest) = help.split_once("\nCommands:\n").expect("a list of commands");
    let (list, _) = rest.split_once("\n\n").expect("options after the commands");
    // Long descriptions go on in further lines, which are indented deeper.
    let names = list.lines().filter(|line| !line.starts_with("   "));
    names
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .filter(|it| it != "help")
        .collect()
}

/// What Bash offers after some words on the command line, by the program's script.
pub(crate) fn offered(program: &str, name: &str, words: &[&str]) -> Vec<String> {
    let script = output_of(program, &["completions", "bash"]);
    let (last, before) = words.split_last().expect("a word to complete");
    let line = words.join(" ");
    let call = format!(
        "{script}\nCOMP_WORDS=({line}); COMP_CWORD={}\n_{name} {name} {last} {}\nprintf '%s\\n' \
         \"${{COMPREPLY[@]}}\"\n",
        before.len(),
        before.last().expect("the program's name"),
    );
    let output = Command::new("bash").args(["--norc", "-c", &call]).output().expect("bash starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{words:?}: {errors}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// Every shell gets a script that names every command; Bash completes by its own.
///
/// `option` is a command, the beginning of one of its options and the whole of it.
pub(crate) fn completes(program: &str, name: &str, option: [&str; 3]) {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = output_of(program, &["completions", shell]);
        for command in commands(program) {
            assert!(script.contains(&command), "{shell}: {command}");
        }
    }
    for command in commands(program) {
        let found = offered(program, name, &[name, &command]);
        assert!(found.contains(&command), "{command}: {found:?}");
    }
    let [command, beginning, whole] = option;
    assert_eq!(offered(program, name, &[name, command, beginning]), [whole]);
}

/// A reader that closes early ends nothing but itself.
pub(crate) fn prints_to_who_reads(program: &str) {
    let mut child = Command::new(program)
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The program and every command have a page, in the macros of `man`, the same whenever it is written.
pub(crate) fn describes_itself(program: &str, name: &str) {
    let parent = tempfile::tempdir().expect("a temporary folder");
    let folders = ["share/man/man1", "again"].map(|folder| parent.path().join(folder));
    let mut expected: Vec<_> = commands(program).into_iter().map(|it| format!("{name}-{it}.1")).collect();
    expected.push(format!("{name}.1"));
    expected.sort();
    for folder in &folders {
        let said = output_of(program, &["man", folder.to_str().expect("test paths are UTF-8")]);
        let mut names: Vec<_> = fs::read_dir(folder)
            .expect("the folder is made")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, expected);
        let mut told: Vec<_> = said.lines().map(str::to_owned).collect();
        told.sort();
        assert_eq!(told, names.iter().map(|it| folder.join(it).display().to_string()).collect::<Vec<_>>());
    }
    for page in &expected {
        let [text, again] = folders.each_ref().map(|folder| fs::read(folder.join(page)).expect("readable"));
        assert_eq!(text, again, "{page}");
        let text = String::from_utf8(text).expect("ASCII");
        for section in [".SH NAME\n", ".SH SYNOPSIS\n", ".SH OPTIONS\n", ".SH \"EXIT STATUS\"\n"] {
            assert!(text.contains(section), "{page}: {section}");
        }
        assert_eq!(text.contains(".SH \"SEE ALSO\"\n"), *page != format!("{name}.1"), "{page}");
        only_macros_of_man(page, &text);
        formatted_without_complaint(&folders[0].join(page));
    }
}

/// Every line that begins as a macro is one that the pages use.
fn only_macros_of_man(page: &str, text: &str) {
    const MACROS: [&str; 11] = [".TH", ".SH", ".TP", ".PP", ".IP", ".RS", ".RE", ".nf", ".fi", ".br", ".ie"];
    for line in text.lines().filter(|line| line.starts_with(['.', '\''])) {
        let word = line.split_whitespace().next().unwrap_or_default();
        assert!(MACROS.contains(&word) || word == ".el", "{page}: {line}");
    }
    assert!(text.is_ascii(), "{page}");
}

/// groff, where there is one with the macros of `man`, has nothing to say about a page.
fn formatted_without_complaint(page: &Path) {
    let run = Command::new("groff").args(["-man", "-ww", "-z"]).arg(page).output();
    match run {
        Ok(Output { status, stderr, .. }) => {
            let said = String::from_utf8_lossy(&stderr);
            // Installed without its macros, as on small machines.
            if !said.contains("can't find macro file") && !said.contains("cannot open macro file") {
                assert!(status.success() && said.is_empty(), "{}: {said}", page.display());
            }
        }
        Err(error) => println!("skipped: there is no groff ({error})"),
    }
}

/// A folder that cannot be made is named in one line.
pub(crate) fn names_the_folder_that_cannot_be_made(program: &str) {
    let parent: TempDir = tempfile::tempdir().expect("a temporary folder");
    let file = parent.path().join("file");
    fs::write(&file, b"no folder").expect("a file");
    let folder = file.join("man1");
    let output = Command::new(program).arg("man").arg(&folder).output().expect("the program starts");
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(NOT_DONE), "{line}");
    assert_eq!(line.lines().count(), 1, "one clear line: {line}");
    assert!(line.contains(&format!("cannot create the folder {}: ", folder.display())), "{line}");

    // A page whose place is taken by a folder.
    let taken = parent.path().join("taken");
    let name = Path::new(program).file_stem().expect("a program's name").to_string_lossy().into_owned();
    let page = taken.join(format!("{name}.1"));
    fs::create_dir_all(page.join("full")).expect("a folder");
    let output = Command::new(program).arg("man").arg(&taken).output().expect("the program starts");
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(NOT_DONE), "{line}");
    assert!(line.lines().count() == 1 && line.contains(&page.display().to_string()), "{line}");
    let left: Vec<_> = fs::read_dir(&taken).expect("a folder").collect();
    assert_eq!(left.len(), 1, "nothing half-written: {left:?}");
}
