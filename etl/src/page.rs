//! Pages of HTML: what all of them begin with, and their style.

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use schemas::bounded;

/// Style that all pages share, for light and dark surroundings.
const STYLE: &str = include_str!("page.css");

/// A whole page. `generator` is the command that writes it, by which [`is_page`] knows it; `style` follows the
/// style that all pages share.
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

/// Whether a file begins as the pages of a generator do.
pub fn is_page(path: &Path, generator: &str) -> bool {
    let beginning =
        format!("<!DOCTYPE html><html lang=\"en\"><head><meta name=\"generator\" content=\"{generator}\">");
    bounded::begins_with(path, beginning.as_bytes()).unwrap_or(false)
}
