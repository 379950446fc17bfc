//! What weights name of their task.

#[path = "../../../trainer/src/task/transform.rs"]
mod transform;

pub use transform::Transform;
