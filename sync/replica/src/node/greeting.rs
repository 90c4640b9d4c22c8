//! Hello and its answer: what this PC has, and from where the hub wants it.

use std::collections::BTreeMap;

use shelf_stock::identity::{NodeId, Seq};
use shelf_wire::frame::{pack, unpack};
use shelf_wire::message::{
    HELLO_LOGS_MAX, Hello, HelloAnswer, Holding, LogEnd, Message, Roster, Verdict,
};
use shelf_wire::topic::Up;

use super::{Node, NodeEffect, NodeEvent, Phase, send};
use crate::outflow::Outflow;
use crate::store::{LogId, LogState, Peer, Store};
use crate::time::Now;

/// How long an answer may take at first, and at most.
const ANSWER_TIMEOUT_MS: u64 = 5_000;
const ANSWER_TIMEOUT_MS_MAX: u64 = 120_000;
/// How long a PC waits that the hub doesn't want.
const NOT_ADMITTED_WAIT_MS: u64 = 60_000;

/// State keys: the hub's last answer and roster, as payloads.
const ANSWER_KEY: &str = "node.answer";
const ROSTER_KEY: &str = "node.roster";

impl Node {
    /// Begins an exchange.
    pub(super) fn greet<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        self.hang_up();
        self.phase = Phase::Greeting {
            nonce: self.jitter.next(),
            retry_at_ms: 0,
            attempts: 0,
        };
        self.greet_again(now, store, effects)
    }

    /// Says hello again: the same introduction, so that the hub knows it for a retry.
    pub(super) fn greet_again<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let Phase::Greeting {
            nonce, attempts, ..
        } = self.phase
        else {
            return Ok(());
        };
        let wait_ms = self
            .jitter
            .backoff_ms(ANSWER_TIMEOUT_MS, ANSWER_TIMEOUT_MS_MAX, attempts);
        self.phase = Phase::Greeting {
            nonce,
            retry_at_ms: now.mono_ms.saturating_add(wait_ms),
            attempts: attempts.saturating_add(1),
        };
        let hello = self.hello(nonce, store)?;
        send(Up::Hello, &Message::Hello(Box::new(hello)), effects);
        Ok(())
    }

    fn hello<S: Store + ?Sized>(&self, nonce: u64, store: &S) -> Result<Hello, S::Error> {
        let mut hello = Hello::new(self.config.key.public_key(), nonce);
        hello.boot_nonce = self.config.boot_nonce;
        hello.version.clone_from(&self.config.version);
        if let Some(Message::HelloAnswer(answer)) = saved(store, ANSWER_KEY)? {
            hello.token.clone_from(&answer.token);
            hello.epoch = answer.epoch;
            hello.rights_epoch = answer.rights_epoch;
        }
        let mut siblings = BTreeMap::<NodeId, u64>::new();
        let (mut behind, mut whole) = (Vec::new(), Vec::new());
        for state in store.logs()? {
            if state.log.node != self.id {
                let held = siblings.entry(state.log.node).or_default();
                *held = held.saturating_add(state.upto.0);
                continue;
            }
            let acked = store.cursor(Peer::Hub, state.log)?;
            hello.acked = hello.acked.saturating_add(acked.0);
            let is_whole = acked == state.upto;
            if is_whole { &mut whole } else { &mut behind }.push(end_of(&state));
        }
        // First what the hub has to look at; then as many others as fit, because of a named log
        // exactly what is missing comes back, and of the others everything.
        for end in behind.into_iter().chain(whole) {
            if hello.open.len() < HELLO_LOGS_MAX {
                hello.open.push(end);
            } else if end.seq.0 > 0 {
                hello.closed_count += 1;
                hello.closed_sum = hello.closed_sum.wrapping_add(end.check());
            }
        }
        let holding = |(node, documents)| Holding { node, documents };
        hello.siblings = siblings.into_iter().map(holding).collect();
        hello.orders_upto = self.grants.open.upto();
        Ok(hello.signed(&self.config.key))
    }

    pub(super) fn on_answer<S: Store + ?Sized>(
        &mut self,
        now: Now,
        answer: &HelloAnswer,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        match self.phase {
            Phase::Greeting { nonce, .. } if nonce == answer.nonce => {}
            _ => return Ok(()),
        }
        if answer.verdict != Verdict::Admitted {
            self.wait(now, answer.verdict);
            effects.push(NodeEffect::Event(NodeEvent::NotAdmitted(answer.verdict)));
            return Ok(());
        }
        let roster = Roster {
            keys: answer.roster.clone(),
        };
        self.save_roster(&roster, store)?;
        let before = match saved(store, ANSWER_KEY)? {
            Some(Message::HelloAnswer(before)) => Some(before.epoch),
            _ => None,
        };
        let mut kept = answer.clone();
        kept.cursors.clear();
        kept.roster.clear();
        save(store, ANSWER_KEY, &Message::HelloAnswer(Box::new(kept)))?;
        self.outflow = Outflow::new(self.jitter.next()).for_reader(answer.format);
        let lost_by_hub = self.take_cursors(answer, store)?;
        self.phase = Phase::Admitted {
            stat_at_ms: now.mono_ms,
        };
        self.begin_relay(now);
        self.say_hours(effects);
        effects.push(NodeEffect::Event(NodeEvent::Admitted {
            epoch: answer.epoch,
            returning: answer.returning,
        }));
        effects.push(NodeEffect::Event(NodeEvent::Roster(roster)));
        self.compare_times(now, answer, (before, lost_by_hub), store, effects)?;
        self.take_role(now, answer, store, effects)
    }

    fn wait(&mut self, now: Now, verdict: Verdict) {
        let wait_ms = match verdict {
            Verdict::Busy { retry_after_ms } => u64::from(retry_after_ms).clamp(1_000, 600_000),
            _ => NOT_ADMITTED_WAIT_MS,
        };
        let until_ms = now.mono_ms + self.jitter.backoff_ms(wait_ms, wait_ms, 0);
        self.phase = Phase::Waiting { until_ms };
    }

    /// The hub's word on where our logs end there is final, forwards and back: a hub that was
    /// restored from a backup gets again what it lost. Returns how many documents it lost that it
    /// had acked.
    fn take_cursors<S: Store + ?Sized>(
        &mut self,
        answer: &HelloAnswer,
        store: &mut S,
    ) -> Result<u64, S::Error> {
        let mut lost_by_hub = 0_u64;
        let named: BTreeMap<_, _> = answer
            .cursors
            .iter()
            .map(|it| (it.incarnation, it.upto))
            .collect();
        for state in store.logs()? {
            if state.log.node != self.id {
                continue;
            }
            let before = store.cursor(Peer::Hub, state.log)?;
            let cursor = match named.get(&state.log.incarnation) {
                Some(upto) => *upto,
                None if answer.cursors_complete => Seq(0),
                None => before,
            };
            lost_by_hub = lost_by_hub.saturating_add(before.0.saturating_sub(cursor.0));
            if cursor != before {
                store.set_cursor(Peer::Hub, state.log, cursor)?;
            }
            if cursor < state.upto {
                self.outflow.offer(state.log, cursor, state.upto);
            }
        }
        Ok(lost_by_hub)
    }

    pub(super) fn save_roster<S: Store + ?Sized>(
        &self,
        roster: &Roster,
        store: &mut S,
    ) -> Result<(), S::Error> {
        save(store, ROSTER_KEY, &Message::Roster(roster.clone()))
    }

    pub(super) fn roster<S: Store + ?Sized>(&self, store: &S) -> Result<Roster, S::Error> {
        match saved(store, ROSTER_KEY)? {
            Some(Message::Roster(roster)) => Ok(roster),
            _ => Ok(Roster::default()),
        }
    }
}

/// Where a log ends, as a hello says it.
pub(crate) fn end_of(state: &LogState) -> LogEnd {
    let LogId { incarnation, .. } = state.log;
    LogEnd {
        incarnation,
        seq: state.upto,
        digest: state.digest,
    }
}

/// Keeps a message as a machine's state.
pub(crate) fn save<S: Store + ?Sized>(
    store: &mut S,
    key: &str,
    message: &Message,
) -> Result<(), S::Error> {
    match pack(message) {
        Ok(frame) => store.set_state(key, &frame),
        // Rosters and answers without cursors are far below the limit.
        Err(_) => Ok(()),
    }
}

/// A message that was kept; `None` if there is none or it can't be read any more.
pub(crate) fn saved<S: Store + ?Sized>(store: &S, key: &str) -> Result<Option<Message>, S::Error> {
    let frame = store.state(key)?;
    Ok(frame.and_then(|it| unpack(&it).ok()))
}
