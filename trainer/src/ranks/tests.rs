//! Several ranks against one process with the whole batch; the ranks are threads.

mod exchange;
mod finetuning;
mod gradients;
mod runs;
