//! Looking at an etcd that may be electing a leader just now: whoever becomes the primary of a
//! cluster gives the leadership of etcd away, and for a moment nobody has it.

use std::thread;
use std::time::{Duration, Instant};

use super::client::{EtcdError, code};

/// Twice what etcd takes by default.
const ELECTION: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(50);

/// What `look` finds, once that is what an etcd with a leader says; what it found last, when there
/// is none after two seconds.
pub(super) fn after<T>(
    mut look: impl FnMut() -> Result<T, EtcdError>,
    led: impl Fn(&T) -> bool,
) -> Result<T, EtcdError> {
    let begun = Instant::now();
    loop {
        let found = look();
        let elects = match &found {
            Ok(found) => !led(found),
            Err(error) => error.code() == Some(code::UNAVAILABLE),
        };
        if !elects || begun.elapsed() >= ELECTION {
            return found;
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: i64) -> EtcdError {
        EtcdError::Refused {
            endpoint: String::new(),
            path: String::new(),
            code,
            message: String::new(),
        }
    }

    #[test]
    fn an_election_is_waited_for_and_nothing_else() {
        let mut answers = vec![Ok(7), Ok(0), Err(refused(code::UNAVAILABLE))];
        let found = after(|| answers.pop().unwrap(), |answer| *answer > 0);
        assert_eq!((found.unwrap(), answers.len()), (7, 0));
        let mut answers = vec![Ok(7), Err(refused(code::PERMISSION_DENIED))];
        after(|| answers.pop().unwrap(), |answer| *answer > 0).unwrap_err();
        assert_eq!(answers.len(), 1);
    }
}
