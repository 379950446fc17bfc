//! The order of the rejects of a block: that in which their entries were read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::reject::{Origin, Reject};

/// Place of a file's name in memory. The records of a file share its name, and no two files do.
type Place = *const u8;

/// Returns the place of an origin's file.
fn place_of(origin: &Origin) -> Place {
    Arc::as_ptr(&origin.file).cast()
}

/// Appends rejects of rows to those of a block, and sorts all by input, in the order of reading, and by record. `rows` has the
/// origin of every row of the block, also of those that are rejected now.
pub(super) fn join_as_read(rejects: &mut Vec<Reject>, mut of_rows: Vec<Reject>, rows: &[Origin]) {
    let ranks = if rejects.len() + of_rows.len() > 1 { input_ranks(rows, rejects) } else { HashMap::new() };
    rejects.append(&mut of_rows);
    rejects.sort_by_key(|reject| {
        let rank = ranks.get(&place_of(&reject.origin)).copied().unwrap_or_default();
        (rank, reject.origin.record)
    });
}

/// Returns the rank of every file's input in the order of reading.
///
/// An origin does not say which input it is of, and the order of names is not that of reading. But the rows are a list in the
/// order of reading, and so are the rejects of no filter, and those of each filter. In each list another input begins where the
/// file changes and the number of the record does not grow, or where one file of several records follows another one: inputs
/// such as tables give one name to all their records, and folders and archives one to each.
fn input_ranks(rows: &[Origin], rejects: &[Reject]) -> HashMap<Place, usize> {
    let mut by_filter: BTreeMap<Option<&str>, Vec<&Origin>> = BTreeMap::new();
    for reject in rejects {
        by_filter.entry(reject.filter.as_deref()).or_default().push(&reject.origin);
    }
    let mut lists: Vec<Vec<&Origin>> = vec![rows.iter().collect()];
    lists.extend(by_filter.into_values());
    let mut first_records: HashMap<Place, u64> = HashMap::new();
    let mut of_several: HashSet<Place> = HashSet::new();
    for origin in lists.iter().flatten() {
        let place = place_of(origin);
        if *first_records.entry(place).or_insert(origin.record) != origin.record {
            of_several.insert(place);
        }
    }
    let begins_input = |last: &Origin, origin: &Origin| {
        let (before, place) = (place_of(last), place_of(origin));
        let are_inputs = of_several.contains(&before) && of_several.contains(&place);
        before != place && (are_inputs || origin.record <= last.record)
    };
    let mut ranks: HashMap<Place, usize> = HashMap::new();
    // A list may show that an input of a list before it comes farther behind. Each pass settles one file at least.
    for _ in 0..first_records.len() {
        let before = ranks.clone();
        for list in &lists {
            let mut last: Option<(&Origin, usize)> = None;
            for &origin in list {
                let place = place_of(origin);
                let least = match last {
                    Some((last, rank)) => rank + usize::from(begins_input(last, origin)),
                    // Where no list has both, it is open which of two inputs is the first. They are kept apart.
                    None if of_several.contains(&place) && !ranks.contains_key(&place) => {
                        let known = of_several.iter().filter_map(|input| ranks.get(input));
                        known.max().map_or(0, |rank| rank + 1)
                    }
                    None => 0,
                };
                let rank = ranks.entry(place).or_default();
                *rank = least.max(*rank);
                last = Some((origin, *rank));
            }
        }
        if ranks == before {
            break;
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reject::DUPLICATE_ID;

    /// The files of a test by their names.
    #[derive(Default)]
    struct Files(HashMap<String, Arc<str>>);

    impl Files {
        /// Origins such as `a:2`, record 2 of the file `a`, and `d/:2`, a file of its own that is number 2 of the folder `d`.
        fn origins(&mut self, texts: &str) -> Vec<Origin> {
            let origin = |text: &str| {
                let (name, record) = text.split_once(':').expect("a record");
                let key = if name.ends_with('/') { text } else { name };
                let file = self.0.entry(key.to_owned()).or_insert_with(|| Arc::from(name));
                Origin { file: Arc::clone(file), record: record.parse().expect("a number"), line: None }
            };
            texts.split_whitespace().map(origin).collect()
        }
    }

    /// Joins rejects of no filter and of one, which come behind, with those of rows. Returns their order.
    fn joined(rows: &str, rejects: &str, filtered: &str, of_rows: &str) -> String {
        let mut files = Files::default();
        let rows = files.origins(rows);
        let reject = |origin: Origin| Reject::new(None, origin, "bad_json", String::new());
        let mut all: Vec<Reject> = files.origins(rejects).into_iter().map(reject).collect();
        let filtered = files.origins(filtered).into_iter();
        all.extend(filtered.map(|origin| Reject::filtered(None, origin, "nsites > 1", String::new())));
        let of_rows = files.origins(of_rows).into_iter();
        let of_rows = of_rows.map(|origin| Reject::new(None, origin, DUPLICATE_ID, String::new()));
        join_as_read(&mut all, of_rows.collect(), &rows);
        let shown = all.iter().map(|Reject { origin, .. }| format!("{}:{}", origin.file, origin.record));
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rejects_of_one_input_come_by_their_records() {
        assert_eq!(joined("a:1 a:2 a:4 a:6", "a:3 a:7", "a:5", "a:4"), "a:3 a:4 a:5 a:7");
        assert_eq!(joined("d/:1 d/:2 d/:4 d/:6", "d/:3 d/:7", "d/:5", "d/:4"), "d/:3 d/:4 d/:5 d/:7");
        // A table that names CIFs.
        assert_eq!(joined("c/:1 c/:3 c/:4 c/:6", "t:2 t:5", "c/:7", "c/:4"), "t:2 c/:4 t:5 c/:7");
        assert_eq!(joined("", "", "", ""), "");
        assert_eq!(joined("a:1", "", "", "a:1"), "a:1");
    }

    #[test]
    fn rejects_of_two_inputs_come_by_input_and_record() {
        for (rows, rejects, filtered, of_rows, expected) in [
            ("b:1 b:3 a:2 a:3", "b:2 a:1", "", "b:3 a:3", "b:2 b:3 a:1 a:3"),
            ("b:1 a:2", "b:2 a:1", "", "a:2", "b:2 a:1 a:2"),
            ("b:7 b:8 a:1", "a:2", "b:9", "b:8", "b:8 b:9 a:2"),
            ("b:7", "b:8 a:1", "b:6 a:2", "b:7", "b:6 b:7 b:8 a:1 a:2"),
            // No list has both.
            ("b:1 b:2", "a:1 a:2", "", "b:2", "b:2 a:1 a:2"),
            // Folders.
            (
                "e/:100 e/:101 d/:1 d/:2 d/:4",
                "e/:99 d/:3",
                "e/:98 d/:5",
                "e/:100 d/:2",
                "e/:98 e/:99 e/:100 d/:2 d/:3 d/:5",
            ),
            // Inputs of one record each.
            ("c:1 b:1 a:1", "", "", "c:1 b:1 a:1", "c:1 b:1 a:1"),
        ] {
            assert_eq!(joined(rows, rejects, filtered, of_rows), expected, "{rows} {rejects} {filtered}");
        }
    }
}
