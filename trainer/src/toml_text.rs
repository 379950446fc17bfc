//! Positions and messages of TOML errors.

/// Returns the line and column of a byte of a text, counted from 1.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Returns the line, column and message of a TOML error. The message is on one line.
pub(crate) fn fault(text: &str, error: &toml::de::Error) -> (usize, usize, String) {
    let (line, column) = line_and_column(text, error.span().map_or(0, |span| span.start));
    (line, column, error.message().trim().replace('\n', ", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        assert_eq!(line_and_column("a\nÅb", 0), (1, 1));
        assert_eq!(line_and_column("a\nÅb", 4), (2, 2));
        assert_eq!(line_and_column("a", 9), (1, 2));
    }

    #[test]
    fn a_fault_is_told_on_one_line() {
        let text = "a = 1\nb = ";
        let error = toml::from_str::<toml::Table>(text).expect_err("no value");
        let (line, column, message) = fault(text, &error);
        assert_eq!((line, column), (2, 5));
        assert!(!message.is_empty() && !message.contains('\n'), "{message}");
    }
}
