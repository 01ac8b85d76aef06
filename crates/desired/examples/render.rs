//! Writes the files of every node of an inventory below a directory, to be looked at and given
//! to the real checkers: `render INVENTORY DIRECTORY`. Facts are those of a common machine.

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod support;

use std::error::Error;
use std::path::Path;

use sty_wire::resource::ResourceKind;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(source), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: render INVENTORY DIRECTORY".into());
    };
    let inventory = support::parse(&std::fs::read_to_string(source)?);
    for host in inventory.nodes.keys() {
        for resource in support::resources(&inventory, host) {
            if let ResourceKind::File(file) = resource.kind {
                let path = Path::new(&target)
                    .join(host)
                    .join(file.path.trim_start_matches('/'));
                std::fs::create_dir_all(path.parent().ok_or("no parent")?)?;
                std::fs::write(path, file.content.expose())?;
            }
        }
    }
    Ok(())
}
