//! YAML text to a raw tree with places. The only module that names a YAML library.

mod parse;
mod value;

pub(crate) use parse::{parse, parse_default};
pub(crate) use value::{Data, Entry, Place, Scalar, Value};
