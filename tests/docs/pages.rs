//! The pages, followed from the first to the last.

use crate::scratch::Scratch;
use crate::steps::{Step, steps};
use crate::{pages, read};

#[test]
fn every_page_does_what_it_shows() {
    let scratch = Scratch::new();
    for page in pages() {
        let steps = steps(&read(&page)).unwrap_or_else(|fault| panic!("{page}: {fault}"));
        for (line, step) in steps {
            // A test that fails shows the last of them.
            println!("{page}, line {line}");
            match step {
                Step::Write { path, text } => scratch.write(&path, &text),
                Step::Run(command) => drop(scratch.run(&command)),
                Step::Session { exchanges, about } => {
                    exchanges.iter().for_each(|exchange| scratch.exchange(exchange, about));
                }
            }
        }
    }
}
