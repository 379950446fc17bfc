//! Several ranks against one process with the whole batch; the ranks are threads.

mod exchange;
mod gradients;
mod runs;
