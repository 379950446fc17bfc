//! Damaged streams: Arrow's decoder checks most of what it reads, but panics on some offsets and lengths
//! that point beyond their buffer.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use arrow::error::ArrowError;

thread_local! {
    /// Whether a panic of this thread is an error that somebody else reports.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a step of a decoder, whose panic becomes an error. The decoder must not be used after one.
///
/// # Errors
/// Those of the step, and [`ArrowError::IpcError`] with the message of a panic.
pub(super) fn guarded<T>(step: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                usual(panic);
            }
        }));
    });
    GUARDED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(step));
    GUARDED.set(false);
    outcome.unwrap_or_else(|panic| Err(ArrowError::IpcError(message(panic.as_ref()))))
}

/// The first line of a panic's message.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or_default();
    format!("damaged: {}", text.lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_errors_with_their_message() {
        let value = std::hint::black_box(3);
        assert_eq!(guarded(|| Ok(value)).expect("no panic"), 3);
        let error = guarded::<()>(|| panic!("offset {value}\nof a buffer")).expect_err("a panic");
        assert_eq!(error.to_string(), "Ipc error: damaged: offset 3");
        let error = guarded::<()>(|| Err(ArrowError::IpcError("short".into()))).expect_err("an error");
        assert_eq!(error.to_string(), "Ipc error: short");
    }
}
