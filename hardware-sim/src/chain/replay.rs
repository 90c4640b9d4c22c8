//! One seed, step by step: what happened, and what it changed.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use shelf_replica::memory::MemoryStore;
use shelf_replica::orders;
use shelf_replica::rights::{HubCells, StoreCells};
use shelf_replica::store::Peer;

use super::disk::Disk;
use super::mutant::Mutant;
use super::violation::Violation;
use super::world::{Event, World};

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct Frame {
    /// Which.
    pub step: u64,
    /// Virtual time after it.
    pub now_ms: u64,
    /// What happened.
    pub event: String,
    /// What it changed: name, before, after.
    pub changes: Vec<(String, String, String)>,
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:6} {:9} ms  {}", self.step, self.now_ms, self.event)?;
        for (name, before, after) in &self.changes {
            write!(f, "\n           {name}: {before} -> {after}")?;
        }
        Ok(())
    }
}

/// Steps through a seed; the violation that it ends in, if any.
pub fn replay(
    seed: u64,
    mutant: Option<Mutant>,
    until: Option<u64>,
    tell: &mut dyn FnMut(&Frame),
) -> Option<Violation> {
    let mut world = match World::<MemoryStore>::new(seed, mutant) {
        Ok(world) => world,
        Err(violation) => return Some(violation),
    };
    let mut seen = BTreeMap::new();
    let worlds = format!("{:?}", world.swarm);
    tell(&Frame {
        step: 0,
        now_ms: world.now_ms,
        event: worlds,
        changes: Vec::new(),
    });
    if let Err(violation) = world.begin() {
        return Some(violation);
    }
    while world.acts_left > 0 && until.is_none_or(|it| world.step < it) {
        let event = world
            .next_event()
            .map(|(_, it)| name(it))
            .unwrap_or_default();
        let done = world.step(u64::MAX);
        let now = state(&world);
        let changes = differences(&seen, &now);
        seen = now;
        tell(&Frame {
            step: world.step,
            now_ms: world.now_ms,
            event,
            changes,
        });
        if let Err(violation) = done {
            return Some(violation);
        }
    }
    if world.acts_left > 0 {
        return None;
    }
    world.heard = Some(Vec::new());
    let ended = world.rest().err();
    for (step, now_ms, event) in world.heard.take().unwrap_or_default() {
        tell(&Frame {
            step,
            now_ms,
            event: name(&event),
            changes: Vec::new(),
        });
    }
    let now = state(&world);
    tell(&Frame {
        step: world.step,
        now_ms: world.now_ms,
        event: "everything heals and comes to rest".to_owned(),
        changes: differences(&seen, &now),
    });
    ended
}

fn name(event: &Event) -> String {
    let Event::Packet {
        shop,
        pc,
        way,
        frame,
    } = event
    else {
        return format!("{event:?}");
    };
    let message = shelf_wire::frame::unpack(frame);
    let message = message.map_or_else(|it| it.to_string(), |it| format!("{it:?}"));
    let short: String = message.chars().take(160).collect();
    format!("shop {shop} PC {pc} {way:?} {short}")
}

fn differences(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<(String, String, String)> {
    let names = before
        .keys()
        .chain(after.keys())
        .collect::<std::collections::BTreeSet<_>>();
    let of = |map: &BTreeMap<String, String>, name: &str| {
        map.get(name).cloned().unwrap_or_else(|| "-".to_owned())
    };
    names
        .into_iter()
        .map(|name| (name.clone(), of(before, name), of(after, name)))
        .filter(|(_, before, after)| before != after)
        .collect()
}

fn state(world: &World<MemoryStore>) -> BTreeMap<String, String> {
    let mut state = BTreeMap::new();
    for (number, place) in world.shops.iter().enumerate() {
        let mut put = |name: String, value: String| {
            state.insert(format!("shop {number} {name}"), value);
        };
        put("line".into(), format!("{:?}", place.wan));
        for (item, units) in world.items.iter().zip(place.physical.shelf) {
            put(format!("shelf {item}"), units.to_string());
        }
        put("staged".into(), format!("{:?}", place.physical.staged));
        put("given".into(), format!("{:?}", place.physical.given));
        describe(&place.hub_disk, world, "hub", &mut put);
        describe_hub(&place.hub_disk, world, &mut put);
        for (pc, it) in place.pcs.iter().enumerate() {
            put(
                format!("PC {pc}"),
                format!("on {} link {} {:?}", it.on, it.link_up, it.cut),
            );
            describe(&it.disk, world, &format!("PC {pc}"), &mut put);
        }
    }
    state
}

fn describe(
    disk: &MemoryStore,
    world: &World<MemoryStore>,
    who: &str,
    put: &mut impl FnMut(String, String),
) {
    let looked = disk.read(|store| {
        for stored in orders::listed(store, None, usize::MAX)? {
            let it = &stored.order;
            let (state, revision, stamp) = (it.state.word(), it.revision, it.stamp);
            let wanted = if it.cancel_wanted {
                " cancel wanted"
            } else {
                ""
            };
            let counted = stored.counted.len();
            let text =
                format!("{state} revision {revision} stamp {stamp} counted {counted}{wanted}");
            put(format!("{who} order {}", it.id), text);
        }
        for item in &world.items {
            put(format!("{who} book {item}"), store.book(item)?.to_string());
            if who != "hub" {
                let it = StoreCells::load(store, item)?;
                let (granted, returned, out) = (it.granted, it.returned_seen, it.handed_over);
                let shut = if it.shut_since.is_some() { " shut" } else { "" };
                let cells = format!("G {granted} T {returned} O {out}{shut}");
                put(format!("{who} rights {item}"), cells);
            }
        }
        for log in store.logs()? {
            let (id, short) = (log.log, log.log.node.short());
            let incarnation = id.incarnation.0 % 0x1_0000;
            let log_name = format!("{who} log {short}/{incarnation:04x}");
            put(
                log_name.clone(),
                format!("{} of {}", log.upto.0, log.last.0),
            );
            let acked = store.cursor(Peer::Hub, id)?;
            put(format!("{log_name} acked"), acked.0.to_string());
        }
        Ok(())
    });
    debug_assert!(looked.is_ok());
}

fn describe_hub(
    disk: &MemoryStore,
    world: &World<MemoryStore>,
    put: &mut impl FnMut(String, String),
) {
    let looked = disk.read(|store| {
        for item in &world.items {
            let it = HubCells::load(store, item)?;
            let quotas = store.quotas(item)?;
            let quotas = quotas.iter().map(|(channel, it)| {
                format!("{channel} {}/{} held {}", it.used, it.limit, it.held)
            });
            let quotas: Vec<String> = quotas.collect();
            let (granted, returned, out) = (it.granted, it.returned, it.handed_over);
            let cells = format!("G {granted} T {returned} O {out} level {}", it.level);
            put(
                format!("hub rights {item}"),
                format!("{cells}; {}", quotas.join(", ")),
            );
        }
        Ok(())
    });
    debug_assert!(looked.is_ok());
}
