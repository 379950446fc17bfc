//! Counts of a store's entries.

use schemas::manifest::Counts;

use crate::reject::{FILTERED, Note, Reject};

/// Adds the entries of a block to the counts.
pub(super) fn count(counts: &mut Counts, rows: usize, rejects: &[Reject], notes: &[Note]) {
    for note in notes {
        counts.noted.entry(note.code.to_owned()).or_default().add(|| note.to_string());
    }
    counts.read += (rows + rejects.len()) as u64;
    counts.kept += rows as u64;
    for reject in rejects {
        if reject.reason == FILTERED {
            counts.filtered += 1;
            let filter = reject.filter.as_deref().unwrap_or(&reject.message);
            *counts.filtered_by.entry(filter.to_owned()).or_default() += 1;
        } else {
            counts.rejected += 1;
            *counts.rejected_by_reason.entry(reject.reason.to_owned()).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reject::{ISOLATED_ATOM, Origin};

    #[test]
    fn filtered_entries_are_counted_by_filter_whatever_its_text() {
        let origin = Origin { file: "a.cif".into(), record: 1, line: None };
        let filtered =
            |filter: &str, message: &str| Reject::filtered(None, origin.clone(), filter, message.to_owned());
        let filter = "material_id != \"a--b\"";
        let rejects = [
            filtered(filter, filter),
            filtered(filter, filter),
            filtered("--min-volume 100", "volume 61.3 Å³, --min-volume 100"),
            Reject::new(None, origin.clone(), ISOLATED_ATOM, "site 0".to_owned()),
        ];
        let mut counts = Counts::default();
        count(&mut counts, 1, &rejects, &[]);
        assert_eq!((counts.read, counts.filtered, counts.rejected), (5, 3, 1));
        let by = [("--min-volume 100".to_owned(), 1), (filter.to_owned(), 2)];
        assert_eq!(counts.filtered_by, by.into());
    }
}
