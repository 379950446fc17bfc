//! Links of the book lead somewhere, and every page can be reached.

use std::collections::BTreeSet;
use std::fs;

use crate::markdown::{Link, anchors, links};
use crate::{pages, read, root};

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    for page in pages() {
        for Link { path, anchor } in links(&read(&page)) {
            let target = if path.is_empty() { page.clone() } else { format!("docs/src/{path}") };
            assert!(root().join(&target).exists(), "{page}: {path} leads nowhere");
            if let Some(anchor) = anchor {
                let anchors = anchors(&read(&target));
                assert!(anchors.contains(&anchor), "{page}: {path} has no heading {anchor}: {anchors:?}");
            }
        }
    }
}

#[test]
fn every_picture_is_shown_and_needs_nothing_else() {
    let shown: BTreeSet<String> =
        pages().iter().flat_map(|page| links(&read(page))).map(|link| link.path).collect();
    let mut pictures = 0;
    for file in fs::read_dir(root().join("docs/src")).expect("the pages") {
        let name = file.expect("a file").file_name().to_string_lossy().into_owned();
        if !name.ends_with(".svg") {
            continue;
        }
        pictures += 1;
        assert!(shown.contains(&name), "no page shows {name}");
        let picture = read(&format!("docs/src/{name}"));
        assert!(picture.contains("prefers-color-scheme: dark"), "{name} is light on dark pages");
        let picture = picture.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for reference in ["http:", "https:", "href=", "url(", "@import", "<script"] {
            assert!(!picture.contains(reference), "{name}: {reference}");
        }
    }
    assert!(pictures > 0, "no pictures");
}

#[test]
fn the_summary_lists_every_page() {
    let listed: BTreeSet<String> = pages().into_iter().collect();
    let files = fs::read_dir(root().join("docs/src")).expect("the pages");
    let there: BTreeSet<String> = files
        .map(|file| format!("docs/src/{}", file.expect("a file").file_name().to_string_lossy()))
        .filter(|page| page.ends_with(".md") && !page.ends_with("/SUMMARY.md"))
        .collect();
    assert_eq!(listed, there);
}
