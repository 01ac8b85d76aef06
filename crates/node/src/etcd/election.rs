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
    look: impl FnMut() -> Result<T, EtcdError>,
    led: impl Fn(&T) -> bool,
) -> Result<T, EtcdError> {
    wait(look, |found| match found {
        Ok(found) => !led(found),
        Err(error) => error.code() == Some(code::UNAVAILABLE),
    })
}

/// What etcd answers to `ask`, which is asked again for two seconds where a leader on its way out
/// took no proposal: nothing has been done then.
pub(super) fn taken<T>(ask: impl FnMut() -> Result<T, EtcdError>) -> Result<T, EtcdError> {
    wait(ask, |answer| {
        answer.as_ref().err().is_some_and(EtcdError::was_dropped)
    })
}

fn wait<T>(
    mut ask: impl FnMut() -> Result<T, EtcdError>,
    elects: impl Fn(&Result<T, EtcdError>) -> bool,
) -> Result<T, EtcdError> {
    let begun = Instant::now();
    loop {
        let answer = ask();
        if !elects(&answer) || begun.elapsed() >= ELECTION {
            return answer;
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: i64) -> EtcdError {
        said(code, "")
    }

    fn said(code: i64, message: &str) -> EtcdError {
        EtcdError::Refused {
            endpoint: String::new(),
            path: String::new(),
            code,
            message: message.to_owned(),
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

    #[test]
    fn what_a_leaving_leader_dropped_is_asked_again_and_nothing_else() {
        let dropped = || Err(said(code::UNKNOWN, "raft proposal dropped"));
        let mut answers = vec![Ok(7), dropped(), dropped()];
        assert_eq!(taken(|| answers.pop().unwrap()).unwrap(), 7);
        for code in [code::UNKNOWN, code::UNAVAILABLE] {
            let mut answers = vec![Ok(7), Err(said(code, "request timed out"))];
            taken(|| answers.pop().unwrap()).unwrap_err();
            assert_eq!(answers.len(), 1);
        }
    }
}
