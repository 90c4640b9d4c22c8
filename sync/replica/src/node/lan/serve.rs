//! Who sends what to the siblings, and when.
//!
//! One stream per log for all of them, from where the one with the least has it. Who is to send is
//! worked out by everybody for itself from what was said; where two come to different answers,
//! documents travel twice and nothing else happens.

use shelf_stock::identity::{NodeId, Seq};
use shelf_wire::topic::Up;

use super::{DEAF_MS, DEAF_TIMEOUTS, RELAY_PATIENCE_MS, Sibling, Want, broadcast_payload};
use crate::node::{Node, NodeEffect, Words};
use crate::store::{LogId, Store};
use crate::time::Now;

/// A log of which nobody acks anything for so long is sent again at the next word.
const STUCK_MS: u64 = 2_000;

impl Node {
    pub(super) fn weigh_all(&mut self, now: Now) {
        for log in self.held.logs() {
            self.weigh(now, log);
        }
    }

    /// Somebody's knowledge of a log changed: is it wanted?
    pub(super) fn weigh(&mut self, now: Now, log: LogId) {
        if !self.lan.up {
            return;
        }
        let mine = self.held.upto(log);
        let least = self
            .lan
            .siblings
            .values()
            .filter_map(|it| it.needs(log, mine, now));
        let Some(least) = least.min() else {
            self.lan.wanted.remove(&log);
            self.lan.outflow.forget(log);
            return;
        };
        let new = Want {
            least,
            since_ms: now.mono_ms,
            timeouts: 0,
        };
        let want = self.lan.wanted.entry(log).or_insert(new);
        if want.least != least {
            *want = new;
        }
        match self.lan.outflow.acked(log) {
            Some(acked) if acked.0 > least => self.lan.outflow.forget(log),
            Some(_) => {
                self.lan.outflow.ack(log, Seq(least), &[]);
                self.lan.outflow.offer(log, Seq(least), Seq(mine));
            }
            None => {}
        }
    }

    /// A sibling says what it has: what was sent while it didn't listen is sent again now.
    pub(super) fn begin_again_for(&mut self, now: Now, from: NodeId) {
        let Some(sibling) = self.lan.siblings.get(&from) else {
            return;
        };
        for (log, want) in &mut self.lan.wanted {
            let waits = sibling.held.get(log).copied().unwrap_or(0) == want.least;
            if waits && want.since_ms.saturating_add(STUCK_MS) <= now.mono_ms {
                want.timeouts = 0;
                self.lan.outflow.forget(*log);
            }
        }
    }

    /// How many others are to send a log before this PC: its author, then who has most of it.
    fn rank(&self, log: LogId, want: Want) -> u64 {
        if log.node == self.id {
            return 0;
        }
        let mine = self.held.upto(log);
        let before = self.lan.siblings.iter().filter(|(node, it)| {
            let held = it.held.get(&log).copied().unwrap_or(0);
            let better = **node == log.node || held > mine || (held == mine && **node < self.id);
            it.present && held > want.least && better
        });
        u64::try_from(before.count()).unwrap_or(u64::MAX)
    }

    pub(super) fn expire_lan(&mut self, now: Now) {
        for log in self.lan.outflow.expired(now.mono_ms) {
            let Some(want) = self.lan.wanted.get_mut(&log) else {
                continue;
            };
            want.timeouts += 1;
            let (least, patient) = (want.least, want.timeouts < DEAF_TIMEOUTS);
            let present = self.lan.siblings.values().filter(|it| it.present);
            let more = |it: &Sibling| it.held.get(&log).is_some_and(|held| *held > least);
            if patient && !present.into_iter().any(more) {
                continue;
            }
            for sibling in self.lan.siblings.values_mut() {
                if sibling.held.get(&log).copied().unwrap_or(0) == least {
                    sibling
                        .deaf
                        .insert(log, now.mono_ms.saturating_add(DEAF_MS));
                }
            }
            self.weigh(now, log);
        }
    }

    pub(super) fn serve<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        self.lan.serve_at_ms = None;
        let wanted: Vec<(LogId, Want)> = self.lan.wanted.iter().map(|it| (*it.0, *it.1)).collect();
        for (log, want) in wanted {
            let patience_ms = self.rank(log, want).saturating_mul(RELAY_PATIENCE_MS);
            let at_ms = want.since_ms.saturating_add(patience_ms);
            if at_ms > now.mono_ms {
                let later = [self.lan.serve_at_ms, Some(at_ms)];
                self.lan.serve_at_ms = later.into_iter().flatten().min();
                self.lan.outflow.forget(log);
            } else if !self.lan.outflow.knows(log) {
                let mine = self.held.upto(log);
                self.lan.outflow.offer(log, Seq(want.least), Seq(mine));
            }
        }
        let words = Words(&self.config.key, self.id);
        let outflow = &mut self.lan.outflow;
        while let Some(payload) = outflow.next_payload(now.mono_ms, store, &words)? {
            broadcast_payload(Up::Log, payload, effects);
        }
        Ok(())
    }
}

impl Sibling {
    /// Up to where it has a log of which there is more here; `None` if it lacks nothing, isn't
    /// here, hasn't said, or doesn't listen.
    fn needs(&self, log: LogId, mine: u64, now: Now) -> Option<u64> {
        let said = self.held.get(&log).copied();
        let unsaid = self.covered.filter(|it| log <= *it).map(|_| 0);
        let held = said.or(unsaid)?;
        let deaf = self.deaf.get(&log).is_some_and(|it| *it > now.mono_ms);
        (self.present && held < mine && !deaf).then_some(held)
    }
}
