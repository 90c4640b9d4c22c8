//! The exits: what goes out and was not sold. They tell; people act.

use shelf_sessions::presence::{ExitGate, GateConfig, GateEvent, Read, ZoneId};

use super::plan::{Plan, ZonePlan};
use super::sold::{News, SoldTags};
use crate::config::ZoneKind;

/// The last read before the exit may be so old, in milliseconds.
const INSIDE_MS_MAX: u64 = 120_000;
/// The later half of the reads at the exit must be stronger by this, in hundredths of a dB.
const RISE_CENTI_DB_MIN: i16 = 100;
/// A tag passes once in this time, in milliseconds.
const AGAIN_MS_MIN: u64 = 60_000;

/// All exits of this PC.
pub(super) struct Gates {
    gates: Vec<ExitGate>,
    news: u64,
}

impl Gates {
    /// Exits that know what was sold.
    pub(super) fn new(plan: &Plan, sold: &SoldTags) -> Self {
        let (_, news) = sold.since(u64::MAX);
        let all = sold.all();
        let gates = plan.zones().iter().filter_map(|it| gate(it, plan));
        let mut gates: Vec<ExitGate> = gates.collect();
        for gate in &mut gates {
            all.iter().for_each(|it| gate.sold(*it));
        }
        Self { gates, news }
    }

    /// Follows sales.
    pub(super) fn follow(&mut self, sold: &SoldTags, now_ms: u64) {
        if self.gates.is_empty() {
            return;
        }
        let (news, next) = sold.since(self.news);
        self.news = next;
        for gate in &mut self.gates {
            for it in &news {
                match it {
                    News::Sold(epc) => gate.sold(*epc),
                    News::Returned(epc) => gate.returned(epc),
                    News::Pieces(gtin, pieces) => gate.sold_by_barcode(*gtin, *pieces, now_ms),
                }
            }
        }
    }

    /// Takes a read of a zone.
    pub(super) fn read(&mut self, read: &Read, zone: ZoneId, out: &mut Vec<GateEvent>) {
        for gate in &mut self.gates {
            gate.read(read, zone, out);
        }
    }
}

fn gate(zone: &ZonePlan, plan: &Plan) -> Option<ExitGate> {
    let is_exit = zone.kind == ZoneKind::Exit;
    let inside = zone.settings.inside.as_deref().filter(|_| is_exit)?;
    Some(ExitGate::new(GateConfig {
        inside: plan.named(inside)?.id,
        exit: zone.id,
        reads_min: zone.settings.reads_min.max(1),
        inside_ms_max: INSIDE_MS_MAX,
        rise_centi_db_min: RISE_CENTI_DB_MIN,
        again_ms_min: AGAIN_MS_MIN,
        allowance_ms: u64::from(plan.settings().exit_allowance_minutes) * 60_000,
    }))
}
