//! PgBouncer: its console, whether its databases serve, and whether its settings are its file's.

mod console;
mod serving;
mod settings;

pub(crate) use console::{Console, LIMIT, can_be_asked, words};
pub(crate) use serving::{Stopped, let_go_on, look, stopped};

/// Of a planned move that has clients wait: the timer that lets them go on, whatever becomes of us.
pub(crate) const SAFETY_NET_UNIT: &str = "sty-clients-go-on";
