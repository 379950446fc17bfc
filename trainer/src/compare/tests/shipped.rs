//! The grids of the repository.

use super::*;
use crate::compare::plan::Cell;

#[test]
fn the_shipped_grids_can_be_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for entry in std::fs::read_dir(root.join("grids")).expect("a folder") {
        let path = entry.expect("an entry").path();
        // Configurations are named as from the repository's folder, where tests do not run.
        let text = std::fs::read_to_string(&path).expect("text");
        let text = text.replace("\"trainer/configs/", &format!("\"{}/configs/", job::text(root)));
        let (_kept, request) = request(&text);
        let grid = Grid::load(&request.grid).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // The published lists of the splits are not there.
        let plan = plan(&grid, &request.grid, &request.folder, None);
        let Plan { jobs, cells, .. } = plan.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let expected = match name.as_str() {
            "jdft2d" => 1 + 2 * 2,
            "labels" => 1 + 2 * 20,
            "ablations" => 7 + 2 * 9,
            "pretrainings" => 2 + 2 * 4,
            "denoised" => 2 * 3,
            "options" => 2 * 19 * 4,
            "table2-first-folds" => 2 * 5 * 2,
            "smoke" => 1 + 2 * 4,
            "table2" => 3 + 2 * 3 * 8,
            "table2-small" => 3 + 2 * 11,
            "table3" => 3 + 2 * 5 * 8,
            "table3-small" => 2 * 5 * 2,
            "search" => 1 + 2 * (1 + 6),
            _ => panic!("{name} is new: how many jobs has it?"),
        };
        assert_eq!(jobs.len(), expected, "{name}");
        if name.starts_with("table") {
            for Cell { task, start, job, .. } in &cells {
                let shards = jobs[job - 1].arguments.last().expect("shards");
                let found = shards.rsplit_once('-').map(|(_, edges)| edges);
                assert_eq!(found, edges(task, start), "{name}: {task} from {start} reads {shards}");
            }
        }
        count += 1;
    }
    assert_eq!(count, 13);
}

/// Edges of the store that a system reads; `None` for the usual ones.
fn edges(task: &str, start: &str) -> Option<&'static str> {
    match (start, task) {
        ("schnet" | "megnet", task) if task.starts_with("matbench_") => Some("r5"),
        ("schnet", "mp_shear" | "mp_bulk") => Some("knn32"),
        ("megnet", "mp_gap") => Some("r4"),
        _ => None,
    }
}
