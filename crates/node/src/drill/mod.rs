//! Faults that a drill makes on the node itself, and their end.

mod process;
mod volume;

use sty_wire::drill::Disturbance;
use sty_wire::observation::Failure;

use crate::systemd;

/// Makes a disturbance, and returns once it is so. Changes this machine.
pub(crate) fn disturb(disturbance: &Disturbance) -> Result<(), Failure> {
    match disturbance {
        Disturbance::KillPostgres { data } => process::kill_postgres(data),
        Disturbance::KillUnit { unit } => process::kill_unit(unit),
        Disturbance::DownUnit { unit } => {
            process::kill_unit(unit)?;
            systemd::stop(unit)
        }
        Disturbance::StartUnit { unit } => systemd::start(unit),
        Disturbance::LimitVolume {
            volume,
            spare_bytes,
        } => volume::limit(volume, *spare_bytes),
        Disturbance::FillVolume { volume } => volume::fill(volume),
        Disturbance::EmptyVolume { volume } => volume::empty(volume),
        Disturbance::ReleaseVolume { volume } => volume::release(volume),
    }
}
