//! Tables on the terminal.

use schemas::text;

use super::out;

/// Side at which the texts of a column are aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// For names.
    Left,
    /// For numbers.
    Right,
}

/// Prints rows under the names of their columns.
pub(super) fn print_table<const N: usize>(
    columns: [(&str, Side); N],
    rows: &[[String; N]],
) -> anyhow::Result<()> {
    let rows: Vec<[String; N]> =
        rows.iter().map(|row| row.each_ref().map(|cell| text::line(cell).into_owned())).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([columns[column].0.chars().count()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |cells: [&str; N]| {
        let padded = (0..N).map(|column| match columns[column].1 {
            Side::Left => format!("{:<width$}", cells[column], width = widths[column]),
            Side::Right => format!("{:>width$}", cells[column], width = widths[column]),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let mut page = line(columns.map(|(name, _)| name));
    rows.iter().for_each(|row| page.push_str(&line(row.each_ref().map(String::as_str))));
    out::write(format_args!("{page}"))
}
