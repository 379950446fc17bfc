//! Values that are chosen by name on the command line.

/// Returns the value with a name. The error message for any other text lists the known names.
pub(super) fn by_name<T: Copy>(
    what: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
    text: &str,
) -> Result<T, String> {
    let found = all.iter().copied().find(|value| name(*value) == text);
    found.ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|value| name(*value)).collect();
        format!("{text:?} is no {what}; there are {}", known.join(", "))
    })
}
