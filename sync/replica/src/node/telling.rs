//! Telling the hub the grantor's rows: what was never told first, and again until it is echoed.

use shelf_stock::name::ItemId;
use shelf_wire::message::{Message, RIGHTS_ROWS_MAX, StoreRight, StoreRights};
use shelf_wire::topic::Up;

use super::grants::{ECHO_TIMEOUT_MS, ECHO_TIMEOUT_MS_MAX, TELL_INTERVAL_MS};
use super::{Node, NodeEffect, send};
use crate::rights::{Safety, StoreCells};
use crate::store::Store;
use crate::time::Now;

/// Messages of rows that may leave at once.
const MESSAGES_AT_ONCE: usize = 4;

impl Node {
    pub(super) fn tell_rows<S: Store + ?Sized>(
        &mut self,
        now: Now,
        rights_epoch: u64,
        store: &S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let rows_max = RIGHTS_ROWS_MAX * MESSAGES_AT_ONCE;
        // What was never told comes first.
        let mut items: Vec<(u64, ItemId)> = Vec::new();
        items.extend(
            self.grants
                .untold
                .iter()
                .map(|(item, told)| (*told, item.clone())),
        );
        items.sort_unstable();
        let all = items.len() <= rows_max;
        items.truncate(rows_max);
        let messages = items.chunks(RIGHTS_ROWS_MAX).count();
        for (number, chunk) in (1..).zip(items.chunks(RIGHTS_ROWS_MAX)) {
            let mut rows = Vec::with_capacity(chunk.len());
            for (_, item) in chunk {
                rows.push(self.row(item, store)?);
            }
            self.send_rows(rights_epoch, rows, all && number == messages, effects);
        }
        if items.is_empty() {
            self.send_rows(rights_epoch, Vec::new(), self.is_settled(), effects);
        }
        let grants = &mut self.grants;
        grants.told_at_ms = now.mono_ms;
        grants.tell_at_ms = match (grants.untold.is_empty(), all) {
            (true, _) => None,
            (false, false) => Some(now.mono_ms + TELL_INTERVAL_MS),
            (false, true) => {
                let wait_ms =
                    self.jitter
                        .backoff_ms(ECHO_TIMEOUT_MS, ECHO_TIMEOUT_MS_MAX, grants.attempts);
                grants.attempts = grants.attempts.saturating_add(1);
                Some(now.mono_ms.saturating_add(wait_ms))
            }
        };
        Ok(())
    }

    /// Whether every item was looked at and every row echoed.
    fn is_settled(&self) -> bool {
        let grants = &self.grants;
        grants.ready
            && grants.sweep.is_none()
            && grants.dirty.is_empty()
            && grants.untold.is_empty()
    }

    /// Beside each status row: tells the hub that there is nothing else to tell.
    pub(super) fn say_settled(&self, effects: &mut Vec<NodeEffect>) {
        if let (Some(epoch), true) = (self.grants.epoch, self.is_settled()) {
            self.send_rows(epoch, Vec::new(), true, effects);
        }
    }

    fn send_rows(
        &self,
        rights_epoch: u64,
        rows: Vec<StoreRight>,
        settled: bool,
        effects: &mut Vec<NodeEffect>,
    ) {
        let looked = self.grants.sweep.is_none() && self.grants.dirty.is_empty();
        let message = Message::StoreRights(StoreRights {
            rights_epoch,
            rows,
            settled: settled && looked,
        });
        send(Up::Rights, &message, effects);
    }

    fn row<S: Store + ?Sized>(&mut self, item: &ItemId, store: &S) -> Result<StoreRight, S::Error> {
        let cells = StoreCells::load(store, item)?;
        let situation = self.situation(store, item)?;
        self.grants.told_seq += 1;
        self.grants
            .untold
            .insert(item.clone(), self.grants.told_seq);
        Ok(StoreRight {
            item: item.clone(),
            granted: cells.granted,
            target_seq: self.grants.told_seq,
            level: situation.wish(cells.outstanding()).level,
            returned_seen: cells.returned_seen,
            book: situation.book,
            reserved: situation.reserved,
            safety_stock: situation.safety_stock,
            handed_over: cells.handed_over,
            shut: situation.shut,
            demand_milli_per_hour: Safety::load(store, item)?.demand_milli_per_hour,
        })
    }
}
