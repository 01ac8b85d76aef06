//! How long the desired state of a large fleet takes: `fleet CLUSTERS`.

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod support;

use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let clusters = std::env::args()
        .nth(1)
        .ok_or("usage: fleet CLUSTERS")?
        .parse()?;
    let inventory = support::parse(&sty_inventory::generate::generate(clusters));
    let facts = support::facts(&inventory);
    let context = support::context();
    let start = Instant::now();
    // Kept, as a plan keeps them: what that takes is seen from outside.
    let mut all = Vec::new();
    for host in inventory.nodes.keys() {
        let node = sty_desired::node(&inventory, host, &facts, &context);
        all.push(node.map_err(|problems| format!("{problems:?}"))?);
    }
    writeln!(
        std::io::stdout(),
        "{} nodes, {} resources, {:?}",
        inventory.nodes.len(),
        all.iter().map(Vec::len).sum::<usize>(),
        start.elapsed()
    )?;
    Ok(())
}
