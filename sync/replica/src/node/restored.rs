//! A disk that went back in time: noticed, remembered, and what to count again.
//!
//! What the hub or a sibling had comes back by itself. What nobody else had is lost, and nobody
//! knows what it was; but it was most likely about the items of the documents that came back,
//! which were written in the same stretch of time. They are listed until somebody has counted.

use std::collections::{BTreeMap, BTreeSet};

use shelf_stock::name::ItemId;
use shelf_stock::time::Timestamp;
use shelf_wire::message::HelloAnswer;

use super::{Node, NodeEffect, NodeEvent};
use crate::intake::Stored;
use crate::store::Store;
use crate::time::Now;

/// The most items that are listed.
pub const RESTORED_ITEMS_MAX: usize = 500;

const RESTORED_KEY: &str = "node.restored";

/// What a restore put in doubt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// By this PC's wall clock, when it was noticed.
    pub noticed: Timestamp,
    /// How many documents the hub said it would return; 0 where only siblings return them.
    pub expected: u64,
    /// How many have come back.
    pub returned: u64,
    /// What to count again, at most [`RESTORED_ITEMS_MAX`].
    pub items: BTreeSet<ItemId>,
}

/// What the last restore put in doubt, until it is settled.
pub fn restored<S: Store + ?Sized>(store: &S) -> Result<Option<Restored>, S::Error> {
    let bytes = store.state(RESTORED_KEY)?.unwrap_or_default();
    Ok(std::str::from_utf8(&bytes).ok().and_then(read))
}

pub(super) fn settle<S: Store + ?Sized>(store: &mut S) -> Result<(), S::Error> {
    store.set_state(RESTORED_KEY, &[])
}

impl Node {
    /// After the hub's yes: which of the two sides went back in time, if any. Given
    /// are this PC's epoch before, and how many of its documents the hub lost.
    pub(super) fn compare_times<S: Store + ?Sized>(
        &mut self,
        now: Now,
        answer: &HelloAnswer,
        (epoch_before, lost_by_hub): (Option<u64>, u64),
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        if lost_by_hub > 0 {
            let documents = lost_by_hub;
            effects.push(NodeEffect::Event(NodeEvent::HubLostTime { documents }));
        }
        let fenced = epoch_before.is_some_and(|it| it > 0 && answer.epoch > it);
        if answer.returning == 0 && (!fenced || lost_by_hub > 0) {
            return Ok(());
        }
        let mut doubt = restored(store)?.unwrap_or(Restored {
            noticed: now.wall,
            ..Restored::default()
        });
        doubt.expected = doubt.expected.max(answer.returning);
        write(&doubt, store)?;
        let returning = answer.returning;
        effects.push(NodeEffect::Event(NodeEvent::Restored { returning }));
        Ok(())
    }

    /// Own documents that this PC didn't have came back.
    pub(super) fn note_returned<S: Store + ?Sized>(
        &mut self,
        now: Now,
        stored: &Stored,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        if stored.state.log.node != self.id || stored.new == 0 {
            return Ok(());
        }
        let known = restored(store)?;
        if known.is_none() {
            effects.push(NodeEffect::Event(NodeEvent::Restored { returning: 0 }));
        }
        let mut doubt = known.unwrap_or(Restored {
            noticed: now.wall,
            ..Restored::default()
        });
        doubt.returned = doubt.returned.saturating_add(stored.new);
        let room = RESTORED_ITEMS_MAX.saturating_sub(doubt.items.len());
        let items = stored.facts.items.iter().take(room).cloned();
        doubt.items.extend(items);
        write(&doubt, store)
    }
}

/// What was counted since leaves the list; the last one settles it.
pub(super) fn settle_counted<S: Store + ?Sized>(
    counted: &BTreeMap<ItemId, Timestamp>,
    store: &mut S,
) -> Result<(), S::Error> {
    if counted.is_empty() {
        return Ok(());
    }
    let Some(mut doubt) = restored(store)? else {
        return Ok(());
    };
    let before = doubt.items.len();
    let noticed = doubt.noticed;
    let again = |it: &ItemId| counted.get(it).is_some_and(|at| *at >= noticed);
    doubt.items.retain(|it| !again(it));
    match doubt.items.is_empty() && doubt.returned >= doubt.expected && before > 0 {
        true => settle(store),
        false if doubt.items.len() < before => write(&doubt, store),
        false => Ok(()),
    }
}

/// Lines of text: three numbers, then the items.
fn write<S: Store + ?Sized>(doubt: &Restored, store: &mut S) -> Result<(), S::Error> {
    let mut text = format!(
        "{}\n{}\n{}",
        doubt.noticed.as_millis(),
        doubt.expected,
        doubt.returned
    );
    for item in &doubt.items {
        text.push('\n');
        text.push_str(item.as_str());
    }
    store.set_state(RESTORED_KEY, text.as_bytes())
}

fn read(text: &str) -> Option<Restored> {
    let mut lines = text.lines();
    Some(Restored {
        noticed: Timestamp::from_millis(lines.next()?.parse().ok()?),
        expected: lines.next()?.parse().ok()?,
        returned: lines.next()?.parse().ok()?,
        items: lines.filter_map(|it| ItemId::new(it).ok()).collect(),
    })
}
