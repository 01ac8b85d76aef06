//! Whether the controller is still there.

use std::io;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};

/// Whether the other end of standard input is closed: the controller was killed, or the
/// connection to it broke. Never of a terminal or a file.
pub(crate) fn is_gone() -> bool {
    has_hung_up(&io::stdin())
}

/// Whether the controller has said something while an action is under way: that it should wait no
/// longer. It never asks for the next thing before it has the answer to the last.
pub(crate) fn has_spoken() -> bool {
    is_stream(&io::stdin()) && is_readable(&io::stdin())
}

/// A terminal or a file says nothing of its own accord.
fn is_stream(stream: &impl AsFd) -> bool {
    let kind = fstat(stream).map(|found| FileType::from_raw_mode(found.st_mode));
    matches!(kind, Ok(FileType::Fifo | FileType::Socket))
}

fn is_readable(stream: &impl AsFd) -> bool {
    let mut streams = [PollFd::new(stream, PollFlags::IN)];
    let asked = poll(&mut streams, Some(&Timespec::default()));
    asked.is_ok() && streams[0].revents().contains(PollFlags::IN)
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

    use super::{has_hung_up, is_readable, is_stream};

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

    #[test]
    fn what_the_controller_says_shows_before_it_is_read() {
        let (reader, mut writer) = io_pipe();
        assert!(is_stream(&reader) && !is_readable(&reader));
        writer.write_all(b"x").unwrap();
        assert!(is_readable(&reader));
        assert!(!is_stream(&std::fs::File::open("/dev/null").unwrap()));
    }

    fn io_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
        std::io::pipe().unwrap()
    }
}
