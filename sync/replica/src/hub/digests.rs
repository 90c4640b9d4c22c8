//! The hub's part of comparing balances: it answers one PC of a shop at a time.
//!
//! The books are read in steps at the machine's own pace; a PC that asks meanwhile is told to come
//! again. What differs is told with its items to both sides, and nothing is changed.

use shelf_stock::identity::NodeId;
use shelf_wire::message::{DigestLevel, Digests, Message};
use shelf_wire::topic::Down;

use super::{Hub, HubEffect, HubEvent, send};
use crate::digest::{Books, SCAN_PAUSE_MS, Scan};
use crate::store::Store;
use crate::time::Now;

/// A comparison that doesn't go on is over after this.
const ROUND_MS_MAX: u64 = 60_000;

/// The comparison that is going on.
#[derive(Debug)]
pub(super) struct Comparing {
    node: NodeId,
    round: u64,
    holds: u64,
    all: u64,
    scan: Option<Scan>,
    books: Option<Books>,
    at_ms: u64,
}

impl Comparing {
    pub(super) fn wake_at_ms(&self) -> u64 {
        self.at_ms
    }
}

impl Hub {
    pub(super) fn on_digests<S: Store + ?Sized>(
        &mut self,
        now: Now,
        from: NodeId,
        said: Digests,
        store: &S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        match said.level {
            DigestLevel::All(all) => {
                let scan = match &self.comparing {
                    Some(other) if other.node != from => None,
                    _ => Scan::begin(store)?,
                };
                if scan.is_none() {
                    answer(from, said.round, 0, DigestLevel::Later, effects);
                    return Ok(());
                }
                self.comparing = Some(Comparing {
                    node: from,
                    round: said.round,
                    holds: said.holds,
                    all,
                    scan,
                    books: None,
                    at_ms: now.mono_ms,
                });
            }
            DigestLevel::Items { buckets, items } => {
                let fits = |it: &Comparing| it.node == from && it.round == said.round;
                let Some(books) = self
                    .comparing
                    .take_if(|it| fits(it))
                    .and_then(|it| it.books)
                else {
                    return Ok(());
                };
                let differing = books.against(&buckets, &items);
                let items = differing.iter().map(|it| (it.item.clone(), it.at_hub));
                let items = items.collect();
                let level = DigestLevel::Items { buckets, items };
                answer(from, said.round, books.holds, level, effects);
                effects.push(HubEffect::Event(HubEvent::BalancesDiffer {
                    node: from,
                    items: differing,
                }));
            }
            DigestLevel::Buckets(_) | DigestLevel::Later | DigestLevel::Equal => {}
        }
        Ok(())
    }

    pub(super) fn compare_on_time<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let Some(mut it) = self.comparing.take_if(|it| it.at_ms <= now.mono_ms) else {
            return Ok(());
        };
        // Without a scan the PC's next word is overdue.
        let Some(mut scan) = it.scan.take() else {
            return Ok(());
        };
        match scan.step(store)? {
            None => {
                it.scan = Some(scan);
                it.at_ms = now.mono_ms.saturating_add(SCAN_PAUSE_MS);
                self.comparing = Some(it);
            }
            Some(Some(books)) if books.holds == it.holds => {
                if books.all() == it.all {
                    answer(it.node, it.round, books.holds, DigestLevel::Equal, effects);
                    return Ok(());
                }
                let level = DigestLevel::Buckets(books.buckets());
                answer(it.node, it.round, books.holds, level, effects);
                it.books = Some(books);
                it.at_ms = now.mono_ms.saturating_add(ROUND_MS_MAX);
                self.comparing = Some(it);
            }
            Some(_) => answer(it.node, it.round, 0, DigestLevel::Later, effects),
        }
        Ok(())
    }
}

fn answer(to: NodeId, round: u64, holds: u64, level: DigestLevel, effects: &mut Vec<HubEffect>) {
    let message = Message::Digests(Box::new(Digests {
        round,
        holds,
        level,
    }));
    send(to, Down::Cfg, &message, effects);
}
