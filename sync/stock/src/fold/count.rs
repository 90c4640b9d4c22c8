//! What the counts of one item at one location say: a replay of their lines and closes.
//!
//! The lines and closes are replayed in the total order, so the result is a function of the set:
//! - A line in an area that already has an accepted line replaces it.
//! - A line in an area without one waits ("pending") until its session is closed for the item.
//! - A close drops every area and accepts those of its session; if the session has no line for a
//!   listed item, the item was not there: zero at the close's time.
//! - A line that comes after its own session's close (a phone with a slow clock) still belongs
//!   to that session and is accepted in any area, as long as no later session was closed.
//!
//! Every change of the accepted lines is an *anchor*: the sum of the areas, cut at the latest
//! accepted line. Nothing here looks at movements.

use std::collections::{BTreeMap, BTreeSet};

use super::store::{CloseRow, CountRow, Rules};
use crate::name::{AreaId, SessionId};
use crate::order::OrderKey;
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// What the counts of an item at a location say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountState {
    /// The last accepted line of each area; their sum is the anchor.
    pub accepted: BTreeMap<AreaId, AcceptedLine>,
    /// Lines that will count when their session is closed, by session and area.
    pub pending: BTreeMap<(SessionId, AreaId), PendingLine>,
    pub(super) anchors: Vec<Anchor>,
}

/// A line that is part of the anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedLine {
    /// In which session it was counted.
    pub session: SessionId,
    /// What was there.
    pub quantity: Quantity,
    /// When.
    pub key: OrderKey,
}

/// A line that has no effect yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingLine {
    /// What was there.
    pub quantity: Quantity,
    /// When.
    pub key: OrderKey,
}

/// So much was there at the cut; movements within the window make it doubtful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) quantity: Quantity,
    pub(super) cut: OrderKey,
    pub(super) window_from: Timestamp,
    pub(super) window_to: Timestamp,
}

enum Event<'a> {
    Line(&'a CountRow),
    Close(&'a CloseRow),
}

#[derive(Default)]
struct Replay<'a> {
    state: CountState,
    lines: BTreeMap<(&'a SessionId, &'a AreaId), &'a CountRow>,
    /// The session closed last, and whether its first line has still to drop the older areas.
    closed: Option<(&'a SessionId, bool)>,
}

/// Replays the counts of one item at one location; rows and closes in any order, every close
/// speaking for the item.
pub(super) fn replay(rows: &[CountRow], closes: &[CloseRow], rules: Rules) -> CountState {
    let mut events: Vec<(OrderKey, u16, Event<'_>)> = Vec::new();
    events.extend(rows.iter().map(|it| (it.key, it.line, Event::Line(it))));
    events.extend(closes.iter().map(|it| (it.key, 0, Event::Close(it))));
    events.sort_by_key(|(key, line, _)| (*key, *line));
    let mut replay = Replay::default();
    for (_, _, event) in &events {
        let anchored_at = match event {
            Event::Line(row) => replay.line(row),
            Event::Close(close) => replay.close(close),
        };
        if let Some(at) = anchored_at {
            replay.anchor(at, rules);
        }
    }
    replay.state
}

/// The sessions that have lines, each once.
pub(super) fn sessions(rows: &[CountRow]) -> BTreeSet<SessionId> {
    rows.iter().map(|it| it.session.clone()).collect()
}

impl<'a> Replay<'a> {
    /// Takes a line; the key that stands for it if it changed what is accepted.
    fn line(&mut self, row: &'a CountRow) -> Option<OrderKey> {
        self.lines.insert((&row.session, &row.area), row);
        match &mut self.closed {
            Some((session, first)) if **session == row.session => {
                if std::mem::take(first) {
                    self.state.accepted.clear();
                }
            }
            _ if self.state.accepted.contains_key(&row.area) => {}
            _ => {
                let line = PendingLine {
                    quantity: row.quantity,
                    key: row.key,
                };
                let area = (row.session.clone(), row.area.clone());
                self.state.pending.insert(area, line);
                return None;
            }
        }
        self.accept(row);
        Some(row.key)
    }

    fn accept(&mut self, row: &CountRow) {
        let line = AcceptedLine {
            session: row.session.clone(),
            quantity: row.quantity,
            key: row.key,
        };
        let area = (row.session.clone(), row.area.clone());
        self.state.pending.remove(&area);
        self.state.accepted.insert(area.1, line);
    }

    /// Takes a close; the key that stands for it if it changed what is accepted.
    fn close(&mut self, close: &'a CloseRow) -> Option<OrderKey> {
        let same = self.closed.filter(|(it, _)| **it == close.session);
        if same.is_some_and(|(_, first)| !first || close.item.is_none()) {
            return None;
        }
        let of_session = |(at, row): (&(&SessionId, &AreaId), &&'a CountRow)| {
            (*at.0 == close.session).then_some(*row)
        };
        let rows: Vec<&CountRow> = self.lines.iter().filter_map(of_session).collect();
        if rows.is_empty() && close.item.is_none() {
            self.closed = Some((&close.session, true));
            return None;
        }
        self.closed = Some((&close.session, false));
        self.state.accepted.clear();
        rows.into_iter().for_each(|it| self.accept(it));
        Some(close.key)
    }

    /// Notes the anchor that the accepted lines now make. `at` stands in where there is no line.
    /// Anchors with the same or a later cut are superseded: cuts only ever increase.
    fn anchor(&mut self, at: OrderKey, rules: Rules) {
        let keys = || self.state.accepted.values().map(|it| it.key);
        let cut = keys().max().unwrap_or(at);
        let first = keys().map(|it| it.effective).min().unwrap_or(at.effective);
        let anchor = Anchor {
            quantity: self.state.accepted.values().map(|it| it.quantity).sum(),
            cut,
            window_from: first.min(cut.effective.plus_millis(-rules.trolley_time_ms)),
            window_to: cut.effective.plus_millis(rules.trolley_time_ms),
        };
        while self.state.anchors.pop_if(|it| it.cut >= cut).is_some() {}
        self.state.anchors.push(anchor);
    }
}
