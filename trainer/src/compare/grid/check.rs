//! Checks that the parts of a grid fit together.

use super::fault::Fault;
use super::{FigureKind, Grid, MEDIAN, Published};
use crate::compare::share;
use crate::data::Extraction;

/// Returns the first invalid value.
pub(super) fn fault(grid: &Grid) -> Option<Fault> {
    names(grid)
        .or_else(|| axes(grid))
        .or_else(|| starts(grid))
        .or_else(|| stores(grid))
        .or_else(|| shares_of_tasks(grid))
        .or_else(|| published(grid))
        .or_else(|| views(grid))
}

/// Checks names that become names of files and folders.
fn names(grid: &Grid) -> Option<Fault> {
    let sections = (grid.task.keys().map(|name| ("task", name)))
        .chain(grid.pretrain.keys().map(|name| ("pretrain", name)))
        .chain(grid.start.keys().map(|name| ("start", name)));
    for (section, name) in sections {
        if !is_plain(name) {
            return Some(Fault::new(section, name, PLAIN));
        }
    }
    let reserved = grid.start.contains_key(MEDIAN);
    reserved.then(|| Fault::new("start", MEDIAN, "another name: this one is the training median's"))
}

/// Checks tasks, starts, fractions and seeds.
fn axes(grid: &Grid) -> Option<Fault> {
    listed("tasks", &grid.tasks, &keys(&grid.task))
        .or_else(|| listed("starts", &grid.starts, &keys(&grid.start)))
        .or_else(|| fractions("fractions", &grid.fractions))
        .or_else(|| empty("seeds", &grid.seeds))
        .or_else(|| repeated("seeds", &grid.seeds))
}

/// Checks the starts.
fn starts(grid: &Grid) -> Option<Fault> {
    grid.start.iter().find_map(|(name, section)| {
        let pretrain = section.pretrain.as_ref()?;
        let key = format!("start.{name}.pretrain");
        if section.weights.is_some() {
            return Some(Fault::new(key, pretrain, "left out where weights names a file"));
        }
        let unknown = !grid.pretrain.contains_key(pretrain);
        unknown.then(|| Fault::new(key, pretrain, one_of(&keys(&grid.pretrain))))
    })
}

/// Checks the edges for which a task has stores of its own.
fn stores(grid: &Grid) -> Option<Fault> {
    grid.task.iter().find_map(|(task, section)| {
        let key = format!("task.{task}.stores");
        section.stores.iter().find_map(|(edges, shards)| match edges.parse::<Extraction>() {
            Ok(known) if known.to_string() == *edges => empty(&format!("{key}.{edges}"), shards),
            Ok(known) => Some(Fault::new(&key, edges, format!("written {known}"))),
            Err(needed) => Some(Fault::new(&key, edges, needed.to_string().trim_start_matches("must be "))),
        })
    })
}

/// Checks the shares of the tasks' training crystals, and the grid's shares of these.
fn shares_of_tasks(grid: &Grid) -> Option<Fault> {
    grid.task.iter().find_map(|(task, section)| {
        let key = format!("task.{task}.fraction");
        let shares: Vec<f64> = grid.fractions.iter().map(|&part| share::of(part, section.fraction)).collect();
        fractions(&key, &[section.fraction]).or_else(|| fractions(&key, &shares))
    })
}

/// Checks the published numbers.
fn published(grid: &Grid) -> Option<Fault> {
    for (index, entry) in grid.published.iter().enumerate() {
        let key = |name: &str| format!("published.{}.{name}", entry.model);
        if let Some(start) = &entry.start
            && start != MEDIAN
            && !grid.start.contains_key(start)
        {
            return Some(Fault::new(key("start"), start, one_of(&keys(&grid.start))));
        }
        if let Some(fault) = fractions(&key("fraction"), &[entry.fraction]) {
            return Some(fault);
        }
        if entry.tasks().next().is_none() {
            return Some(Fault::new(key("mae"), "{}", "the number of at least one task"));
        }
        let mut errors = entry.mae.iter();
        if let Some((task, value)) = errors.find(|(_, value)| !(value.is_finite() && **value >= 0.0)) {
            return Some(Fault::new(key(&format!("mae.{task}")), value, "a number that is not negative"));
        }
        let mut scores = entry.score.iter();
        if let Some((task, value)) = scores.find(|(_, value)| !(0.0..=1.0).contains(*value)) {
            return Some(Fault::new(key(&format!("score.{task}")), value, "a number from 0 to 1"));
        }
        for (name, numbers) in [("mae", &entry.mae), ("score", &entry.score)] {
            if let Some(task) = numbers.keys().find(|task| !grid.task.contains_key(*task)) {
                return Some(Fault::new(key(name), task, one_of(&keys(&grid.task))));
            }
        }
        let earlier = grid.published.iter().take(index);
        if let Some((other, task)) =
            earlier.filter_map(|other| Some((other, same_place(other, entry)?))).next()
        {
            let needed = format!("another row: {} is there for {task} already", other.model);
            return Some(Fault::new(key("start"), entry.start.as_deref().unwrap_or_default(), needed));
        }
    }
    None
}

/// Returns a task for which two entries would be in the same place.
fn same_place<'a>(left: &Published, right: &'a Published) -> Option<&'a str> {
    if right.start.is_none() || left.start != right.start || !share::same(left.fraction, right.fraction) {
        return None;
    }
    right.tasks().find(|task| left.number(task).is_some())
}

/// Checks tables and figures.
fn views(grid: &Grid) -> Option<Fault> {
    let tables =
        grid.table.iter().map(|view| ("table", &view.name, &view.tasks, &view.starts, &view.fractions));
    let figures =
        grid.figure.iter().map(|view| ("figure", &view.name, &view.tasks, &view.starts, &view.fractions));
    let (mut table_names, mut figure_names) = (Vec::new(), Vec::new());
    for (kind, name, tasks, starts, shares) in tables.chain(figures) {
        let key = |part: &str| format!("{kind}.{name}.{part}");
        if !is_plain(name) {
            return Some(Fault::new(format!("{kind}.name"), name, PLAIN));
        }
        let known = if kind == "table" { &mut table_names } else { &mut figure_names };
        if known.contains(&name) {
            return Some(Fault::new(format!("{kind}.name"), name, "there once"));
        }
        known.push(name);
        let chosen = |part: &str, names: &Option<Vec<String>>, all: &[String]| {
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            names.as_ref().and_then(|names| listed(&key(part), names, &all))
        };
        let fault = chosen("tasks", tasks, &grid.tasks).or_else(|| chosen("starts", starts, &grid.starts));
        if fault.is_some() {
            return fault;
        }
        let Some(shares) = shares else { continue };
        if let Some(fault) = fractions(&key("fractions"), shares) {
            return Some(fault);
        }
        if let Some(share) = shares.iter().find(|share| !grid.fractions.contains(share)) {
            let all: Vec<String> = grid.fractions.iter().map(f64::to_string).collect();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            return Some(Fault::new(key("fractions"), share, one_of(&all)));
        }
    }
    let mut bars = grid.figure.iter().filter(|figure| figure.kind == FigureKind::Bars);
    bars.find_map(|figure| {
        let shares = figure.fractions.as_ref().filter(|shares| shares.len() > 1)?;
        let key = format!("figure.{}.fractions", figure.name);
        Some(Fault::new(key, format!("{shares:?}"), "a single one where kind = \"bars\""))
    })
}

/// Description of a valid name.
const PLAIN: &str = "letters, digits, '-', '_' and '.', no '.' first";

/// Whether a name is a valid file name on all systems.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
}

/// Checks that a list has at least one name, only known names, and each once.
fn listed(key: &str, names: &[String], known: &[&str]) -> Option<Fault> {
    let unknown = names.iter().find(|name| !known.contains(&name.as_str()));
    empty(key, names)
        .or_else(|| unknown.map(|name| Fault::new(key, name, one_of(known))))
        .or_else(|| repeated(key, names))
}

/// Checks a list of shares.
fn fractions(key: &str, shares: &[f64]) -> Option<Fault> {
    let outside = shares.iter().find(|share| !(**share > 0.0 && **share <= 1.0));
    empty(key, shares)
        .or_else(|| outside.map(|share| Fault::new(key, share, "above 0 and at most 1")))
        .or_else(|| repeated(key, shares))
}

fn empty<T>(key: &str, values: &[T]) -> Option<Fault> {
    values.is_empty().then(|| Fault::new(key, "[]", "a list with at least one value"))
}

fn repeated<T: PartialEq + ToString>(key: &str, values: &[T]) -> Option<Fault> {
    let again = values.iter().enumerate().find(|(index, value)| values[..*index].contains(value));
    again.map(|(_, value)| Fault::new(key, value.to_string(), "there once"))
}

fn keys<T>(sections: &std::collections::BTreeMap<String, T>) -> Vec<&str> {
    sections.keys().map(String::as_str).collect()
}

/// Describes a choice of names.
fn one_of(names: &[&str]) -> String {
    if names.is_empty() {
        "a section, of which there is none".to_owned()
    } else {
        format!("one of: {}", names.join(", "))
    }
}
