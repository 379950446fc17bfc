//! The program `trainer`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    trainer::raw::allocator::keep_freed_memory();
    cli::run()
}
