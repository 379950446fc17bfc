//! Files among the inputs that no source reads. They are counted, and listed if requested.

use std::collections::BTreeMap;
use std::fmt;

use schemas::count::counted;

use super::files::base_name;

/// Largest number of extensions that are counted separately. Files with further ones are counted together.
const MAX_ENDINGS: usize = 1_000;

/// Largest number of extensions that an error names.
const OUTLINED: usize = 3;

/// Files with the same extension.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnreadGroup {
    /// Number of files.
    pub count: u64,
    /// Name of the first one.
    pub first: String,
}

/// Files that were not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnreadFiles {
    /// Groups by extension, written as `*.txt` in lower case, or by name for files without an extension.
    pub by_ending: BTreeMap<String, UnreadGroup>,
    /// Number of files with extensions that are not counted separately.
    pub others: u64,
    /// Links to folders that were not followed, because those folders contain the input.
    pub links: Vec<String>,
    /// All files and links in the order of the inputs, if a list is requested.
    pub list: Option<Vec<String>>,
}

impl UnreadFiles {
    /// Creates an empty collection.
    pub(super) fn new(listed: bool) -> Self {
        Self { list: listed.then(Vec::new), ..Self::default() }
    }

    /// Returns the number of files and links.
    pub fn count(&self) -> u64 {
        let grouped: u64 = self.by_ending.values().map(|group| group.count).sum();
        grouped + self.others + self.links.len() as u64
    }

    /// Whether there are no unread files.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Counts a file; `shown` is its name in messages.
    pub(super) fn file(&mut self, shown: &str) {
        let base = base_name(shown);
        let ending = base.rfind('.').filter(|&dot| dot > 0);
        let key = match ending.and_then(|dot| base.get(dot..)) {
            Some(ending) => format!("*{}", ending.to_lowercase()),
            None => base.to_owned(),
        };
        self.count_group(key, shown, 1);
        if let Some(list) = &mut self.list {
            list.push(shown.to_owned());
        }
    }

    /// Counts files with the same extension, the first of which is `first` in messages.
    fn count_group(&mut self, ending: String, first: &str, count: u64) {
        if self.by_ending.len() < MAX_ENDINGS || self.by_ending.contains_key(&ending) {
            let group = self.by_ending.entry(ending).or_default();
            if group.count == 0 {
                first.clone_into(&mut group.first);
            }
            group.count += count;
        } else {
            self.others += count;
        }
    }

    /// Adds the files of other inputs.
    pub(super) fn extend(&mut self, others: Self) {
        for (ending, group) in others.by_ending {
            self.count_group(ending, &group.first, group.count);
        }
        self.others += others.others;
        self.links.extend(others.links);
        if let Some(list) = others.list {
            self.list.get_or_insert_default().extend(list);
        }
    }

    /// Counts a link to a folder that was not followed.
    pub(super) fn link(&mut self, shown: String) {
        if let Some(list) = &mut self.list {
            list.push(shown.clone());
        }
        self.links.push(shown);
    }

    /// Describes the largest groups. The text is empty if there are none.
    pub(super) fn outline(&self) -> String {
        let groups = self.largest_first();
        let named: Vec<String> =
            groups.iter().take(OUTLINED).map(|(ending, group)| format!("{} {ending}", group.count)).collect();
        match (named.len(), groups.len()) {
            (0, _) => String::new(),
            (shown, all) if shown < all => format!(", but {} and others", named.join(", ")),
            _ => format!(", but {}", named.join(", ")),
        }
    }

    /// Returns the groups, the largest first.
    pub fn largest_first(&self) -> Vec<(&str, &UnreadGroup)> {
        let mut groups: Vec<_> =
            self.by_ending.iter().map(|(ending, group)| (ending.as_str(), group)).collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.count));
        groups
    }
}

impl fmt::Display for UnreadFiles {
    /// Formats the groups, the largest first: `2 *.csv, 1 *.md`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.largest_first();
        let mut named: Vec<String> =
            groups.iter().map(|(ending, group)| format!("{} {ending}", group.count)).collect();
        if self.others > 0 {
            named.push(counted(self.others, "other"));
        }
        if !self.links.is_empty() {
            named.push(counted(self.links.len() as u64, "linked folder"));
        }
        formatter.write_str(&named.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_by_ending() {
        let mut unread = UnreadFiles::new(true);
        for name in ["a/x.txt", "b.TXT", "README", "d/.hidden", "a.tar.gz", "z.cif~"] {
            unread.file(name);
        }
        unread.link("up".to_owned());
        let found: Vec<_> =
            unread.largest_first().into_iter().map(|(ending, group)| (ending, group.count)).collect();
        assert_eq!(found, [("*.txt", 2), ("*.cif~", 1), ("*.gz", 1), (".hidden", 1), ("README", 1)]);
        assert_eq!(unread.by_ending["*.txt"].first, "a/x.txt");
        assert_eq!(unread.to_string(), "2 *.txt, 1 *.cif~, 1 *.gz, 1 .hidden, 1 README, 1 linked folder");
        assert_eq!((unread.count(), unread.list.map(|list| list.len())), (7, Some(7)));
    }

    #[test]
    fn files_of_several_inputs_are_counted_together() {
        let mut all = UnreadFiles::default();
        for names in [["a.txt", "b.md"], ["c.txt", "d.rst"]] {
            let mut unread = UnreadFiles::new(true);
            names.iter().for_each(|name| unread.file(name));
            all.extend(unread);
        }
        assert_eq!((all.to_string().as_str(), all.count()), ("2 *.txt, 1 *.md, 1 *.rst", 4));
        assert_eq!(all.by_ending["*.txt"].first, "a.txt");
        assert_eq!(all.list.map(|list| list.len()), Some(4));
    }

    #[test]
    fn no_number_of_endings_fills_the_memory() {
        let mut unread = UnreadFiles::new(false);
        (0..3_000).for_each(|number| unread.file(&format!("x.{number}")));
        assert_eq!((unread.by_ending.len(), unread.others, unread.count()), (MAX_ENDINGS, 2_000, 3_000));
    }
}
