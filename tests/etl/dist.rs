//! The scripts of `etl/dist` for Slurm and Kubernetes, run by stand-ins for both.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::*;

/// A search path with `etl` and the given programs before everything else.
#[cfg(unix)]
fn programs(folder: &Path, scripts: &[(&str, &str)]) -> OsString {
    use std::os::unix::fs::PermissionsExt;
    let bin = folder.join("bin");
    fs::create_dir(&bin).expect("a folder");
    std::os::unix::fs::symlink(ETL, bin.join("etl")).expect("a link");
    for (name, script) in scripts {
        fs::write(bin.join(name), script).expect("a file");
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("a file");
    }
    let rest = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths([bin].into_iter().chain(std::env::split_paths(&rest))).expect("no colons")
}

/// A file of `etl/dist`.
fn dist(name: &str) -> PathBuf {
    root().join("etl/dist").join(name)
}

/// A whole build of the sample.
fn whole(folder: &Path) -> PathBuf {
    let whole = folder.join("whole");
    build("cif", &sample(), &whole, &[], 0);
    whole
}

/// Runs what it is given at once: an array task after task, everything else as it is.
#[cfg(unix)]
const SBATCH: &str = r#"#!/bin/bash
for word; do
    case "$word" in
    --array=1-*)
        for task in $(seq "${word#--array=1-}"); do
            SLURM_ARRAY_TASK_ID=$task SLURM_CPUS_PER_TASK=1 bash "${!#}" >&2 || exit
        done
        echo 4711
        exit
        ;;
    --dependency=afterok:4711) depends=yes ;;
    --wrap) [ "$depends" ] && exec sh -c "${!#}" ;;
    esac
done
exit 9
"#;

#[cfg(unix)]
#[test]
fn a_slurm_array_and_its_merge_make_the_store() {
    let work = folder();
    let store = work.path().join("store");
    let output = Command::new("bash")
        .arg(dist("array.sbatch"))
        .env("PATH", programs(work.path(), &[("sbatch", SBATCH)]))
        .envs([("PARTS", "3"), ("KIND", "cif"), ("OPTIONS", "--shard-rows 50")])
        .env("INPUT", sample())
        .env("STORE", &store)
        .output()
        .expect("bash starts");
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("merged from 3 parts"), "{}", said(&output));
    assert_eq!(sorted_rows(&store), sorted_rows(&whole(work.path())));

    let missing = Command::new("bash").arg(dist("array.sbatch")).env_remove("INPUT").output();
    let missing = missing.expect("bash starts");
    assert!(!missing.status.success(), "nothing is submitted without an input");
}

/// The documents of the Kubernetes file; `None` where Python has no PyYAML.
fn jobs() -> Option<Vec<serde_json::Value>> {
    let script = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let output = Command::new("python3").args(["-c", script]).arg(dist("indexed-job.yaml")).output().ok()?;
    if String::from_utf8_lossy(&output.stderr).contains("No module named") {
        println!("skipped: PyYAML is not here");
        return None;
    }
    assert!(output.status.success(), "{}", said(&output));
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[test]
fn kubernetes_jobs_have_no_more_rights_than_they_need() {
    let Some(jobs) = jobs() else { return };
    for job in &jobs {
        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        for container in pod["containers"].as_array().expect("a list") {
            let image = container["image"].as_str().expect("a text");
            assert!(image.contains("@sha256:"), "{image} may be another one tomorrow");
            let rights = &container["securityContext"];
            assert_eq!(rights["allowPrivilegeEscalation"], false);
            assert_eq!(rights["readOnlyRootFilesystem"], true);
            assert_eq!(rights["capabilities"]["drop"], serde_json::json!(["ALL"]));
            for limit in ["cpu", "memory", "ephemeral-storage"] {
                assert!(container["resources"]["limits"][limit].is_string(), "{limit}");
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn kubernetes_jobs_make_the_store() {
    let Some(jobs) = jobs() else { return };
    let [build_job, merge_job] = &jobs[..] else { panic!("two jobs") };
    let spec = &build_job["spec"];
    assert_eq!((build_job["kind"].as_str(), spec["completionMode"].as_str()), (Some("Job"), Some("Indexed")));
    let container = |job: &serde_json::Value| job["spec"]["template"]["spec"]["containers"][0].clone();
    let environment = container(build_job)["env"].clone();
    let parts = environment.as_array().expect("a list").iter().find(|pair| pair["name"] == "PARTS");
    let parts = parts.and_then(|pair| pair["value"].as_str()).expect("a text");
    assert_eq!(Some(parts), spec["completions"].as_u64().map(|count| count.to_string()).as_deref());

    let work = folder();
    let store = work.path().join("store");
    let path = programs(work.path(), &[]);
    let run = |job: &serde_json::Value, index: &str| {
        let container = container(job);
        let words =
            ["command", "args"].into_iter().flat_map(|key| container[key].as_array().expect("a list"));
        let words: Vec<&str> = words.map(|word| word.as_str().expect("a text")).collect();
        let output = Command::new(words[0])
            .args(&words[1..])
            .env("PATH", &path)
            .envs([("PARTS", "3"), ("JOB_COMPLETION_INDEX", index)])
            .env("INPUT", sample())
            .env("STORE", &store)
            .output()
            .expect("a shell starts");
        assert!(output.status.success(), "{}", said(&output));
    };
    ["0", "1", "2"].iter().for_each(|index| run(build_job, index));
    // An evicted pod comes back.
    run(build_job, "1");
    run(merge_job, "0");
    assert_eq!(sorted_rows(&store), sorted_rows(&whole(work.path())));
}

/// The staging folder of Spark is open to other users, but what they put there is theirs. pyspark and
/// pyarrow are stand-ins: neither is needed to make a folder.
#[cfg(unix)]
#[test]
fn parts_of_spark_executors_are_safe_from_each_other() {
    use std::os::unix::fs::PermissionsExt;
    const SCRIPT: &str = "\
import importlib.util, pathlib, sys
from unittest.mock import MagicMock
for name in ('pyarrow', 'pyspark', 'pyspark.sql', 'pyspark.sql.pandas', 'pyspark.sql.pandas.types', 'pyspark.sql.types'):
    sys.modules[name] = MagicMock()
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location('spark_etl', sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.make_staging(pathlib.Path(sys.argv[2])))
";
    let work = folder();
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .args([dist("spark_etl.py"), work.path().join("store")])
        .output()
        .expect("python3 starts");
    assert!(output.status.success(), "{}", said(&output));
    let staging = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    assert_eq!(staging.parent(), Some(work.path()));
    let mode = fs::metadata(&staging).expect("it was made").permissions().mode();
    assert_eq!(mode & 0o7777, 0o1777, "{mode:o}");
}
