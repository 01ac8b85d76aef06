//! Plans of small fleets.

mod any;
mod copies;
mod etcd;
mod fleet;
mod limit;
mod objects;
mod pause;
mod restarts;
mod start;
