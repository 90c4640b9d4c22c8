//! A PC's part of comparing balances with the hub: it begins, once a day and when asked.
//!
//! Nothing here changes a balance. A difference is told with its items, and what mends it is a
//! fold of all documents again, on the side that is wrong.

use shelf_wire::message::{DIGEST_ITEMS_MAX, DigestLevel, Digests, Message};
use shelf_wire::topic::Up;

use super::{Node, NodeEffect, NodeEvent, send};
use crate::digest::{Books, Difference, SCAN_PAUSE_MS, Scan};
use crate::store::Store;
use crate::time::{Jitter, Now};

/// The first comparison comes within this time after the start, so that PCs that are switched off
/// every night compare too.
const FIRST_MS_MAX: u64 = 3 * 3_600_000;
/// And then so often.
const EVERY_MS: u64 = 24 * 3_600_000;
/// A hub that isn't equally far, or doesn't answer, is asked again after this.
const AGAIN_MS: u64 = 600_000;

/// Where the comparison stands.
#[derive(Debug)]
pub(super) struct Rounds {
    round: u64,
    at_ms: Option<u64>,
    wait_ms: u64,
    scan: Option<Scan>,
    books: Option<Books>,
}

impl Rounds {
    pub(super) fn new(jitter: &mut Jitter) -> Self {
        Self {
            round: jitter.next(),
            at_ms: None,
            wait_ms: jitter.next() % FIRST_MS_MAX,
            scan: None,
            books: None,
        }
    }

    pub(super) fn ask(&mut self, now: Now) {
        self.at_ms = Some(now.mono_ms);
    }

    pub(super) fn wake_at_ms(&self, is_admitted: bool) -> Option<u64> {
        self.at_ms.filter(|_| is_admitted)
    }
}

impl Node {
    pub(super) fn digests_on_time<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let first_ms = now.mono_ms.saturating_add(self.digests.wait_ms);
        let at_ms = *self.digests.at_ms.get_or_insert(first_ms);
        if !self.is_admitted() || at_ms > now.mono_ms {
            return Ok(());
        }
        let mut scan = match self.digests.scan.take() {
            Some(scan) => Some(scan),
            None => Scan::begin(store)?,
        };
        let Some(done) = scan.as_mut().map(|it| it.step(store)).transpose()? else {
            self.put_off(now, effects);
            return Ok(());
        };
        match done {
            None => {
                self.digests.scan = scan;
                self.digests.at_ms = Some(now.mono_ms.saturating_add(SCAN_PAUSE_MS));
            }
            Some(None) => self.put_off(now, effects),
            Some(Some(books)) => {
                self.digests.round = self.digests.round.wrapping_add(1);
                self.digests.at_ms = Some(now.mono_ms.saturating_add(AGAIN_MS));
                self.say_digests(&books, DigestLevel::All(books.all()), effects);
                self.digests.books = Some(books);
            }
        }
        Ok(())
    }

    /// The two sides can't be compared now.
    fn put_off(&mut self, now: Now, effects: &mut Vec<NodeEffect>) {
        self.digests.at_ms = Some(now.mono_ms.saturating_add(AGAIN_MS));
        effects.push(NodeEffect::Event(NodeEvent::NotCompared));
    }

    fn say_digests(&self, books: &Books, level: DigestLevel, effects: &mut Vec<NodeEffect>) {
        let message = Message::Digests(Box::new(Digests {
            round: self.digests.round,
            holds: books.holds,
            level,
        }));
        send(Up::Stat, &message, effects);
    }

    pub(super) fn on_digests(&mut self, now: Now, said: Digests, effects: &mut Vec<NodeEffect>) {
        if said.round != self.digests.round {
            return;
        }
        let Some(books) = self.digests.books.take() else {
            return;
        };
        let tomorrow = Some(now.mono_ms.saturating_add(EVERY_MS));
        let differ = |items| NodeEffect::Event(NodeEvent::BalancesDiffer { items });
        match said.level {
            DigestLevel::Later => self.put_off(now, effects),
            DigestLevel::All(_) => {}
            DigestLevel::Equal => {
                self.digests.at_ms = tomorrow;
                effects.push(differ(Vec::new()));
            }
            DigestLevel::Buckets(theirs) => {
                let ours = books.buckets();
                let pairs = ours.iter().zip(&theirs).zip(0_u8..=u8::MAX);
                let other = pairs.filter(|((ours, theirs), _)| ours != theirs);
                let other: Vec<u8> = other.map(|(_, bucket)| bucket).collect();
                let (buckets, items) = books.of(&other, DIGEST_ITEMS_MAX);
                self.say_digests(&books, DigestLevel::Items { buckets, items }, effects);
                self.digests.books = Some(books);
            }
            DigestLevel::Items { items, .. } => {
                self.digests.at_ms = tomorrow;
                let difference = |(item, at_hub)| Difference {
                    at_pc: books.book(&item),
                    at_hub,
                    item,
                };
                effects.push(differ(items.into_iter().map(difference).collect()));
            }
        }
    }
}
