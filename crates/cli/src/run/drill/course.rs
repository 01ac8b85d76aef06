//! The course of a run: its clock, what it waits for, and what the operator is told.

use std::time::{Duration, Instant};

use anyhow::bail;
use sty_drill::{Fault, Hold, Span, Window};
use sty_engine::Interrupt;
use sty_inventory::model::Synchronous;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Setting;
use super::clients::Working;
use super::redundancy::{self, Leader, Wanted};
use super::stage::{Sight, Stage};
use crate::printer::{DIM, paint, seconds};
use crate::run::health::Health;

/// How long a cluster may take to be ready for a run.
const READY_LIMIT: Duration = Duration::from_secs(180);
/// How long beyond the leader's lease writes may stand still before the fault is ended anyway.
const WRITES_MARGIN: Duration = Duration::from_secs(60);
/// How long writes may go on although the fault must stop them.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// How long writes are taken elsewhere before the fault ends.
const SETTLE: Duration = Duration::from_secs(2);
/// How long everything may take to be there again.
const REDUNDANCY_LIMIT: Duration = Duration::from_secs(180);
/// How long it must stay so: what is told of a state may lag behind it.
const STEADY: Duration = Duration::from_secs(2);
/// Between two looks at what is known here.
pub(super) const PAUSE: Duration = Duration::from_millis(200);
/// Between two looks at the whole cluster, which take time from what they look at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// A cluster as a run must find it.
pub(super) struct Fit {
    pub(super) health: Health,
    pub(super) leader: Leader,
}

/// A run under way.
pub(super) struct Course<'a, 'b> {
    setting: &'a Setting<'b>,
    number: u32,
    fault: Fault,
    interrupt: Interrupt,
    pub(super) clock: Instant,
    began: OffsetDateTime,
}

impl<'a, 'b> Course<'a, 'b> {
    /// Its clock starts now.
    pub(super) fn new(setting: &'a Setting<'b>, number: u32, fault: Fault) -> Self {
        Self {
            setting,
            number,
            fault,
            interrupt: setting.interrupt.clone(),
            clock: Instant::now(),
            began: OffsetDateTime::now_utc(),
        }
    }

    /// The same for what must be done also when the operator wants to stop.
    pub(super) fn to_the_end(setting: &'a Setting<'b>, number: u32, fault: Fault) -> Self {
        Self {
            interrupt: Interrupt::new(),
            ..Self::new(setting, number, fault)
        }
    }

    /// Microseconds since its beginning.
    pub(super) fn now_us(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// A stretch of its clock by that of the machine.
    pub(super) fn span(&self, window: Window) -> Option<Span> {
        let at = |us| (self.began + Duration::from_micros(us)).format(&Rfc3339);
        Some(Span {
            from: at(window.from_us).ok()?,
            to: at(window.to_us).ok()?,
        })
    }

    /// Whether the operator wants to stop.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupt.is_set()
    }

    /// A line for the operator.
    pub(super) fn tell(&self, what: &str) {
        let at = format!("run {} +{}", self.number, seconds(self.clock.elapsed()));
        self.setting
            .printer
            .note(format!("{}  {what}", paint(DIM, at)));
    }

    /// Probes until there is a value. Past the limit, or when the operator wants to stop, what
    /// was last seen.
    pub(super) fn until<T>(
        &self,
        what: &str,
        limit: Duration,
        pause: Duration,
        mut probe: impl FnMut() -> anyhow::Result<Result<T, String>>,
    ) -> anyhow::Result<Result<T, String>> {
        let begun = Instant::now();
        loop {
            let last = match probe()? {
                Ok(value) => return Ok(Ok(value)),
                Err(last) => last,
            };
            if self.interrupt.is_set() {
                return Ok(Err(format!("interrupted; last seen: {last}")));
            }
            if begun.elapsed() >= limit {
                return Ok(Err(format!(
                    "waited {} for {what}; last seen: {last}",
                    seconds(limit)
                )));
            }
            self.setting.printer.progress(&format!(
                "run {} of {}, {}, {}: waiting for {what}: {last}",
                self.number,
                self.setting.runs,
                self.fault,
                seconds(self.clock.elapsed()),
            ));
            std::thread::sleep(pause);
        }
    }

    /// Waits until the cluster is as a run must find it.
    pub(super) fn ready(&self, stage: &mut Stage<'_>) -> anyhow::Result<Fit> {
        let found = self.until(
            "the cluster to be fully redundant",
            READY_LIMIT,
            BETWEEN_LOOKS,
            || {
                let sight = stage.look()?;
                let judged = self.judge(stage, &sight);
                Ok(judged.map(|leader| Fit {
                    health: sight.health,
                    leader,
                }))
            },
        )?;
        found.or_else(|last| bail!("the cluster is not fit for a drill: {last}"))
    }

    fn judge(&self, stage: &Stage<'_>, sight: &Sight) -> Result<Leader, String> {
        let wanted = Wanted {
            cluster: &stage.cluster.name,
            service: &self.setting.service,
            synchronous: stage.cluster.settings.synchronous != Synchronous::Off,
        };
        redundancy::judge(sight, &wanted)
    }

    /// Lets the fault last. What did not go as it should is told.
    pub(super) fn hold(&self, working: &Working, made_us: u64) -> Vec<String> {
        let waited = match self.fault.hold(self.setting.lease_seconds) {
            Hold::None => Ok(Ok(())),
            Hold::UntilWrites => {
                let limit = Duration::from_secs(self.setting.lease_seconds) + WRITES_MARGIN;
                let waited = self.until("writes to be taken elsewhere", limit, PAUSE, || {
                    Ok(working.written_after(made_us))
                });
                self.last(SETTLE);
                waited
            }
            Hold::Seconds(length) => {
                let waited = match self.fault {
                    Fault::DiskFull => self.until("writes to fail", STOP_LIMIT, PAUSE, || {
                        Ok(working.failed_after(made_us))
                    }),
                    _ => Ok(Ok(())),
                };
                self.last(Duration::from_secs(length));
                waited
            }
        };
        let problem = match waited {
            Ok(waited) => waited.err(),
            Err(error) => Some(format!("{error:#}")),
        };
        problem.into_iter().collect()
    }

    /// Lets time pass: the fault lasts so long.
    fn last(&self, length: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < length && !self.interrupt.is_set() {
            let left = seconds(length.saturating_sub(begun.elapsed()));
            self.setting.printer.progress(&format!(
                "run {} of {}, {}, {}: it lasts {left} more",
                self.number,
                self.setting.runs,
                self.fault,
                seconds(self.clock.elapsed()),
            ));
            std::thread::sleep(PAUSE.min(length.saturating_sub(begun.elapsed())));
        }
    }

    /// Waits for full redundancy that lasts, with clients served; gives who leads then, and since
    /// when, microseconds.
    pub(super) fn redundant(
        &self,
        stage: &mut Stage<'_>,
        working: &Working,
    ) -> anyhow::Result<(Option<Leader>, Result<u64, String>)> {
        let mut since: Option<(Leader, u64)> = None;
        let reached = self.until("full redundancy", REDUNDANCY_LIMIT, BETWEEN_LOOKS, || {
            let sight = stage.look()?;
            let leader = match self.judge(stage, &sight) {
                Ok(leader) => leader,
                Err(last) => {
                    since = None;
                    return Ok(Err(last));
                }
            };
            let first = match since.take() {
                Some((known, first)) if known == leader => first,
                _ => self.now_us(),
            };
            since = Some((leader.clone(), first));
            if let Err(last) = working.served_after(first) {
                return Ok(Err(last));
            }
            let steady = self
                .clock
                .elapsed()
                .saturating_sub(Duration::from_micros(first));
            match steady >= STEADY {
                true => Ok(Ok((leader, first))),
                false => Ok(Err("everything is there, for less than 2 s".to_owned())),
            }
        })?;
        self.setting.printer.progress("");
        Ok(match reached {
            Ok((leader, first)) => {
                self.tell("everything is there again");
                (Some(leader), Ok(first))
            }
            Err(last) => (None, Err(last)),
        })
    }
}
