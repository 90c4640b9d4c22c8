//! The pads of the tills: what lies on one becomes a line, once.
//!
//! The basket is the truth: a pad follows what stands in the till's baskets, so that a line that the cashier
//! takes out may come again when its thing is laid on anew, and a process that was killed goes on with the
//! basket as it is on the disk.

use std::collections::BTreeSet;

use shelf_codecs::barcode::ScanText;
use shelf_codecs::epc::EpcBytes;
use shelf_sessions::presence::{PadConfig, PadEvent, Read, SoldThings, TillPad, ZoneId};
use shelf_stock::name::{Epc, TillId};
use shelf_till::basket::{Mode, Refusal, TillInput, TillView};

use super::Around;
use super::plan::{Plan, ZonePlan};
use crate::config::ZoneKind;
use crate::daemon::counter::Counter;

/// Without a read for so long a thing is off the pad, in milliseconds.
const GONE_MS: u64 = 3_000;

/// Something for a till.
pub(super) struct Wish {
    pad: usize,
    till: TillId,
    event: PadEvent,
    at_ms: u64,
}

struct Pad {
    zone: ZoneId,
    till: TillId,
    machine: TillPad,
    /// The things in the till's baskets, as last seen.
    lines: BTreeSet<EpcBytes>,
    revision: Option<u64>,
}

/// All pads of this PC.
pub(super) struct Pads {
    pads: Vec<Pad>,
}

impl Pads {
    /// Pads that go on with the baskets.
    pub(super) fn new(plan: &Plan, around: &Around) -> Self {
        let pads = plan.zones().iter().filter_map(pad);
        let mut pads = Self {
            pads: pads.collect(),
        };
        pads.follow(around);
        pads
    }

    /// Follows baskets.
    pub(super) fn follow(&mut self, around: &Around) {
        for pad in &mut self.pads {
            if let Some(counter) = around.counters.get(&pad.till) {
                pad.follow(counter);
            }
        }
    }

    /// Takes a read, with what is sold by now.
    pub(super) fn read(
        &mut self,
        zone: ZoneId,
        read: &Read,
        sold: &SoldThings,
        out: &mut Vec<Wish>,
    ) {
        let found = self.pads.iter_mut().enumerate();
        let mut found = found.filter(|(_, it)| it.zone == zone);
        let Some((at, pad)) = found.next() else {
            return;
        };
        let mut events = Vec::new();
        pad.machine.read(read, sold, &mut events);
        out.extend(events.into_iter().map(|event| Wish {
            pad: at,
            till: pad.till.clone(),
            event,
            at_ms: read.at_ms,
        }));
    }

    /// Time goes on. What is taken off takes no line with it.
    pub(super) fn advance(&mut self, now_ms: u64) {
        let mut taken_off = Vec::new();
        for pad in &mut self.pads {
            pad.machine.advance(now_ms, &mut taken_off);
        }
    }

    /// A thing did not become a line.
    pub(super) fn forget(&mut self, wish: &Wish) {
        if let (Some(pad), PadEvent::Line { epc, .. }) = (self.pads.get_mut(wish.pad), wish.event) {
            pad.machine.removed(&epc);
        }
    }
}

fn pad(zone: &ZonePlan) -> Option<Pad> {
    let is_pad = zone.kind == ZoneKind::TillPad;
    let till = zone.settings.till.clone().filter(|_| is_pad)?;
    let machine = TillPad::new(PadConfig {
        reads_min: zone.settings.reads_min.max(1),
        rssi_centi_dbm_min: zone.rssi_centi_dbm_min(),
        gone_ms: GONE_MS,
    });
    Some(Pad {
        zone: zone.id,
        till,
        machine,
        lines: BTreeSet::new(),
        revision: None,
    })
}

impl Pad {
    fn follow(&mut self, counter: &Counter) {
        let shown = counter.view();
        if self.revision.replace(shown.revision) == Some(shown.revision) {
            return;
        }
        let lines = things(&shown.view);
        for gone in self.lines.difference(&lines) {
            self.machine.removed(gone);
        }
        let come = lines.difference(&self.lines).copied();
        self.machine.restore(come);
        self.lines = lines;
    }
}

/// The things in all baskets of a till.
fn things(view: &TillView) -> BTreeSet<EpcBytes> {
    let open = view.basket.iter().chain(&view.parked);
    let baskets = open.chain(&view.unsettled).chain(&view.closing);
    let lines = baskets.flat_map(|it| &it.lines).filter(|it| !it.voided);
    lines
        .filter_map(|it| EpcBytes::from_hex(it.epc.as_ref()?.as_str()))
        .collect()
}

/// Carries out what a pad wants; whether the thing stands in a basket now. Waits for the disk.
pub(super) fn fulfil(wish: &Wish, around: &Around) -> bool {
    let Some(counter) = around.counters.get(&wish.till) else {
        return false;
    };
    let read_at = around.wall_of(wish.at_ms);
    let (epc, input) = match wish.event {
        PadEvent::Line { epc, gtin } => (epc, tagged(epc, &gtin.to_string(), around, read_at)),
        PadEvent::AlreadySold { epc } => {
            // What comes back is laid on the pad, too.
            let is_return = counter.view().view.mode == Mode::Return;
            let gtin = shelf_codecs::epc::Tag::decode(epc.as_slice());
            let gtin = gtin.ok().and_then(|it| it.identity.gtin());
            match gtin.filter(|_| is_return) {
                Some(gtin) => (epc, tagged(epc, &gtin.to_string(), around, read_at)),
                None => (epc, Some(TillInput::TagRefused(Refusal::ThingSold))),
            }
        }
        PadEvent::NoArticle { epc, .. } => {
            let why = TillInput::TagRefused(Refusal::TagWithoutArticle);
            (epc, Some(why))
        }
        PadEvent::TakenOff { .. } => return true,
    };
    let Some(input) = input else { return false };
    match counter.input(input) {
        Ok(shown) => things(&shown.view).contains(&epc),
        Err(error) => {
            tracing::error!(%error, "a thing on the pad could not be taken");
            false
        }
    }
}

fn tagged(
    epc: EpcBytes,
    gtin: &str,
    around: &Around,
    read_at: shelf_stock::time::Timestamp,
) -> Option<TillInput> {
    Some(TillInput::Tagged {
        read: around.lookup.read(&ScanText::plain(gtin.as_bytes())),
        epc: Epc::new(epc.to_string()).ok()?,
        read_at,
    })
}
