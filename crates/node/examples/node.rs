//! The node program alone: requests on standard input, replies on standard output.

use std::io;

fn main() -> Result<(), sty_node::ServeError> {
    sty_node::serve(io::stdin().lock(), io::stdout())
}
