//! `etl build`.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use etl::labels::{JoinedColumn, JoinedTable};
use etl::pipeline::{Bounds, BuildRequest, BuildSummary, Order};
use etl::source::{FileId, SourceKind, SourceOptions, UnreadFiles, detect_name};
use schemas::count::{counted, plural};
use schemas::layout::StorePaths;
use schemas::name::parse_source;
use schemas::part::Part;
use schemas::text::line;

use super::options::{BoundOptions, FeatureOptions, SizeOptions, not_negative};
use super::progress::Bar;
use super::{Outcome, cancel_on_interrupt, print, print_json};

/// Largest number of extensions of unread files in the summary.
const UNREAD_GROUPS: usize = 8;

/// Arguments of `etl build`.
#[derive(Debug, Args)]
#[command(after_help = "\
Filters are expressions over the properties and the fields of the structure; several must all hold:
  --filter 'band_gap_ev BETWEEN 0.5 AND 4' --filter 'elements HAS ANY Li, Na AND nsites <= 40'
A filter that names an unknown field lists those there are. Entries that a filter drops are counted as
filtered; bad ones are rejected. Both are rows of DIR.store/rejects.parquet, beside DIR.")]
pub(crate) struct BuildArguments {
    #[arg(
        help = format!("Layout of the input: {}", SourceKind::names()),
        value_parser = super::options::source_kind(),
        hide_possible_values = true
    )]
    kind: SourceKind,
    /// File or folder to read; may be given several times
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    input: Vec<PathBuf>,
    /// Folder of the store: the shards, and nothing else; manifest and rejects stand beside it, in DIR.store
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Value of the `source` column and first part of the shards' names
    #[arg(long, value_parser = parse_source)]
    name: Option<String>,
    /// CIFs and POSCARs: what the crystals are called. By the file's stem, by its path below the input, by
    /// the folder it is in, or (auto) by the stem unless other files have it too, and then by the path
    #[arg(long, value_name = "auto|stem|path|parent")]
    id: Option<FileId>,

    /// Tables to join by identifier, each taken for what it is: a CSV with a header (columns of numbers, of
    /// true and false and of few texts are properties, `split` columns splits), a headerless id_prop*.csv, a
    /// leaderboard split (JSON of train, val and test), MatBench's folds (CSV of task, mbid and test_fold)
    #[arg(long, num_args = 1.., value_name = "FILE", help_heading = "Labels")]
    labels: Vec<PathBuf>,
    /// Property that the values of id_prop.csv are; `target` unless named
    #[arg(long, value_name = "NAME", num_args = 1.., help_heading = "Labels")]
    id_prop_column: Vec<String>,
    /// Do not look for id_prop.csv and labels.csv among the CIFs
    #[arg(long, help_heading = "Labels")]
    no_embedded_labels: bool,
    /// Table: column of the identifiers
    #[arg(long, value_name = "COLUMN", help_heading = "Labels")]
    id_column: Option<String>,
    /// Table: column of the CIFs
    #[arg(long, value_name = "COLUMN", help_heading = "Labels")]
    cif_column: Option<String>,

    /// Keep only entries for which the expression is true; may be given several times
    #[arg(long, value_name = "EXPRESSION", help_heading = "Filters")]
    filter: Vec<String>,
    /// Keep what the source's default filter drops (OQMD: formation energy outside -5..4 eV/atom, one
    /// unreadable entry)
    #[arg(long, help_heading = "Filters")]
    no_default_filter: bool,
    #[command(flatten)]
    bounds: BoundOptions,
    /// Drop cells of less volume, in Å³
    #[arg(long, value_name = "Å³", default_value_t = 0.0, value_parser = not_negative, help_heading = "Filters")]
    min_volume: f64,
    /// Drop crystals with atoms closer than this, in Å
    #[arg(long, value_name = "Å", default_value_t = 0.0, value_parser = not_negative, help_heading = "Filters")]
    min_distance: f64,

    #[command(flatten)]
    features: FeatureOptions,

    /// Order of the rows: source, shuffle:SEED, or a column to sort by
    #[arg(long, default_value_t = Order::Source, help_heading = "Output")]
    order: Order,
    /// Build one part of the input alone, the third of eight for example; `etl merge` joins the parts
    #[arg(long, value_name = "i/n", help_heading = "Output")]
    part: Option<Part>,
    #[command(flatten)]
    sizes: SizeOptions,
    /// Number of threads; the default is one for each core
    #[arg(long, value_name = "N", help_heading = "Output")]
    threads: Option<usize>,
    /// Go on with an interrupted build
    #[arg(long, conflicts_with = "force", help_heading = "Output")]
    resume: bool,
    /// Replace the store in --out; files that no earlier build has written stay
    #[arg(long, help_heading = "Output")]
    force: bool,
    /// Exit with status 0 even if entries were rejected
    #[arg(long, help_heading = "Output")]
    allow_rejects: bool,
    /// Print the summary as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// List the files that were not read
    #[arg(long, short, conflicts_with_all = ["json", "quiet"], help_heading = "Output")]
    verbose: bool,
    /// No progress bar and no summary
    #[arg(long, short, help_heading = "Output")]
    quiet: bool,
}

impl BuildArguments {
    /// Builds the store.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let (allow_rejects, json, quiet) = (self.allow_rejects, self.json, self.quiet);
        let request = self.request()?;
        let cancel = cancel_on_interrupt()?;
        let bar = Bar::new(quiet || json);
        let start = std::time::Instant::now();
        let summary = etl::pipeline::build(&request, &bar, &cancel);
        bar.finish();
        let summary = summary?;
        if json {
            let text = json_summary(&summary)?;
            print_json(&format!("{text}\n"))?;
        } else if !quiet {
            let seconds = start.elapsed().as_secs_f64();
            print(|out| write_summary(out, &request, &summary, seconds))?;
        }
        let rejected = summary.manifest.counts.rejected > 0;
        Ok(if rejected && !allow_rejects { Outcome::Findings } else { Outcome::Clean })
    }

    fn request(self) -> anyhow::Result<BuildRequest> {
        let threads = match self.threads {
            Some(threads) => threads,
            None => {
                std::thread::available_parallelism().context("cannot count the cores; give --threads")?.get()
            }
        };
        let mut filters: Vec<String> = Vec::new();
        if !self.no_default_filter {
            filters.extend(self.kind.default_filters().iter().map(|filter| (*filter).to_owned()));
        }
        filters.extend(self.filter);
        anyhow::ensure!(
            self.id.is_none() || self.kind.has_files(),
            "--id is for crystals in files of their own, not for {}",
            self.kind
        );
        Ok(BuildRequest {
            kind: self.kind,
            inputs: self.input,
            source: SourceOptions {
                name: self.name,
                id_column: self.id_column,
                cif_column: self.cif_column,
                property_columns: None,
                embedded_labels: !self.no_embedded_labels,
                id: self.id.unwrap_or_default(),
                list_unread: self.verbose,
            },
            labels: self.labels,
            id_prop_keys: self.id_prop_column,
            store: self.out,
            settings: self.features.settings(),
            bounds: Bounds {
                min_volume: self.min_volume,
                min_distance: self.min_distance,
                ..self.bounds.bounds()
            },
            filters,
            space_groups: self.features.space_groups,
            order: self.order,
            part: self.part,
            shard_rows: self.sizes.shard_rows,
            row_group_rows: self.sizes.row_group_rows,
            threads,
            resume: self.resume,
            force: self.force,
        })
    }
}

/// Formats the manifest with additional values for scripts as JSON.
fn json_summary(summary: &BuildSummary) -> anyhow::Result<String> {
    let mut value = serde_json::to_value(&summary.manifest)?;
    if let Some(object) = value.as_object_mut() {
        object.insert("untouched".to_owned(), summary.untouched.into());
        object.insert("labels".to_owned(), summary.tables.iter().map(json_table).collect());
        object.insert("unmatched_labels".to_owned(), summary.unmatched_labels.into());
        object.insert("notes".to_owned(), summary.notes.clone().into());
        let unread = summary.unread.largest_first().into_iter();
        let unread: serde_json::Map<_, _> =
            unread.map(|(ending, group)| (ending.to_owned(), group.count.into())).collect();
        object.insert("unread".to_owned(), unread.into());
    }
    Ok(serde_json::to_string_pretty(&value)?)
}

/// Returns the summary of a joined label table as JSON.
fn json_table(table: &JoinedTable) -> serde_json::Value {
    let column = |column: &JoinedColumn| serde_json::json!({"key": column.key, "column": column.column, "unit": column.unit});
    let columns: serde_json::Value = table.columns.iter().map(column).collect();
    serde_json::json!({"file": table.file, "rows": table.rows, "joined": table.joined, "columns": columns})
}

/// Formats a column of a label table: its name in the table and in the store, and its unit.
fn joined_column(column: &JoinedColumn) -> String {
    let JoinedColumn { key, column, unit } = column;
    let (key, column) = (line(key), line(column));
    let unit = unit.as_ref().map(|unit| format!(", {}", line(unit))).unwrap_or_default();
    if key == column { format!("{key}{unit}") } else { format!("{key} as {column}{unit}") }
}

/// Writes the summary as text.
fn write_summary(
    out: &mut impl Write,
    request: &BuildRequest,
    summary: &BuildSummary,
    seconds: f64,
) -> io::Result<()> {
    let store = request.store.display();
    let manifest = &summary.manifest;
    if summary.untouched {
        let kept = counted(manifest.counts.kept, "crystal");
        return writeln!(out, "{store}: finished before, {kept}; --force builds it anew");
    }
    let counts = &manifest.counts;
    let bytes: u64 = manifest.shards.iter().map(|shard| shard.bytes).sum();
    writeln!(
        out,
        "{store}: {} in {}, {:.1} MB, {seconds:.1} s, {:.0} entries/s",
        counted(counts.kept, "crystal"),
        counted(manifest.shards.len(), "shard"),
        bytes as f64 / 1e6,
        counts.read as f64 / seconds.max(1e-3),
    )?;
    writeln!(out, "  {:>9} read", counts.read)?;
    writeln!(out, "  {:>9} kept", counts.kept)?;
    for (filter, number) in &counts.filtered_by {
        writeln!(out, "  {number:>9} filtered by {}", line(filter))?;
    }
    for (reason, number) in &counts.rejected_by_reason {
        writeln!(out, "  {number:>9} rejected: {reason}")?;
    }
    for (code, noted) in &counts.noted {
        writeln!(out, "  {:>9} noted: {code}; the first:", noted.count)?;
        for note in &noted.first {
            writeln!(out, "  {:>9}   {}", "", line(note))?;
        }
    }
    for JoinedTable { file, rows, joined, columns, .. } in &summary.tables {
        let columns: Vec<String> = columns.iter().map(joined_column).collect();
        let rows = counted(*rows, "row");
        writeln!(out, "  {joined:>9} of {rows} joined: {}: {}", line(file), columns.join("; "))?;
    }
    if summary.unmatched_labels > 0 {
        let more = if summary.unmatched_labels > summary.first_unmatched.len() { ", ..." } else { "" };
        let first = summary.first_unmatched.join(", ");
        let rows = plural(&summary.unmatched_labels, "label row");
        writeln!(
            out,
            "  {:>9} {rows} without a crystal in the store: {}{more}",
            summary.unmatched_labels,
            line(&first)
        )?;
    }
    write_unread(out, &summary.unread)?;
    for note in &summary.notes {
        writeln!(out, "  note: {}", line(note))?;
    }
    if counts.filtered + counts.rejected > 0 {
        let rejects = StorePaths::new(&request.store).rejects();
        writeln!(out, "  every entry left out is in {}", rejects.display())?;
    }
    Ok(())
}

/// Writes the numbers of unread files by extension, and all of them if they are listed.
fn write_unread(out: &mut impl Write, unread: &UnreadFiles) -> io::Result<()> {
    let groups = unread.largest_first();
    let (shown, rest) = groups.split_at(groups.len().min(UNREAD_GROUPS));
    for (ending, group) in shown {
        write!(out, "  {:>9} {} {} not read", group.count, plural(&group.count, "file"), line(ending))?;
        // A table beside crystals is more likely a label table than a table of crystals.
        match detect_name(&group.first).filter(|kind| *kind != SourceKind::Table) {
            Some(kind) => writeln!(out, "; etl build {kind} reads such")?,
            None => writeln!(out)?,
        }
    }
    let others = unread.others + rest.iter().map(|(_, group)| group.count).sum::<u64>();
    if others > 0 {
        writeln!(out, "  {others:>9} {} of other names not read", plural(&others, "file"))?;
    }
    for link in &unread.links {
        writeln!(out, "  note: {} is a link to a folder that holds the input, and not followed", line(link))?;
    }
    match &unread.list {
        Some(list) => list.iter().try_for_each(|file| writeln!(out, "  not read: {}", line(file))),
        None if !groups.is_empty() => writeln!(out, "  --verbose lists the files not read"),
        None => Ok(()),
    }
}
