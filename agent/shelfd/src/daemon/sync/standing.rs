//! How this PC stands with the hub, and the hub with this PC, for the page and the journal: let in or
//! kept out, gone back in time, comparing balances. It only tells; what follows from it is the
//! machine's affair and the shop's people's.

use shelf_replica::node::NodeEvent;
use shelf_wire::message::Verdict;

use super::Exchange;
use crate::daemon::{compare, lan};

impl Exchange {
    /// How this PC stands with the hub, and the hub with this PC.
    pub(super) fn stands(&mut self, event: NodeEvent) {
        match event {
            NodeEvent::Admitted { epoch, returning } => {
                tracing::info!(epoch, returning, "the hub knows this PC");
                self.shop.sync.send_modify(|it| it.refused = None);
                self.shop.ring_pages();
            }
            NodeEvent::Presence(presence) => {
                self.hub_rows = presence.rows;
                self.shop.ring_pages();
            }
            NodeEvent::NotCompared => self.shop.compare.put_off(),
            NodeEvent::BalancesDiffer { items } => {
                let shop = self.shop.clone();
                tokio::task::spawn_blocking(move || compare::found(&shop, items));
            }
            NodeEvent::NotAdmitted(verdict) => {
                let word = refused(verdict);
                tracing::warn!(%word, "{}", lan::refusal(word));
                self.shop
                    .sync
                    .send_modify(|it| it.refused = Some(word.into()));
                self.shop.ring_pages();
            }
            NodeEvent::Restored { returning } => {
                tracing::warn!(
                    returning,
                    "this PC's disk went back in time: see `shelfd status`"
                );
                self.shop.ring_pages();
            }
            NodeEvent::HubLostTime { documents } => {
                tracing::warn!(
                    documents,
                    "the hub was restored from a backup and gets them again"
                );
                self.shop.sync.send_modify(|it| it.hub_lost = documents);
            }
            other => tracing::warn!(event = ?other, "exchange with the hub"),
        }
    }
}

fn refused(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Clone => "clone",
        Verdict::NotEnrolled => "not_enrolled",
        Verdict::Format => "format",
        Verdict::Busy { .. } | Verdict::Admitted => "busy",
    }
}
