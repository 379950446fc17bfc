//! Tasks that are learnt from a share of their crystals.

use super::*;

#[test]
fn a_task_can_be_learnt_from_a_share_of_its_crystals() {
    let (_kept, request) = request(&GRID.replace("folds = [0, 2]", "fraction = 0.25"));
    let prepared = Prepared::new(&request).expect("a grid");
    let shares = prepared.plan.cells.iter().map(|cell| {
        let arguments = &prepared.plan.jobs[cell.job - 1].arguments;
        let option = arguments.iter().position(|argument| argument == "--fraction").expect("a share");
        (cell.fraction, arguments[option + 1].as_str())
    });
    let expected = [(0.5, "0.125"), (1.0, "0.25"), (0.5, "0.125"), (1.0, "0.25")];
    assert_eq!(shares.collect::<Vec<_>>(), expected);
    let folders: Vec<String> = prepared.plan.cells.iter().map(|cell| job::text(&cell.folder)).collect();
    assert!(folders[0].ends_with("/cells/matbench_jdft2d/fresh/0.125"), "{folders:?}");
    assert_eq!(prepared.plan.cells[0].group(), "matbench_jdft2d/fresh/0.125");
    run(&request, Instant::default());
    let table = |ending| std::fs::read_to_string(request.folder.join("tables/labels").with_extension(ending));
    let text = table("md").expect("a table");
    assert!(text.contains("| matbench_jdft2d, of 25 % of the labels [meV/atom] |"), "{text}");
    let text = table("csv").expect("a table");
    assert!(text.contains("\nfresh,ours,0.125,matbench_jdft2d,"), "{text}");
    let figure = std::fs::read_to_string(request.folder.join("figures/models.svg")).expect("a figure");
    assert!(figure.contains("matbench_jdft2d, 25 % of the labels"), "{figure}");

    // Another share of all crystals is another cell, beside those that are there.
    let other = GRID.replace("folds = [0, 2]", "fraction = 0.125");
    std::fs::write(&request.grid, other).expect("it is writable");
    let (ran, summary) = run(&request, Instant::default());
    let new = [
        "finetune matbench_jdft2d/fresh/0.0625",
        "evaluate matbench_jdft2d/fresh/0.0625",
        "finetune matbench_jdft2d/mmpt/0.0625",
        "evaluate matbench_jdft2d/mmpt/0.0625",
    ];
    assert_eq!(ran, new, "an eighth is there already");
    assert!(summary.jobs.iter().all(|(_, state)| *state == State::Finished));
    assert!(request.folder.join("cells/matbench_jdft2d/fresh/0.25").exists());
}

/// The grid with seven tenths and all of a tenth of the crystals.
fn of_a_tenth() -> String {
    GRID.replace("folds = [0, 2]", "fraction = 0.1").replace("[0.5, 1.0]", "[0.7, 1.0]")
}

#[test]
fn products_of_shares_have_no_noise() {
    let (_kept, request) = request(&of_a_tenth());
    let plan = Prepared::new(&request).expect("a grid").plan;
    let command = command_line(&plan.jobs[1].arguments);
    assert!(command.contains(" --fraction 0.07 ") && command.contains("/fresh/0.07 "), "{command}");
    assert_eq!((plan.cells[0].fraction, plan.cells[0].share), (0.7, 0.07));
}

#[test]
fn published_numbers_stand_at_their_share_of_all_crystals() {
    let table = |grid: &str| {
        let (_kept, request) = request(grid);
        run(&request, Instant::default());
        std::fs::read_to_string(request.folder.join("tables/labels.csv")).expect("a table")
    };
    // Those for all crystals and for half of them have no place.
    let expected = "\
model,kind,fraction,task,unit,mae,std,folds,seeds,published,source
fresh,ours,0.07,matbench_jdft2d,meV/atom,0.5,,1,1,,
fresh,ours,0.1,matbench_jdft2d,meV/atom,0.5,,1,1,,
MMPT,ours,0.07,matbench_jdft2d,meV/atom,0.5,,1,1,,
MMPT,ours,0.1,matbench_jdft2d,meV/atom,0.5,,1,1,,
Median of the training part,median,0.1,matbench_jdft2d,meV/atom,1,,1,1,,
";
    assert_eq!(table(&of_a_tenth()), expected);
    let placed = of_a_tenth()
        .replace("fraction = 0.5\nmae", "fraction = 0.07\nmae")
        .replace("source = \"a paper\"", "source = \"a paper\"\nfraction = 0.1");
    let text = table(&placed);
    for line in [
        "\nMMPT,ours,0.07,matbench_jdft2d,meV/atom,0.5,,1,1,0.25,MMPT: its paper\n",
        "\nother,published,0.1,matbench_jdft2d,meV/atom,,,,,0.5,other: a paper\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn a_published_share_is_another_one_of_each_task() {
    let two = GRID
        .replace("tasks = [\"matbench_jdft2d\"]", "tasks = [\"matbench_jdft2d\", \"matbench_dielectric\"]")
        .replace("folds = [0, 2]", "fraction = 0.5")
        .replace("[pretrain.mmpt]", "[task.matbench_dielectric]\nshards = [\"store\"]\n\n[pretrain.mmpt]")
        .replace("source = \"a paper\"", "source = \"a paper\"\nfraction = 0.5")
        .replace("{ matbench_jdft2d = 0.5 }", "{ matbench_jdft2d = 0.5, matbench_dielectric = 0.25 }");
    let (_kept, request) = request(&two);
    let prepared = Prepared::new(&request).expect("a grid");
    let states = vec![State::Waiting; prepared.plan.jobs.len()];
    let results = prepared.results(&states, &[], &[]).expect("nothing is read");
    let view = View::of_table(&prepared.grid.table[0], &prepared.grid, &prepared.plan, &results);
    let published = view.rows.iter().filter(|row| row.kind == RowKind::Published).map(|row| {
        let numbers = row.entries.iter().map(|entry| entry.published.as_ref().map(|cited| cited.score));
        (row.fraction, numbers.collect::<Vec<_>>())
    });
    let expected = [(0.5, vec![None, Some(0.25)]), (1.0, vec![Some(0.5), None])];
    assert_eq!(published.collect::<Vec<_>>(), expected);
}
