//! Hellos: who may join, what is missing on which side, and whether a disk went back in time.

use std::collections::{BTreeMap, BTreeSet};

use shelf_stock::identity::{NodeId, Place, Seq};
use shelf_wire::frame::{FORMAT, FORMAT_OLDEST};
use shelf_wire::message::{
    ANSWER_LOGS_MAX, HELLO_NODES_MAX, Hello, HelloAnswer, LogCursor, Message, Verdict,
};
use shelf_wire::topic::Down;

use super::order_flow::OrderFlow;
use super::record::{Record, TOKEN_BYTES, Token};
use super::shop::policy;
use super::{
    BOOTSTRAP_DOCUMENTS_MIN, HELLO_INTERVAL_MS, HELLOS_BURST_MAX, HINT_KEY, Hub, HubEffect,
    HubEvent, Session, roster, send,
};
use crate::node::{end_of, saved};
use crate::outflow::Outflow;
use crate::store::{LogState, Peer, Store};
use crate::time::Now;

/// What the comparison of a hello with the store found.
#[derive(Default)]
struct Comparison {
    cursors: Vec<LogCursor>,
    cursors_complete: bool,
    returning: u64,
    forks: Vec<Place>,
}

impl Hub {
    pub(super) fn on_hello<S: Store + ?Sized>(
        &mut self,
        now: Now,
        from: NodeId,
        hello: &Hello,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        if hello.public_key.node_id() != from {
            let reason = "a hello came on another PC's channel".to_owned();
            effects.push(HubEffect::Event(HubEvent::BadFrame { from, reason }));
            return Ok(());
        }
        let record = Record::load(store, from)?;
        let mut verdict = self.verdict(now, hello, store, effects)?;
        if verdict == Verdict::Admitted && record.is_some_and(|it| it.blocked) {
            verdict = Verdict::Clone;
        }
        if verdict != Verdict::Admitted {
            self.turn_away(now, hello, verdict, effects);
            return Ok(());
        }
        self.admit(now, hello, record, store, effects)
    }

    fn verdict<S: Store + ?Sized>(
        &mut self,
        now: Now,
        hello: &Hello,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<Verdict, S::Error> {
        if !self.may_greet(now) {
            let retry_after_ms = u32::try_from(self.jitter.backoff_ms(4_000, 4_000, 0));
            let retry_after_ms = retry_after_ms.unwrap_or(4_000);
            return Ok(Verdict::Busy { retry_after_ms });
        }
        if !(u32::from(FORMAT_OLDEST)..=u32::from(FORMAT)).contains(&hello.format) {
            return Ok(Verdict::Format);
        }
        let roster = roster(store)?;
        if roster.keys.contains(&hello.public_key) {
            return Ok(Verdict::Admitted);
        }
        if !self.config.trust_first_use || roster.keys.len() >= HELLO_NODES_MAX {
            return Ok(Verdict::NotEnrolled);
        }
        self.enrol(hello.public_key, store, effects)?;
        Ok(Verdict::Admitted)
    }

    /// A bucket of hellos, so that a shop that comes back at once doesn't drown the others.
    fn may_greet(&mut self, now: Now) -> bool {
        let more = now.mono_ms.saturating_sub(self.hellos_at_ms) / HELLO_INTERVAL_MS;
        if more > 0 {
            self.hellos = self.hellos.saturating_add(more).min(HELLOS_BURST_MAX);
            self.hellos_at_ms = now.mono_ms;
        }
        let admitted = self.hellos > 0;
        self.hellos = self.hellos.saturating_sub(1);
        admitted
    }

    fn admit<S: Store + ?Sized>(
        &mut self,
        now: Now,
        hello: &Hello,
        record: Option<Record>,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let node = hello.public_key.node_id();
        let mut outflow = Outflow::new(self.jitter.next()).for_reader(hello.reads);
        let logs = store.logs()?;
        let found = compare(hello, &logs, &mut outflow, store)?;
        offer_siblings(hello, &logs, &mut outflow, store)?;
        let lost = hello.acked.saturating_sub(own_documents(node, &logs));
        let mut record = self.remember(hello, record, found.returning, lost, effects);
        record.reads = u8::try_from(hello.reads).unwrap_or(u8::MAX);
        record.save(store, node)?;
        if record.blocked {
            self.sessions.remove(&node);
            self.turn_away(now, hello, Verdict::Clone, effects);
            return Ok(());
        }
        let forks = found
            .forks
            .into_iter()
            .map(|place| HubEvent::Fork { place });
        effects.extend(forks.map(HubEffect::Event));
        let mut answer = HelloAnswer::of(hello.nonce, Verdict::Admitted, now.wall);
        answer.token = record.token.to_vec();
        answer.epoch = record.epoch;
        answer.cursors = found.cursors;
        answer.cursors_complete = found.cursors_complete;
        answer.returning = found.returning;
        answer.roster = roster(store)?.keys;
        let shop = self.assign_role(hello, store, effects)?;
        answer.rights_epoch = shop.rights_epoch;
        answer.grantor = shop.grantor;
        answer.orders_upto = shop.last_stamp;
        welcome(node, answer, store, effects)?;
        let lacking: u64 = outflow.waiting().map(|it| it.2).sum();
        if lacking > BOOTSTRAP_DOCUMENTS_MIN {
            effects.push(HubEffect::Event(HubEvent::FarBehind {
                node,
                documents: lacking,
            }));
        }
        let from = shop.orders_from(hello.orders_upto);
        let is_old = hello.orders_upto > 0 && from == 0;
        let wants_orders = is_old || shop.recovering.is_some_and(|it| !it.orders_done);
        let session = Session {
            outflow,
            boot_nonce: hello.boot_nonce,
            last_frame_ms: now.mono_ms,
            looked_ms: now.mono_ms,
            orders: OrderFlow::new(self.jitter.next(), from, wants_orders),
            orders_upto: hello.orders_upto,
        };
        self.sessions.insert(node, session);
        self.note_orders(node, from, store)?;
        let version = hello.version.clone();
        effects.push(HubEffect::Event(HubEvent::Admitted { node, version }));
        Ok(())
    }

    /// The new record. A hello that was seen before (a retry, or one that was late) is no news,
    /// and is answered all the same: the PC may be waiting for just this one. An older token or lost
    /// documents are a restored disk; two runs in turn are a clone.
    fn remember(
        &mut self,
        hello: &Hello,
        record: Option<Record>,
        returning: u64,
        lost: u64,
        effects: &mut Vec<HubEffect>,
    ) -> Record {
        let node = hello.public_key.node_id();
        let known = record.is_some();
        let mut record = record.unwrap_or_default();
        if known && record.nonces.contains(&hello.nonce) {
            return record;
        }
        let shown = Token::try_from(hello.token.as_slice()).ok();
        let current = known && shown == Some(record.token);
        let previous = known && shown.unwrap_or_default() == record.previous;
        let behind = lost > 0 || (known && hello.epoch > record.epoch);
        let restored = (known && !current && !previous && !behind) || returning > 0;
        if record.saw(hello.nonce, hello.boot_nonce) {
            record.blocked = true;
            effects.push(HubEffect::Event(HubEvent::Clone { node }));
        }
        if behind {
            effects.push(HubEffect::Event(HubEvent::LostTime {
                node,
                documents: lost,
            }));
        }
        if restored || behind || !known {
            record.epoch = record.epoch.max(hello.epoch).saturating_add(1);
        }
        if restored {
            let epoch = record.epoch;
            let event = HubEvent::Restored {
                node,
                returning,
                epoch,
            };
            effects.push(HubEffect::Event(event));
        }
        record.previous = shown.unwrap_or_default();
        record.token = self.draw_token();
        record
    }

    fn turn_away(&self, now: Now, hello: &Hello, verdict: Verdict, effects: &mut Vec<HubEffect>) {
        let node = hello.public_key.node_id();
        let answer = HelloAnswer::of(hello.nonce, verdict, now.wall);
        let message = Message::HelloAnswer(Box::new(answer));
        send(node, Down::Hello, &message, effects);
        effects.push(HubEffect::Event(HubEvent::NotAdmitted { node, verdict }));
    }

    /// The operator has seen to a clone: whoever says hello with this identity now is admitted.
    pub(super) fn forgive<S: Store + ?Sized>(
        &mut self,
        node: NodeId,
        store: &mut S,
    ) -> Result<(), S::Error> {
        let Some(mut record) = Record::load(store, node)? else {
            return Ok(());
        };
        (record.blocked, record.turns) = (false, 0);
        record.save(store, node)
    }

    fn draw_token(&mut self) -> Token {
        let mut token = [0; TOKEN_BYTES];
        for chunk in token.chunks_mut(8) {
            chunk.copy_from_slice(&self.jitter.next().to_le_bytes());
        }
        token
    }
}

/// How many documents of a PC are here, over all its logs and without gaps.
fn own_documents(node: NodeId, logs: &[LogState]) -> u64 {
    let own = logs.iter().filter(|it| it.log.node == node);
    own.fold(0, |sum, it| sum.saturating_add(it.upto.0))
}

/// The answer, and what the shop's PCs are told after each hello.
fn welcome<S: Store + ?Sized>(
    node: NodeId,
    answer: HelloAnswer,
    store: &S,
    effects: &mut Vec<HubEffect>,
) -> Result<(), S::Error> {
    let answer = Message::HelloAnswer(Box::new(answer));
    send(node, Down::Hello, &answer, effects);
    if let Some(hint) = saved(store, HINT_KEY)? {
        send(node, Down::Cfg, &hint, effects);
    }
    let policy = policy(store)?;
    if policy.revision > 0 {
        send(node, Down::Cfg, &Message::Policy(policy), effects);
    }
    Ok(())
}

/// Compares what the PC says of its own logs with what is here.
fn compare<S: Store + ?Sized>(
    hello: &Hello,
    logs: &[LogState],
    outflow: &mut Outflow,
    store: &S,
) -> Result<Comparison, S::Error> {
    let node = hello.public_key.node_id();
    let mut found = Comparison::default();
    let own: BTreeMap<_, _> = logs
        .iter()
        .filter(|it| it.log.node == node)
        .map(|it| (it.log.incarnation, it))
        .collect();
    let named: BTreeSet<_> = hello.open.iter().map(|it| it.incarnation).collect();
    for end in &hello.open {
        let state = own.get(&end.incarnation);
        let upto = state.map_or(Seq(0), |it| it.upto);
        found.cursors.push(LogCursor {
            incarnation: end.incarnation,
            upto,
        });
        let Some(state) = state else { continue };
        let place = Place {
            node,
            incarnation: end.incarnation,
            seq: end.seq,
        };
        let held = store.digest_at(place)?;
        if held.is_some_and(|it| it != end.digest) {
            found.forks.push(place);
        }
        if upto > end.seq {
            outflow.offer(state.log, end.seq, upto);
            found.returning += upto.0 - end.seq.0;
        }
    }
    let closed = own
        .values()
        .filter(|it| !named.contains(&it.log.incarnation) && it.upto.0 > 0);
    let ends: Vec<_> = closed.map(|it| (**it, end_of(it))).collect();
    let sum = ends
        .iter()
        .fold(0_u64, |sum, (_, end)| sum.wrapping_add(end.check()));
    let count = u64::try_from(ends.len()).unwrap_or(u64::MAX);
    if (count, sum) != (hello.closed_count, hello.closed_sum) {
        found.cursors_complete = own.len() + named.len() <= ANSWER_LOGS_MAX;
        for (state, end) in ends.into_iter().take(ANSWER_LOGS_MAX - named.len()) {
            outflow.offer(state.log, Seq(0), state.upto);
            found.returning += if count > hello.closed_count {
                end.seq.0
            } else {
                0
            };
            found.cursors.push(LogCursor {
                incarnation: end.incarnation,
                upto: end.seq,
            });
        }
    }
    Ok(found)
}

/// Offers every sibling's log from where the PC acked it; all of a sibling's if the PC has less of
/// it than it acked.
fn offer_siblings<S: Store + ?Sized>(
    hello: &Hello,
    logs: &[LogState],
    outflow: &mut Outflow,
    store: &mut S,
) -> Result<(), S::Error> {
    let node = hello.public_key.node_id();
    let cursors = store.cursors(Peer::Node(node))?;
    let mut acked = BTreeMap::<NodeId, u64>::new();
    for cursor in &cursors {
        let sum = acked.entry(cursor.log.node).or_default();
        *sum = sum.saturating_add(cursor.upto.0);
    }
    for holding in &hello.siblings {
        let sum = acked.entry(holding.node).or_default();
        *sum = sum.saturating_sub(holding.documents);
    }
    let lost = |author: &NodeId| acked.get(author).is_some_and(|it| *it > 0);
    for cursor in cursors.iter().filter(|it| lost(&it.log.node)) {
        store.set_cursor(Peer::Node(node), cursor.log, Seq(0))?;
    }
    for state in logs.iter().filter(|it| it.log.node != node) {
        let cursor = store.cursor(Peer::Node(node), state.log)?;
        if cursor < state.upto {
            outflow.offer(state.log, cursor, state.upto);
        }
    }
    Ok(())
}
