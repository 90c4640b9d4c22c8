//! What must hold of presence, counts, gate and pad whatever is read in whatever order; and a client that
//! comes to run against a reader whatever befalls the line.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::{EpcBytes, Identity, Scheme, Tag, filter};
use shelf_sessions::presence::{
    Change, CountConfig, CountSession, Event, PadConfig, PadEvent, Presence, PresenceConfig,
    PresentTag, Read, ReaderId, SoldFact, SoldThings, Thing, TillPad, Zone, ZoneId,
};

const ZONES: u16 = 3;

fn article(serial: u8) -> EpcBytes {
    let gtin = Gtin::parse("4006381333931").unwrap();
    let identity = Identity::sgtin(gtin, &serial.to_string()).unwrap();
    let tag = Tag::new(Scheme::SgtinPlus, filter::POINT_OF_SALE, identity);
    tag.encode().unwrap()
}

/// What happens next: a read, time, or a zone that goes blind or sees again.
#[derive(Clone, Debug)]
enum Step {
    Read {
        tag: u8,
        antenna: u16,
        dbm: i16,
        late_ms: u64,
    },
    Pass {
        ms: u64,
    },
    Blind {
        zone: u16,
        is_blind: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_u8..6, 1_u16..=4, -80_i16..-30, 0_u64..3_000)
            .prop_map(|(tag, antenna, dbm, late_ms)| Step::Read { tag, antenna, dbm, late_ms }),
        3 => (0_u64..20_000).prop_map(|ms| Step::Pass { ms }),
        1 => (1_u16..=ZONES, any::<bool>())
            .prop_map(|(zone, is_blind)| Step::Blind { zone, is_blind }),
    ]
}

fn engine() -> Presence {
    Presence::new(PresenceConfig {
        zones: (1..=ZONES).map(|zone| Zone::new(ZoneId(zone))).collect(),
        antennas: (1..=ZONES)
            .map(|zone| ((ReaderId(1), zone), ZoneId(zone)))
            .collect(),
        epoch_ms: 500,
        depart_ms_min: 2_000,
    })
}

fn run(engine: &mut Presence, steps: &[Step]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut now_ms = 1_000_000;
    for step in steps {
        match *step {
            Step::Read {
                tag,
                antenna,
                dbm,
                late_ms,
            } => {
                let read = Read {
                    epc: article(tag),
                    reader: ReaderId(1),
                    antenna,
                    rssi_centi_dbm: (dbm > -75).then_some(dbm * 100),
                    count: 1,
                    at_ms: now_ms - late_ms,
                };
                engine.read(&read, &mut events);
            }
            Step::Pass { ms } => {
                now_ms += ms;
                engine.advance(now_ms, &mut events);
            }
            Step::Blind { zone, is_blind } => engine.set_blind(ZoneId(zone), is_blind, now_ms),
        }
    }
    events
}

proptest! {
    /// Arrivals, moves and departures of a tag alternate as they must, and their fold is the present set.
    #[test]
    fn the_fold_of_the_events_is_what_is_present(steps in proptest::collection::vec(step(), 0..200)) {
        let mut engine = engine();
        let mut places: BTreeMap<EpcBytes, ZoneId> = BTreeMap::new();
        for event in run(&mut engine, &steps) {
            match event.change {
                Change::Arrived { zone } => prop_assert_eq!(places.insert(event.epc, zone), None),
                Change::Moved { from, to } => {
                    prop_assert!(from != to);
                    prop_assert_eq!(places.insert(event.epc, to), Some(from));
                }
                Change::Departed { zone } => {
                    prop_assert_eq!(places.remove(&event.epc), Some(zone));
                }
            }
        }
        let present: BTreeMap<EpcBytes, ZoneId> =
            engine.present().map(|tag| (tag.epc, tag.zone)).collect();
        prop_assert_eq!(present, places);
    }

    /// The same reads give the same events.
    #[test]
    fn the_same_reads_give_the_same_events(steps in proptest::collection::vec(step(), 0..100)) {
        prop_assert_eq!(run(&mut engine(), &steps), run(&mut engine(), &steps));
    }

    /// A count's result doesn't depend on order and repetition within a pass.
    #[test]
    fn the_order_of_a_count_changes_nothing(
        tags in proptest::collection::vec(0_u8..20, 0..60),
        expected in proptest::collection::btree_set(0_u8..20, 0..10),
    ) {
        let count = |tags: &mut dyn Iterator<Item = u8>| {
            let mut session = CountSession::new(CountConfig {
                zone: ZoneId(1),
                expected: expected.iter().map(|tag| article(*tag)).collect(),
                elsewhere: BTreeMap::new(),
                passes_min: 2,
            });
            tags.for_each(|tag| session.read(article(tag)));
            session.end_pass();
            session.result()
        };
        let once = count(&mut tags.iter().copied());
        let doubled: Vec<u8> = tags.iter().rev().chain(&tags).copied().collect();
        prop_assert_eq!(count(&mut doubled.into_iter()), once);
    }

    /// Whatever is laid on, taken off, sold and given up: a basket has an EPC once, and what was sold is
    /// never a line again.
    #[test]
    fn an_epc_is_never_sold_twice(steps in proptest::collection::vec((0_u8..5, 0_u8..4, 0_u64..3_000), 0..120)) {
        let mut pad = TillPad::new(PadConfig { reads_min: 1, rssi_centi_dbm_min: None, gone_ms: 1_000 });
        let (mut basket, mut sold) = (BTreeSet::new(), BTreeSet::new());
        let mut known = SoldThings::default();
        let mut now_ms = 0;
        for (tag, action, ms) in steps {
            now_ms += ms;
            let mut out = Vec::new();
            match action {
                0 => {
                    pad.basket_ended(true);
                    for epc in &basket {
                        let fact = SoldFact { at_ms: i64::try_from(now_ms).unwrap(), is_sold: true };
                        known.take(Thing::of(epc), fact);
                    }
                    sold.append(&mut basket);
                }
                1 => { pad.basket_ended(false); basket.clear(); }
                _ => {
                    let read = Read {
                        epc: article(tag),
                        reader: ReaderId(1),
                        antenna: 1,
                        rssi_centi_dbm: None,
                        count: 1,
                        at_ms: now_ms,
                    };
                    pad.read(&read, &known, &mut out);
                }
            }
            pad.advance(now_ms, &mut out);
            for event in out {
                if let PadEvent::Line { epc, .. } = event {
                    prop_assert!(basket.insert(epc) && !sold.contains(&epc));
                }
            }
        }
    }

    /// Whatever is read, however often the PC is killed, wherever its readers are: nothing arrives that is
    /// there, nothing leaves or moves from where it isn't, and nothing departs before it was unseen for long
    /// enough by a reader that watched, since the start.
    #[test]
    fn a_restart_neither_announces_again_nor_forgets_nor_invents(
        steps in proptest::collection::vec((0_u8..8, 0_u8..4, 0_u16..2, 0_u64..3_000), 0..150),
    ) {
        let zones = [ZoneId(0), ZoneId(1)];
        let config = || PresenceConfig {
            zones: zones.map(Zone::new).to_vec(),
            antennas: [0, 1].map(|it| ((ReaderId(1), it), ZoneId(it))).into(),
            epoch_ms: 500,
            depart_ms_min: 4_000,
        };
        let mut engine = Presence::new(config());
        // What the daemon keeps: where each thing is, as it was told.
        let mut kept: BTreeMap<EpcBytes, ZoneId> = BTreeMap::new();
        let mut unseen: BTreeMap<EpcBytes, u64> = BTreeMap::new();
        let mut now_ms = 0;
        for (action, tag, zone, ms) in steps {
            let mut out = Vec::new();
            match action {
                0 => {
                    // Killed; the clock of the next process starts anew.
                    now_ms = 0;
                    engine = Presence::new(config());
                    let tags = kept.iter().map(|(epc, zone)| PresentTag {
                        epc: *epc, zone: *zone, since_ms: 0, last_ms: 0,
                    });
                    zones.iter().for_each(|it| engine.set_blind(*it, true, 0));
                    engine.restore(tags, 0);
                    prop_assert_eq!(engine.present().count(), kept.len());
                    unseen = kept.keys().map(|it| (*it, 0)).collect();
                }
                1 => engine.set_blind(ZoneId(zone), true, now_ms),
                2 | 3 => engine.set_blind(ZoneId(zone), false, now_ms),
                _ => {
                    let epc = article(tag);
                    unseen.insert(epc, now_ms);
                    let read = Read {
                        epc, reader: ReaderId(1), antenna: zone, rssi_centi_dbm: Some(-6_000),
                        count: 1, at_ms: now_ms,
                    };
                    engine.read(&read, &mut out);
                }
            }
            now_ms += ms;
            engine.advance(now_ms, &mut out);
            for event in out {
                match event.change {
                    Change::Arrived { zone } => prop_assert_eq!(kept.insert(event.epc, zone), None),
                    Change::Moved { from, to } => {
                        prop_assert_eq!(kept.insert(event.epc, to), Some(from));
                    }
                    Change::Departed { zone } => {
                        prop_assert_eq!(kept.remove(&event.epc), Some(zone));
                        let since = now_ms - unseen.get(&event.epc).copied().unwrap_or(0);
                        prop_assert!(since >= 4_000, "gone after {} ms", since);
                    }
                }
            }
            let told: Vec<_> = kept.iter().map(|(epc, zone)| (*epc, *zone)).collect();
            let there: Vec<_> = engine.present().map(|it| (it.epc, it.zone)).collect();
            prop_assert_eq!(there, told);
        }
    }
}
