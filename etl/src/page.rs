//! The common frame and style of HTML pages.

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use schemas::bounded;

/// Style that all pages share, for light and dark colour schemes.
const STYLE: &str = include_str!("page.css");

/// Returns a complete page. `generator` is the command that writes it, by which [`is_page`] recognises it. `style` is
/// appended to the common style.
pub fn page(generator: &str, title: &str, style: &str, header: &Markup, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta name="generator" content=(generator);
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(style)) }
            }
            body {
                header { (header) }
                main { (main) }
            }
        }
    }
}

/// Returns a tile of the header: a number and what it is.
pub fn tile(value: &str, what: &str) -> Markup {
    html! { div class="tile" { b { (value) } span { (what) } } }
}

/// Whether a file begins like a page of this generator.
pub fn is_page(path: &Path, generator: &str) -> bool {
    let beginning =
        format!("<!DOCTYPE html><html lang=\"en\"><head><meta name=\"generator\" content=\"{generator}\">");
    bounded::begins_with(path, beginning.as_bytes()).unwrap_or(false)
}
