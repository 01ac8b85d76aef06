//! Whether the controller is still there.

use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Whether the other end of standard input is closed: the controller was killed, or the
/// connection to it broke. Never of a terminal or a file.
pub(crate) fn is_gone() -> bool {
    has_hung_up(&io::stdin())
}

fn has_hung_up(stream: &impl AsFd) -> bool {
    let mut streams = [PollFd::new(stream, PollFlags::RDHUP)];
    // An end that cannot be asked about is taken to be there.
    let asked = poll(&mut streams, Some(&Timespec::default()));
    let closed = PollFlags::HUP | PollFlags::RDHUP;
    asked.is_ok() && streams[0].revents().intersects(closed)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;

    use super::has_hung_up;

    #[test]
    fn an_end_of_input_shows_before_it_is_read() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"unread").unwrap();
        assert!(!has_hung_up(&ours));
        theirs.shutdown(Shutdown::Write).unwrap();
        assert!(has_hung_up(&ours));
        let (reader, writer) = io_pipe();
        assert!(!has_hung_up(&reader));
        drop(writer);
        assert!(has_hung_up(&reader));
    }

    fn io_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
        std::io::pipe().unwrap()
    }
}
