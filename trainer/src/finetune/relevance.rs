//! Settings that have no effect on some tasks.

use crate::task::Task;

/// Returns why a setting has no effect on the fine-tuning of a task; `None` if it has one.
pub fn hindrance(task: &Task, key: &str) -> Option<&'static str> {
    let of_classes = !task.classes().is_empty();
    match key {
        "finetune.validation" if !task.split.has_folds() => Some("the task has no folds"),
        "finetune.loss" | "finetune.huber_delta" | "finetune.quantile" | "finetune.standardise"
            if of_classes =>
        {
            Some("the task predicts classes")
        }
        "finetune.class_weights" if !of_classes => Some("the task predicts numbers"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_folds_classes_and_numbers_need_them() {
        let folds = Task::load("matbench_jdft2d").expect("built in");
        let split = Task::load("textbook_band_gap").expect("built in");
        let classes = Task::load("matbench_mp_is_metal").expect("built in");
        assert_eq!(hindrance(&folds, "finetune.validation"), None);
        assert_eq!(hindrance(&split, "finetune.validation"), Some("the task has no folds"));
        for key in ["finetune.loss", "finetune.quantile"] {
            assert_eq!(hindrance(&folds, key), None);
            assert_eq!(hindrance(&classes, key), Some("the task predicts classes"));
        }
        assert_eq!(hindrance(&classes, "finetune.class_weights"), None);
        assert_eq!(hindrance(&folds, "finetune.class_weights"), Some("the task predicts numbers"));
        assert_eq!(hindrance(&classes, "run.epochs"), None);
    }
}
