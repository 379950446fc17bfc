//! Tests of all kinds of models together.

mod configurations;
