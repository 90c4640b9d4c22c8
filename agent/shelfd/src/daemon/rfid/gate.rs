//! The exits: what goes out and was not sold. They tell; people act.
//!
//! What may pass because it was sold by barcode is kept over a restart, so that nobody is stopped who paid.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use shelf_codecs::barcode::Gtin;
use shelf_sessions::presence::{ExitGate, GateConfig, GateEvent, Read, SoldThings, ZoneId};

use super::plan::{Plan, ZonePlan};
use super::sold::SoldTags;
use super::{mono_of, wall_of};
use crate::config::ZoneKind;
use crate::platform::MonoClock;
use shelf_stock::time::Timestamp;

/// The last read before the exit may be so old, in milliseconds.
const INSIDE_MS_MAX: u64 = 120_000;
/// The later half of the reads at the exit must be stronger by this, in hundredths of a dB.
const RISE_CENTI_DB_MIN: i16 = 100;
/// A tag passes once in this time, in milliseconds.
const AGAIN_MS_MIN: u64 = 60_000;

/// All exits of this PC.
pub(super) struct Gates {
    gates: Vec<(String, ExitGate)>,
    /// How long a sale by barcode lets a piece of its article pass, in milliseconds.
    allowance_ms: i64,
    news: u64,
    /// Whether pieces may pass that are not kept yet, or did.
    changed: bool,
}

impl Gates {
    /// Exits that go on with the pieces that were let pass before a restart, by zone.
    pub(super) fn new(
        plan: &Plan,
        sold: &SoldTags,
        kept: &BTreeMap<String, String>,
        clock: MonoClock,
    ) -> Self {
        let (_, news) = sold.since(u64::MAX);
        let gates = plan.zones().iter().filter_map(|it| gate(it, plan));
        let mut gates: Vec<(String, ExitGate)> = gates.collect();
        for (name, gate) in &mut gates {
            let text = kept.get(name).map_or("", String::as_str);
            for (gtin, until) in text.lines().filter_map(allowance) {
                if let Some(until_ms) = mono_of(clock, until) {
                    gate.sold_by_barcode(gtin, 1, until_ms);
                }
            }
        }
        Self {
            gates,
            allowance_ms: i64::from(plan.settings().exit_allowance_minutes) * 60_000,
            news,
            changed: false,
        }
    }

    /// Follows sales by barcode. Allowances end with time.
    pub(super) fn follow(&mut self, sold: &SoldTags, clock: MonoClock) {
        if self.gates.is_empty() {
            return;
        }
        let (news, next) = sold.since(self.news);
        self.news = next;
        self.changed |= !news.is_empty();
        for (_, gate) in &mut self.gates {
            gate.advance(clock.millis());
            for it in &news {
                let until = it.at.as_millis().saturating_add(self.allowance_ms);
                match (it.comes_back, mono_of(clock, Timestamp::from_millis(until))) {
                    (true, _) => gate.returned_by_barcode(it.gtin, it.pieces),
                    (false, Some(until_ms)) => gate.sold_by_barcode(it.gtin, it.pieces, until_ms),
                    // It was reported too late to let anything pass.
                    (false, None) => {}
                }
            }
        }
    }

    /// Takes a read of a zone.
    pub(super) fn read(
        &mut self,
        read: &Read,
        zone: ZoneId,
        sold: &SoldThings,
        out: &mut Vec<GateEvent>,
    ) {
        let before = out.len();
        for (_, gate) in &mut self.gates {
            gate.read(read, zone, sold, out);
        }
        self.changed |= out.len() > before;
    }

    /// What may pass each exit, as it is kept, if that changed since it was asked for.
    pub(super) fn take_unkept(&mut self, clock: MonoClock) -> Vec<(String, String)> {
        if !std::mem::take(&mut self.changed) {
            return Vec::new();
        }
        let text = |gate: &ExitGate| {
            let mut text = String::new();
            for (gtin, own) in gate.allowances() {
                for until_ms in own {
                    let until = wall_of(clock, *until_ms).as_millis();
                    let _written = writeln!(text, "{gtin} {until}");
                }
            }
            text
        };
        let gates = self.gates.iter();
        gates
            .map(|(name, gate)| (name.clone(), text(gate)))
            .collect()
    }

    /// What was to be kept was not.
    pub(super) fn not_kept(&mut self) {
        self.changed = true;
    }
}

fn allowance(line: &str) -> Option<(Gtin, Timestamp)> {
    let (gtin, until) = line.split_once(' ')?;
    let until = Timestamp::from_millis(until.parse().ok()?);
    Some((Gtin::parse(gtin).ok()?, until))
}

fn gate(zone: &ZonePlan, plan: &Plan) -> Option<(String, ExitGate)> {
    let is_exit = zone.kind == ZoneKind::Exit;
    let inside = zone.settings.inside.as_deref().filter(|_| is_exit)?;
    let gate = ExitGate::new(GateConfig {
        inside: plan.named(inside)?.id,
        exit: zone.id,
        reads_min: zone.settings.reads_min.max(1),
        inside_ms_max: INSIDE_MS_MAX,
        rise_centi_db_min: RISE_CENTI_DB_MIN,
        again_ms_min: AGAIN_MS_MIN,
    });
    Some((zone.settings.name.clone(), gate))
}
