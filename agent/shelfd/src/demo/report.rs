//! What a run found, as one JSON object or as text.

use serde_json::{Value, json};
use shelf_sim::shop::files::Rows;

use super::audit::AtHub;
use super::facts::Difference;
use super::record::Record;
use super::web::Placed;
use super::world::World;

/// Everything that is known at the end.
pub(super) struct Outcome<'a> {
    /// What the simulators know.
    pub(super) record: &'a Record,
    /// What ran.
    pub(super) world: &'a World,
    /// What the hub has.
    pub(super) at_hub: &'a AtHub,
    /// How they differ.
    pub(super) difference: &'a Difference,
    /// Goods with tags: what lies where, and what the PC says.
    pub(super) tags: Value,
    /// What came of the web shop's orders.
    pub(super) web: &'a Placed,
    /// Whether that is the same.
    pub(super) tags_known: bool,
    /// Rows of the files.
    pub(super) rows: Rows,
    /// Whether everything committed was acked in time.
    pub(super) all_acked: bool,
    /// How long the shop was open, in milliseconds.
    pub(super) open_ms: u64,
}

impl Outcome<'_> {
    /// Whether the run was as it must be.
    pub(super) fn is_well(&self) -> bool {
        self.all_acked
            && self.difference.lost == 0
            && self.difference.duplicated == 0
            && self.at_hub.unreadable == 0
            && self.record.counts.broken.get() == 0
            && self.web.is_well()
            && self.tags_known
    }

    /// As JSON.
    pub(super) fn json(&self) -> Value {
        let counts = &self.record.counts;
        let lags = &self.world.lags;
        let (cuts, cut_ms) = self.world.wan.cut();
        let to_hub = lags.iter().flat_map(|it| it.samples()).collect();
        let shown = self.record.scan_samples();
        json!({
            "scans": counts.scans.get(),
            "sales_committed": self.record.sales(),
            "hub_acked": lags.iter().map(|it| it.acked()).sum::<u64>(),
            "lost": self.difference.lost,
            "duplicated": self.difference.duplicated,
            "scan_to_durable_ms": percentiles(shown),
            "sale_to_hub_ms": percentiles(to_hub),
            "all_acked": self.all_acked,
            "documents": self.at_hub.documents,
            "unreadable_documents": self.at_hub.unreadable,
            "receipts_at_hub": self.at_hub.facts.receipts(),
            "wan_cuts": cuts,
            "wan_cut_ms": cut_ms,
            "backlog_peak": lags.iter().map(|it| it.backlog_peak()).max().unwrap_or(0),
            "open_ms": self.open_ms,
            "invoices": counts.invoices.get(),
            "till_sales": counts.till_sales.get(),
            "reported_sales": counts.reported_sales.get(),
            "voids": counts.voids.get(),
            "returns": counts.returns.get(),
            "quick_keys": counts.keyed_goods.get(),
            "weighed": counts.weighed.get(),
            "rfid": self.tags,
            "web": self.web.json(),
            "unknown_codes": counts.unknown_codes.get(),
            "declined": counts.declined.get(),
            "cash": counts.cash.get(),
            "parked": counts.parked.get(),
            "bad_rows": self.rows.bad,
            "no_goods_rows": self.rows.no_goods,
            "correction_rows": self.rows.corrections,
            "bad_rows_named": self.rows.named.iter()
                .map(|(line, what)| format!("line {line}: {what}")).collect::<Vec<_>>(),
            "troubles": counts.troubles.get(),
            "troubles_named": self.record.troubles(),
            "differences": self.difference.named,
        })
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let it = self.json();
        let time = |name: &str| format!("p50 {} ms, p99 {} ms", it[name]["p50"], it[name]["p99"]);
        format!(
            "\n{} scans shown, {} sales ({} at our tills, {} reported by the existing POS), {} at \
             the hub\nscan to durable: {}\nsale to hub: {} (WAN cut {} times, {} ms; backlog up to \
             {})\n{} weighed at the till; {} RFID reads, {} pieces carried from room to room, \
             {}\nweb shop: {} orders accepted, {} refused; {} handed over, {} could not be \
             delivered\nreturns {}, unknown codes {}, declined cards {}, cash {}, baskets set aside {}, \
             bad rows {}, troubles {}\n{} documents at the hub; lost {}, duplicated {}: {}",
            it["scans"],
            it["sales_committed"],
            it["till_sales"],
            it["reported_sales"],
            it["hub_acked"],
            time("scan_to_durable_ms"),
            time("sale_to_hub_ms"),
            it["wan_cuts"],
            it["wan_cut_ms"],
            it["backlog_peak"],
            it["weighed"],
            it["rfid"]["reads"],
            it["rfid"]["carried"],
            if self.tags_known {
                "each known where it lies"
            } else {
                "NOT KNOWN where they lie"
            },
            it["web"]["accepted"],
            it["web"]["refused"],
            it["web"]["handed_over"],
            it["web"]["not_delivered"],
            it["returns"],
            it["unknown_codes"],
            it["declined"],
            it["cash"],
            it["parked"],
            it["bad_rows"],
            it["troubles"],
            it["documents"],
            it["lost"],
            it["duplicated"],
            if self.is_well() {
                "everything is there exactly once"
            } else {
                "NOT WELL"
            },
        )
    }
}

/// Median and 99th percentile in milliseconds, by the nearest rank.
fn percentiles(mut micros: Vec<u64>) -> Value {
    micros.sort_unstable();
    let at = |per_cent: usize| {
        let rank = (micros.len() * per_cent).div_ceil(100).max(1);
        micros.get(rank - 1).copied().unwrap_or(0)
    };
    #[allow(
        clippy::cast_precision_loss,
        reason = "a duration for people, far below 2^52"
    )]
    let millis = |it: u64| it as f64 / 1000.0;
    json!({ "p50": millis(at(50)), "p99": millis(at(99)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_by_nearest_rank() {
        let all = percentiles((1..=200).map(|it| it * 1000).collect());
        assert_eq!(all, json!({ "p50": 100.0, "p99": 198.0 }));
        assert_eq!(percentiles(vec![1500]), json!({ "p50": 1.5, "p99": 1.5 }));
        assert_eq!(percentiles(vec![]), json!({ "p50": 0.0, "p99": 0.0 }));
    }
}
