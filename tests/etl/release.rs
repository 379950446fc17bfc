//! What is shipped agrees with the tree: change log, image, installation, packages.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use schemas::store::FORMAT_VERSION;

use crate::support::*;

/// A file of the project's root.
fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The packages of the workspace, by their folders.
fn members() -> Vec<String> {
    let manifest = read("Cargo.toml");
    let (_, rest) = manifest.split_once("members = [").expect("a workspace");
    let (list, _) = rest.split_once(']').expect("a closed list");
    list.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect()
}

/// Instructions of a Dockerfile: name and arguments, lines that go on joined, comments left out.
fn instructions(text: &str) -> Vec<(String, String)> {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let instruction = |line: &str| {
        let (name, arguments) = line.split_once(' ')?;
        Some((name.to_owned(), arguments.trim().to_owned()))
    };
    joined.lines().filter_map(instruction).collect()
}

/// The arguments of every instruction of a name.
fn arguments_of(instructions: &[(String, String)], name: &str) -> Vec<String> {
    instructions.iter().filter(|(it, _)| it == name).map(|(_, arguments)| arguments.clone()).collect()
}

#[test]
fn the_change_log_begins_with_this_version_and_its_formats() {
    let log = read("CHANGELOG.md");
    let sections: Vec<_> = log.lines().filter_map(|line| line.strip_prefix("## [")).collect();
    let (version, date) = sections.first().expect("a version").split_once("] - ").expect("a date");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let digits = date.chars().map(|it| if it.is_ascii_digit() { '0' } else { it }).collect::<String>();
    assert_eq!(digits, "0000-00-00", "{date}");
    let (_, newest) = log.split_once(&format!("## [{version}]")).expect("the section");
    assert!(newest.contains(&format!("- Store: format version {FORMAT_VERSION} ")), "{newest}");
    let citation = read("CITATION.cff");
    for line in [format!("version: {version}"), format!("date-released: \"{date}\"")] {
        assert!(citation.lines().any(|it| it == line), "CITATION.cff: {line}");
    }
}

#[test]
fn the_python_package_has_this_version() {
    let project = read("python/pyproject.toml");
    let version = format!("version = \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(project.lines().any(|line| line == version), "python/pyproject.toml: no {version}");
}

#[test]
fn the_image_is_made_of_what_there_is() {
    let instructions = instructions(&read("Dockerfile"));
    let admitted = read(".dockerignore");
    let admitted: Vec<_> = admitted.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(admitted.first(), Some(&"*"), "nothing but what is listed");
    let mut copied = Vec::new();
    for copy in arguments_of(&instructions, "COPY").iter().filter(|copy| !copy.starts_with("--from")) {
        let words: Vec<_> = copy.split_whitespace().collect();
        let (_, sources) = words.split_last().expect("a destination");
        copied.extend(sources.iter().map(|source| (*source).to_owned()));
    }
    for source in &copied {
        assert!(root().join(source).exists(), "{source} is not there");
        assert!(admitted.contains(&format!("!{source}").as_str()), ".dockerignore leaves {source} out");
    }
    assert_eq!(admitted.len(), copied.len() + 1, "{admitted:?}");
    for member in members() {
        // Of a member that is not built, the manifest.
        let manifest = Path::new(&member).join("Cargo.toml");
        let is_copied = copied.iter().any(|source| manifest.starts_with(source));
        assert!(is_copied, "{member} is not copied");
    }
}

#[test]
fn the_workspaces_compiler_is_named_alike_everywhere() {
    let version = env!("CARGO_PKG_RUST_VERSION");
    // A whole release: rustup looks for the toolchain by this very name.
    let release = format!("channel = \"{version}.");
    assert!(read("rust-toolchain.toml").lines().any(|line| line.starts_with(&release)), "{release}");
    let container = format!("container: rust:{version}-slim-trixie");
    assert!(read(".github/workflows/ci.yml").lines().any(|line| line.trim() == container), "{container}");
    assert!(read(".github/workflows/ci.yml").lines().any(|line| line.trim() == "- run: .ci/run"));
}

#[test]
fn the_image_has_the_workspaces_compiler_and_one_debian() {
    let instructions = instructions(&read("Dockerfile"));
    let bases = arguments_of(&instructions, "FROM");
    assert_eq!(bases, ["${BUILD_BASE} AS build", "${BASE}"], "bases that a digest can replace");
    let defaults = arguments_of(&instructions, "ARG");
    let default =
        |name: &str| defaults.iter().find_map(|argument| argument.strip_prefix(&format!("{name}=")));
    let [build, run] = ["BUILD_BASE", "BASE"].map(|name| default(name).expect("a default"));
    // A binary needs the C library that it was linked with, or a newer one.
    assert_eq!(build, format!("rust:{}-slim-trixie", env!("CARGO_PKG_RUST_VERSION")));
    assert_eq!(run, "debian:trixie-slim");
    let users = arguments_of(&instructions, "USER");
    assert!(users.last().is_some_and(|user| user != "root" && user != "0"), "{users:?}");
    assert_eq!(arguments_of(&instructions, "WORKDIR").last().map(String::as_str), Some("/data"));
}

/// Lists of Python packages in `python` and below `tests`.
fn requirement_lists() -> Vec<String> {
    let folders =
        fs::read_dir(root().join("tests")).expect("the tests").map(|entry| entry.expect("an entry").path());
    let mut lists = Vec::new();
    let others = ["tests", "python"].map(|folder| root().join(folder));
    for folder in folders.filter(|path| path.is_dir()).chain(others) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with("requirements") {
                let relative = path.strip_prefix(root()).expect("below the root");
                lists.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    lists
}

#[test]
fn every_python_package_is_pinned_by_version_and_hash() {
    let lists = requirement_lists();
    assert!(lists.len() >= 7, "{lists:?}");
    for list in lists {
        let text = read(&list).replace("\\\n", " ");
        let pins: Vec<&str> =
            text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert!(!pins.is_empty(), "{list}");
        for pin in pins {
            assert!(pin.contains("==") && pin.contains(" --hash=sha256:"), "{list}: {pin}");
        }
    }
    for script in [
        "Makefile",
        "python/test.sh",
        "python/wheel.sh",
        "tests/bench/bench_etl.sh",
        "tests/bench/bench_trainer.sh",
        "tests/libtorch/install.sh",
    ] {
        // A quoted path of pip is one, too.
        let text = read(script).replace("\\\n", " ").replace('"', "");
        let installs: Vec<&str> = text.lines().filter(|line| line.contains("pip install ")).collect();
        assert!(!installs.is_empty(), "{script}");
        for install in installs {
            // What is not fetched from an index is our own.
            let is_pinned = install.contains("--require-hashes") || install.contains("--no-index");
            assert!(is_pinned, "{script}: {install}");
        }
    }
}

#[test]
fn every_package_has_what_a_registry_shows() {
    for member in members() {
        let manifest = read(&format!("{member}/Cargo.toml"));
        for key in ["description = ", "keywords = ", "categories = "] {
            assert!(manifest.lines().any(|line| line.starts_with(key)), "{member}: {key}");
        }
        for key in ["version", "edition", "rust-version", "license", "readme", "publish"] {
            assert!(manifest.contains(&format!("\n{key}.workspace = true\n")), "{member}: {key}");
        }
    }
}

/// Runs the installation into a prefix.
fn install(prefix: &Path, argument: &str) -> Output {
    Command::new(root().join("docs/manual/install.sh"))
        .env("PREFIX", prefix)
        .env_remove("DESTDIR")
        .arg(argument)
        .output()
        .expect("bash starts")
}

/// A folder with `built/etl` as it is built, and the paths of that and of a prefix.
fn built() -> (Folder, PathBuf, PathBuf) {
    let parent = folder();
    let (built, prefix) = (parent.path().join("built"), parent.path().join("the prefix"));
    fs::create_dir(&built).expect("a folder");
    symlink(ETL, built.join("etl")).expect("a link");
    (parent, built, prefix)
}

#[test]
fn programs_of_others_are_neither_replaced_nor_removed() {
    let (_parent, built, prefix) = built();
    symlink(ETL, built.join("trainer")).expect("a link");
    let program = prefix.join("bin/etl");
    fs::create_dir_all(prefix.join("bin")).expect("a folder");
    for foreign in [false, true] {
        if foreign {
            symlink("/bin/sh", &program).expect("a link");
        } else {
            fs::write(&program, "of others").expect("a file");
        }
        let output = install(&prefix, text(&built));
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(complaint(&output).contains(text(&program)), "{}", said(&output));
        assert_eq!(fs::read_dir(&prefix).expect("a folder").count(), 1, "nothing else was installed");
        fs::remove_file(&program).expect("it is still there");
    }
    assert!(install(&prefix, text(&built)).status.success());

    // Whoever has put another program there since keeps it.
    fs::remove_file(&program).expect("it is there");
    fs::write(&program, "of others").expect("a file");
    let output = install(&prefix, text(&built));
    assert!(complaint(&output).contains(text(&program)), "{}", said(&output));
    assert!(prefix.join("bin/trainer").exists(), "a refusal removes nothing");
    let output = install(&prefix, "--remove");
    assert!(output.status.success() && said(&output).contains("stays"), "{}", said(&output));
    assert_eq!(
        tree(&prefix).into_iter().collect::<Vec<_>>(),
        [("bin/etl".to_owned(), b"of others".to_vec())]
    );

    // A list that names what lies elsewhere.
    let victim = prefix.with_file_name("victim");
    fs::write(&victim, "of others").expect("a file");
    let list = prefix.join("share/doc/crystal-mmpt/installed");
    fs::create_dir_all(list.parent().expect("a folder")).expect("a folder");
    fs::write(&list, format!("{} ../victim\n", "0".repeat(64))).expect("a file");
    assert_eq!(install(&prefix, "--remove").status.code(), Some(2));
    assert!(victim.exists());
}

/// What `make` would run for a target in a folder.
fn recipe(folder: &Path, target: &str) -> String {
    let output = Command::new("make")
        .args(["--no-print-directory", "-n", "-f"])
        .arg(root().join("Makefile"))
        .args(["-C", text(folder), target, "VENV=venv"])
        .output()
        .expect("make starts");
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn clean_takes_names_of_folders_for_names() {
    let work = folder();
    let data = work.path().join("data");
    let raw = work.path().join("raw");
    fs::create_dir_all(&raw).expect("a folder");
    fs::write(raw.join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    for name in ["my store", "$(touch pwned)", "plain", "kept"] {
        build("cif", &raw, &data.join(name), &[], 0);
    }
    former_store(&data.join("former"));
    for name in ["my", "store", "web"] {
        fs::create_dir_all(data.join(name)).expect("a folder");
        fs::write(data.join(name).join("thesis.tex"), "years of work").expect("a file");
    }
    fs::create_dir(work.path().join("store")).expect("a folder");
    fs::write(data.join("web/manifest.json"), "{\"name\": \"of others\"}").expect("a file");
    fs::write(data.join("kept/cif-2024.parquet"), "of others").expect("a file");
    for file in ["tests/requirements.txt", "venv/complete"] {
        fs::create_dir_all(work.path().join(file).parent().expect("a folder")).expect("a folder");
        fs::write(work.path().join(file), "").expect("a file");
    }
    for target in ["clean", "analysis"] {
        let recipe = recipe(work.path(), target);
        assert!(!recipe.contains("pwned") && !recipe.contains("my store"), "{recipe}");
    }
    let output = Command::new(root().join("data/clean.sh"))
        .arg(&data)
        .current_dir(work.path())
        .output()
        .expect("bash starts");
    assert!(output.status.success() && said(&output).contains("kept holds other files"), "{}", said(&output));
    assert!(!work.path().join("pwned").exists() && work.path().join("store").exists());
    let left: Vec<String> = tree(&data).into_keys().collect();
    let expected =
        ["kept/cif-2024.parquet", "my/thesis.tex", "store/thesis.tex", "web/manifest.json", "web/thesis.tex"];
    assert_eq!(left, expected);
    for name in ["my store", "$(touch pwned)", "plain"] {
        assert!(!data.join(name).exists() && !data.join(format!("{name}.store")).exists(), "{name}");
    }
    assert!(!data.join("kept.store").exists() && !data.join("former").exists());
}

#[test]
fn what_is_installed_works_and_is_removed_again() {
    let (_parent, built, prefix) = built();
    // The other program is not built beside this one in every run of the tests; only its name matters. Links,
    // because a copy that another test's child still holds open could not be started.
    let output = install(&prefix, text(&built));
    assert!(!output.status.success() && complaint(&output).contains("trainer is missing"));
    assert!(!prefix.exists());
    symlink(ETL, built.join("trainer")).expect("a link");

    fs::create_dir_all(prefix.join("share/man/man1")).expect("a folder");
    let foreign = prefix.join("share/man/man1/etl-of-others.1");
    fs::write(&foreign, "not ours").expect("a file");
    let mut trees = Vec::new();
    for _ in 0..2 {
        let output = install(&prefix, text(&built));
        assert!(output.status.success(), "{}", said(&output));
        trees.push(tree(&prefix).into_keys().collect::<Vec<_>>());
    }
    assert_eq!(trees[0], trees[1]);
    for file in [
        "bin/etl",
        "bin/trainer",
        "share/bash-completion/completions/trainer",
        "share/doc/crystal-mmpt/LICENSE-MIT",
        "share/doc/crystal-mmpt/atom_features_92.LICENSE.txt",
        "share/fish/vendor_completions.d/etl.fish",
        "share/man/man1/etl-build.1",
        "share/zsh/site-functions/_etl",
    ] {
        assert!(trees[0].iter().any(|it| it == file), "{file}: {:?}", trees[0]);
    }
    let version = Command::new(prefix.join("bin/etl")).arg("-V").output().expect("it is executable");
    assert_eq!(String::from_utf8_lossy(&version.stdout), format!("etl {}\n", env!("CARGO_PKG_VERSION")));

    assert!(install(&prefix, "--remove").status.success());
    assert_eq!(tree(&prefix).into_keys().collect::<Vec<_>>(), ["share/man/man1/etl-of-others.1"]);
    assert!(complaint(&install(&prefix, "--remove")).contains("nothing is installed"));
}
