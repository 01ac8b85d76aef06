//! Waiting for something to become true.

use std::thread;
use std::time::{Duration, Instant};

use sty_wire::observation::Failure;

use crate::controller;

/// One look at what is waited for.
pub(crate) enum Look {
    /// It is so.
    Reached,
    /// Not yet: how it is now, in words.
    NotYet(String),
}

/// How long to wait, how often to look, and what for.
pub(crate) struct Wait<'a> {
    /// What is waited for, in words that follow "waiting for".
    pub(crate) what: &'a str,
    /// Give up after this time.
    pub(crate) limit: Duration,
    /// Time between two looks.
    pub(crate) pause: Duration,
}

impl Wait<'_> {
    /// Looks until it is so. A failed look ends the waiting, and so does the loss of the
    /// controller: nobody would hear of it, and the node is wanted for the next run. The controller
    /// may also know that it will not come. Past the
    /// limit, the last look is told.
    pub(crate) fn until(&self, look: impl FnMut() -> Result<Look, Failure>) -> Result<(), Failure> {
        self.watch(look, || match controller::is_gone() {
            true => Some(": the controller is gone"),
            false => controller::has_spoken().then_some(""),
        })
    }

    /// The same for what is left to do when the controller is gone.
    pub(crate) fn until_alone(
        &self,
        look: impl FnMut() -> Result<Look, Failure>,
    ) -> Result<(), Failure> {
        self.watch(look, || None)
    }

    /// Looks until it is so, or `given_up` says why not any longer.
    fn watch(
        &self,
        mut look: impl FnMut() -> Result<Look, Failure>,
        given_up: impl Fn() -> Option<&'static str>,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            let last = match look()? {
                Look::Reached => return Ok(()),
                Look::NotYet(state) => state,
            };
            if let Some(why) = given_up() {
                let what = self.what;
                return Err(Failure::message(format!(
                    "no longer waiting for {what}{why}; last seen: {last}"
                )));
            }
            if begun.elapsed() >= self.limit {
                let (what, seconds) = (self.what, self.limit.as_secs());
                return Err(Failure::message(format!(
                    "waited {seconds} s for {what}; last seen: {last}"
                )));
            }
            thread::sleep(self.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Wait<'static> = Wait {
        what: "the third look",
        limit: Duration::from_millis(50),
        pause: Duration::from_millis(1),
    };

    #[test]
    fn ends_with_the_condition() {
        let mut looks = 0;
        let outcome = QUICK.until(|| {
            looks += 1;
            Ok(match looks {
                3 => Look::Reached,
                _ => Look::NotYet(format!("look {looks}")),
            })
        });
        assert_eq!((outcome, looks), (Ok(()), 3));
    }

    #[test]
    fn tells_the_last_state_when_time_is_up() {
        let failure = QUICK
            .until(|| Ok(Look::NotYet("still starting".to_owned())))
            .unwrap_err();
        assert_eq!(
            failure.message,
            "waited 0 s for the third look; last seen: still starting"
        );
    }
}
