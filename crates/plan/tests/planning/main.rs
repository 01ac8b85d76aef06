//! Plans of small fleets.

mod any;
mod copies;
mod etcd;
mod fleet;
mod limit;
mod restarts;
mod start;
