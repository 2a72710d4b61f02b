//! Where and when figures were measured.

use std::process::Command;

use sqlx::types::chrono::Utc;
use watertight_tests::figures::Circumstances;

/// Of this machine, now.
pub(super) fn circumstances(server: String) -> Circumstances {
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, key: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(key)?.trim_start().strip_prefix(':'));
        line.map(|l| l.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model =
        value(&file("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = value(&file("/proc/meminfo"), "MemTotal")
        .and_then(|total| total.split_whitespace().next()?.parse::<f64>().ok())
        .map_or_else(|| "unknown".to_owned(), |kb| format!("{:.0} GiB", kb / f64::from(1 << 20)));
    let load = file("/proc/loadavg").split_whitespace().next().unwrap_or("unknown").to_owned();
    vec![
        ("machine", format!("{model}, {cores} cores, {memory}; load when it ended {load}")),
        // Where the binaries lie says nothing that another machine would know.
        ("server", server.split(" (").next().unwrap_or_default().to_owned()),
        ("date", Utc::now().format("%Y-%m-%d").to_string()),
        ("commit", commit()),
    ]
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(hash) = git(&["rev-parse", "--short=10", "HEAD"]) else { return "unknown".to_owned() };
    // The table itself is written by the bench.
    let changed =
        git(&["status", "--porcelain", "--", ":/", ":!/BENCHMARKS.md"]).is_some_and(|s| !s.is_empty());
    if changed { format!("{hash}, with changes") } else { hash }
}
