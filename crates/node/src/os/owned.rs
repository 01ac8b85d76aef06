//! Owner and mode of files that another program writes.

use std::fs::Metadata;
use std::path::Path;

use sty_core::Risk;
use sty_wire::observation::{Failure, Observation};
use sty_wire::resource::Access;

use super::{access, atomic, drift, file};
use crate::context::Context;

/// Compares with what is there; nothing there is as it should be.
pub(crate) fn observe(
    path: &str,
    wanted: &Access,
    context: &Context,
) -> Result<Observation, Failure> {
    let accounts = context.accounts()?;
    let ids = match accounts.resolve(wanted) {
        Ok(ids) => ids,
        Err(reason) => return Ok(Observation::Pending { reason }),
    };
    let Some(found) = file::metadata(Path::new(path))? else {
        return Ok(Observation::InSync);
    };
    refuse_no_file(path, &found)?;
    let changes = access::compare(&found, wanted, ids, accounts);
    Ok(drift(changes, Risk::Safe))
}

/// Sets owner and mode of what is there.
pub(crate) fn converge(path: &str, wanted: &Access, context: &Context) -> Result<(), Failure> {
    let ids = context.accounts()?.resolve(wanted);
    let ids = ids.map_err(Failure::message)?;
    let path = Path::new(path);
    if file::metadata(path)?.is_none() {
        return Ok(());
    }
    access::set(path, ids, wanted.mode)
        .map_err(|error| atomic::unable("set owner and mode of", path, &error))
}

/// A link would have another file changed.
fn refuse_no_file(path: &str, found: &Metadata) -> Result<(), Failure> {
    if found.is_file() {
        return Ok(());
    }
    Err(Failure {
        hint: Some("move it out of the way by hand".to_owned()),
        ..Failure::message(format!("{path} is there and no file"))
    })
}
