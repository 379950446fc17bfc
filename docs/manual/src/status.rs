//! Exit statuses and their meaning.

/// An exit status of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The status code.
    pub code: u8,
    /// The meaning in a few words, without a full stop.
    pub meaning: &'static str,
}

impl Status {
    /// Creates a status from its code and its meaning.
    pub const fn new(code: u8, meaning: &'static str) -> Self {
        Self { code, meaning }
    }
}

/// Returns the last line of `--help`, which lists the statuses.
pub fn summary(statuses: &[Status]) -> String {
    let statuses: Vec<_> = statuses.iter().map(|it| format!("{} {}", it.code, it.meaning)).collect();
    format!("Exit status: {}.", statuses.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_one_sentence() {
        assert_eq!(summary(&crate::example::STATUSES), "Exit status: 0 done, 2 not done.");
    }
}
