//! Fenced blocks, tables and links of a Markdown page, as far as the book uses them.

/// What opens and closes a block.
const FENCE: &str = "```";

/// What sets an anchor, up to its name.
const ANCHOR: &str = "<a id=\"";

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Line of its fence, counted from 1.
    pub(crate) line: usize,
    /// First word behind the fence.
    pub(crate) language: String,
    /// The other words behind the fence, which commas part.
    pub(crate) marks: Vec<String>,
    /// The lines between the fences, each with its end.
    pub(crate) text: String,
}

/// The fenced blocks of a page.
///
/// # Errors
/// A message with the line of a fence that nothing closes.
pub(crate) fn blocks(page: &str) -> Result<Vec<Block>, String> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in page.lines().enumerate() {
        let fence = line.strip_prefix(FENCE);
        match (open.take(), fence) {
            (Some(block), Some("")) => blocks.push(block),
            (Some(mut block), _) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, Some(words)) => {
                let mut words = words.split(',').map(|word| word.trim().to_owned());
                let language = words.next().unwrap_or_default();
                open = Some(Block { line: index + 1, language, marks: words.collect(), text: String::new() });
            }
            (None, None) => {}
        }
    }
    match open {
        Some(Block { line, .. }) => Err(format!("line {line}: the block does not end")),
        None => Ok(blocks),
    }
}

/// Everything of a page that stands outside its blocks.
pub(crate) fn prose(page: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in page.lines() {
        let fence = line.starts_with(FENCE);
        if !inside && !fence {
            prose.push_str(line);
            prose.push('\n');
        }
        inside ^= fence;
    }
    prose
}

/// A link within the book or the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// Path from the page's folder; empty for the page itself.
    pub(crate) path: String,
    /// Heading in the page that it leads to, as an anchor.
    pub(crate) anchor: Option<String>,
}

/// The links of a page, but for those to the web.
pub(crate) fn links(page: &str) -> Vec<Link> {
    let prose = prose(page);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local = targets.filter(|target| !target.contains("://"));
    let link = |target: &str| match target.split_once('#') {
        Some((path, anchor)) => Link { path: path.to_owned(), anchor: Some(anchor.to_owned()) },
        None => Link { path: target.to_owned(), anchor: None },
    };
    local.map(link).collect()
}

/// The anchors of a page: those that it sets by `<a id="...">`, then those of its headings, which are in lower
/// case with hyphens for blanks and without punctuation.
pub(crate) fn anchors(page: &str) -> Vec<String> {
    let prose = prose(page);
    let set = prose.split(ANCHOR).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let words = headings.map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"));
    let of_headings =
        words.map(|words| words.chars().filter(|&c| c.is_alphanumeric() || c == '-' || c == '_').collect());
    set.chain(of_headings).collect()
}

/// The first cells of the rows of a page's tables that are code, without their backticks.
pub(crate) fn first_code_cells(page: &str) -> Vec<String> {
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    cells.map(|(cell, _)| cell.to_owned()).collect()
}

#[test]
fn blocks_have_languages_marks_lines_and_texts() {
    let page = "Text.\n\n```sh\na\n\n  b\n```\n```console,about\n$ c\n```\n";
    let block = |line, language: &str, marks: &[&str], text: &str| Block {
        line,
        language: language.to_owned(),
        marks: marks.iter().map(|mark| (*mark).to_owned()).collect(),
        text: text.to_owned(),
    };
    let expected = [block(3, "sh", &[], "a\n\n  b\n"), block(8, "console", &["about"], "$ c\n")];
    assert_eq!(blocks(page), Ok(expected.to_vec()));
}

#[test]
fn a_fence_inside_a_block_needs_more_than_backticks_to_open_another() {
    let found = blocks("```text\n```sh\n```\n").expect("the block ends");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text, "```sh\n");
}

#[test]
fn a_block_without_an_end_is_named() {
    assert_eq!(blocks("a\n```sh\nb\n"), Err("line 2: the block does not end".to_owned()));
}

#[test]
fn links_stand_in_prose_and_may_have_anchors() {
    let page =
        "[a](a.md) [b](b.md#part)\n[web](https://example.org) [here](#part)\n```text\n[c](c.md)\n```\n";
    let link =
        |path: &str, anchor: Option<&str>| Link { path: path.to_owned(), anchor: anchor.map(str::to_owned) };
    assert_eq!(links(page), [link("a.md", None), link("b.md", Some("part")), link("", Some("part"))]);
}

#[test]
fn anchors_are_set_or_those_of_headings() {
    let page = "# What is left, out?\n```sh\n# a\n```\n<a id=\"section-2\"></a>\n## By `DuckDB`\nAt #3\n";
    assert_eq!(anchors(page), ["section-2", "what-is-left-out", "by-duckdb"]);
}

#[test]
fn code_cells_are_those_that_begin_a_row() {
    let page = "| code | meaning |\n|---|---|\n| `a` | `b` |\n| c | `d` |\n| `e` | |\n";
    assert_eq!(first_code_cells(page), ["a", "e"]);
}
