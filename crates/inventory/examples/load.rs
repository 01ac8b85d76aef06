//! How long reading generated inventories takes: `cargo run --release --example load`.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::time::Instant;

use sty_inventory::{generate::generate, load};

fn main() {
    let sizes: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|size| size.parse().ok())
        .collect();
    let sizes = if sizes.is_empty() {
        vec![100, 1_000, 10_000]
    } else {
        sizes
    };
    for clusters in sizes {
        let text = generate(clusters);
        let start = Instant::now();
        let loaded = load("generated.yml", &text, &|path| Err(path.to_owned()));
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{clusters:>6} clusters, {:>9} bytes: {seconds:.3} s, peak {} MB, {} diagnostics, valid: {}",
            text.len(),
            peak_megabytes(),
            loaded.diagnostics.len(),
            loaded.inventory.is_some(),
        );
        if let Some(first) = loaded.diagnostics.first() {
            println!("{first:?}");
        }
    }
}

/// Peak resident memory of this process.
fn peak_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}
