//! RFID at work: what readers see becomes what is where, what is sold, and what went out.
//!
//! The front's thread gives every event of a reader to the [`Room`]; a read is folded here and kept nowhere.
//! What is concluded (a tag arrived, moved, left) is an observation and never a movement: a miss is no loss,
//! and a tag in another zone is no transfer. Stock moves only through the till, whose pad makes a tag a line
//! once, and through counts that a person posts. All times are the process's own clock, so that a wall clock
//! that is set back moves no tag.

mod batch;
mod count;
mod floor;
mod gate;
mod kept;
mod pad;
mod plan;
mod report;
mod sold;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shelf_codecs::epc::EpcBytes;
use shelf_devices::event::{DeviceEvent, Payload};
use shelf_devices::llrp_reader::READING;
use shelf_devices::status::DeviceState;
use shelf_devices::tag_read::TagRead;
use shelf_ledger::tables::TableError;
use shelf_ledger::{ExecuteError, InboxNote, Tx, Writer};
use shelf_sessions::presence::{GateEvent, Passage, Read};
use shelf_stock::name::SessionId;
use shelf_stock::time::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::lookup::Lookup;
use super::shop::{Bell, Shop};
use super::start::Counters;
use crate::config::{Config, ZoneKind};
use crate::platform::{self, MonoClock};
use count::Counts;
use floor::Floor;
use gate::Gates;
use kept::Kept;
use pad::{Pads, Wish};
use plan::Plan;

pub(crate) use batch::{BatchRefusal, BatchTaken, epc};
pub(crate) use count::{CountArticle, CountPosted, CountRefusal, CountStatus};
pub(crate) use report::{ReaderStatus, ZoneStatus, ZoneSummary, ZonesStatus};
pub(crate) use sold::{SoldChanges, SoldTags, sale_name, write_sale, write_void};

/// What the room needs of the rest.
pub(crate) struct Around {
    /// The process's clock.
    pub(crate) clock: MonoClock,
    /// The tills of this PC.
    pub(crate) counters: Counters,
    /// Codes and stock.
    pub(crate) lookup: Lookup,
    /// For exceptions.
    pub(crate) writer: Writer,
    /// For pages.
    pub(crate) bell: Bell,
    /// What was sold, tag by tag.
    pub(crate) sold: Arc<SoldTags>,
}

/// Where everything about RFID is asked and told.
pub(crate) struct Room {
    plan: Plan,
    around: Around,
    inside: Mutex<Inside>,
    /// Held while the zones are written, so that no older row overtakes a newer; when they are written next, in
    /// milliseconds of the process's clock.
    keeper: Mutex<u64>,
}

struct Inside {
    floor: Floor,
    pads: Pads,
    gates: Gates,
    counts: Counts,
}

impl Room {
    /// The room of a configuration. Every zone is blind until one of its readers reads.
    pub(crate) fn new(config: &Config, around: Around) -> Self {
        let plan = Plan::new(config);
        batch::forget_old(&around.writer);
        let kept = match plan.zones().is_empty() {
            true => Kept::default(),
            false => Kept::load(&around.writer, &plan),
        };
        let inside = Inside {
            gates: Gates::new(&plan, &around.sold, &kept.allowed, around.clock),
            floor: Floor::new(&plan, kept, around.clock),
            pads: Pads::new(&plan, &around),
            counts: Counts::load(&around.writer, &plan),
        };
        Self {
            plan,
            around,
            inside: Mutex::new(inside),
            keeper: Mutex::new(0),
        }
    }

    /// What was sold, thing by thing.
    pub(crate) fn sold(&self) -> &SoldTags {
        &self.around.sold
    }

    /// Whether there is anything to watch.
    pub(crate) fn has_zones(&self) -> bool {
        !self.plan.zones().is_empty()
    }

    /// Takes an event of a reader. Waits for the disk where a tag becomes a line.
    pub(crate) fn take(&self, event: &DeviceEvent) {
        let now_ms = event.at.mono_us / 1_000;
        match &event.payload {
            Payload::Tags(reads) => {
                let age = |read: &TagRead| event.at.wall_ms.saturating_sub(read.at_ms).max(0);
                let reads = reads.iter().map(|read| {
                    let age_ms = u64::try_from(age(read)).unwrap_or(0);
                    (*read, now_ms.saturating_sub(age_ms))
                });
                self.read(&event.device, reads, event.at.wall_ms);
            }
            Payload::Notice(words) => {
                let mut inside = self.locked();
                let sees = words == READING;
                inside.floor.notice(&event.device, words);
                if sees {
                    inside.floor.sees(&self.plan, &event.device, true, now_ms);
                }
            }
            Payload::State(state) => {
                if *state != DeviceState::Ready {
                    let floor = &mut self.locked().floor;
                    floor.sees(&self.plan, &event.device, false, now_ms);
                    floor.notice(&event.device, &state.to_string());
                }
                self.around.bell.ring_pages();
            }
            _ => {}
        }
    }

    /// Folds reads of a reader: `(read, when on the process's clock in milliseconds)`.
    fn read(&self, device: &str, reads: impl Iterator<Item = (TagRead, u64)>, wall_ms: i64) {
        let mut wishes = Vec::new();
        let mut passages = Vec::new();
        let mut counted = Vec::new();
        let news = {
            let mut inside = self.locked();
            let Inside {
                floor,
                pads,
                gates,
                counts,
            } = &mut *inside;
            pads.follow(&self.around);
            gates.follow(&self.around.sold, self.around.clock);
            let before = floor.news();
            self.around.sold.with(|sold| {
                for (read, at_ms) in reads {
                    let Some((reader, zone)) = self.plan.zone_of(device, read.antenna) else {
                        floor.unplaced(device);
                        continue;
                    };
                    floor.counted(device, zone.id, read.count, wall_ms);
                    let read = Read {
                        epc: read.epc,
                        reader,
                        antenna: read.antenna,
                        rssi_centi_dbm: read.rssi_centi_dbm,
                        count: read.count,
                        at_ms,
                    };
                    if zone.kind == ZoneKind::TillPad {
                        pads.read(zone.id, &read, sold, &mut wishes);
                    } else {
                        floor.read(&read, self.around.clock);
                        match counts.news(zone.id, &read.epc) {
                            Some(session) => counted.push((session.clone(), read.epc)),
                            None => counts.seen(zone.id, &read.epc),
                        }
                        gates.read(&read, zone.id, sold, &mut passages);
                    }
                }
            });
            let clock = self.around.clock;
            let gone = passages.iter();
            gone.for_each(|it| floor.passed(&self.plan, it, clock));
            floor.news() != before
        };
        for wish in wishes {
            self.fulfil(&wish);
        }
        self.tell(&passages);
        if let Err(error) = self.count(counted) {
            // They are read again and tried again.
            tracing::error!(%error, "what was counted is not durable");
        }
        if news {
            self.around.bell.ring_pages();
        }
    }

    /// A thing on a pad becomes a line, or the cashier is told why not.
    fn fulfil(&self, wish: &Wish) {
        let is_line = pad::fulfil(wish, &self.around);
        if !is_line {
            // It may become one when it is laid on anew.
            self.locked().pads.forget(wish);
        }
    }

    /// Things that open counts have not read before: durable, then counted.
    fn count(
        &self,
        mut things: Vec<(SessionId, EpcBytes)>,
    ) -> Result<(), ExecuteError<TableError>> {
        if things.is_empty() {
            return Ok(());
        }
        things.sort();
        things.dedup();
        count::write(&self.around.writer, things.clone())?;
        self.locked().counts.taken(&things);
        Ok(())
    }

    /// What went out unsold is an exception that a person decides about; nothing is booked for it.
    fn tell(&self, passages: &[GateEvent]) {
        for passage in passages {
            if passage.passage != Passage::Alarm {
                continue;
            }
            let at = self.around.wall_of(passage.at_ms);
            let what = passage.gtin.map_or_else(
                || "a thing without an article".to_owned(),
                |it| format!("article {}", it.short()),
            );
            let key = format!("{} {}", passage.epc, at.as_millis());
            let reason = format!("{what} went out unsold: look, ask, then count its shelf");
            let raw = passage.epc.to_string();
            let note = move |tx: &mut Tx<'_>| {
                tx.inbox_put(InboxNote {
                    kind: "exit_alarm",
                    key: &key,
                    reason: &reason,
                    raw: raw.as_bytes(),
                })
            };
            match self.around.writer.execute_blocking("exit", note).wait() {
                Ok(_) => self.around.bell.ring_pages(),
                Err(error) => tracing::error!(%error, "an exit's alarm could not be kept"),
            }
        }
    }

    /// Time goes on: what was not read for long has left.
    fn tick(&self) {
        let now_ms = self.around.clock.millis();
        let news = {
            let mut inside = self.locked();
            let before = inside.floor.news();
            inside.floor.advance(now_ms, self.around.clock);
            inside.pads.follow(&self.around);
            inside.pads.advance(now_ms);
            inside.gates.follow(&self.around.sold, self.around.clock);
            inside.floor.news() != before
        };
        if news {
            self.around.bell.ring_pages();
        }
        let is_due = now_ms >= *self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if is_due && let Err(error) = self.keep() {
            tracing::error!(%error, "where things are could not be kept: it is tried again");
        }
    }

    /// Makes durable where things are. Waits for the disk.
    fn keep(&self) -> Result<(), ExecuteError<TableError>> {
        let mut next_ms = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        *next_ms = self.around.clock.millis().saturating_add(kept::KEEP_MS_MIN);
        loop {
            let (draft, allowed) = {
                let mut inside = self.locked();
                let clock = self.around.clock;
                (
                    inside.floor.take_unkept(clock),
                    inside.gates.take_unkept(clock),
                )
            };
            if draft.is_empty() && allowed.is_empty() {
                return Ok(());
            }
            let is_full = draft.is_full();
            let written = draft.write(&self.around.writer, &allowed);
            let mut inside = self.locked();
            inside.floor.kept(draft, written.is_ok());
            if written.is_err() && !allowed.is_empty() {
                inside.gates.not_kept();
            }
            written?;
            if !is_full {
                return Ok(());
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Around {
    /// The wall time of a moment of the process's clock.
    fn wall_of(&self, at_ms: u64) -> Timestamp {
        wall_of(self.clock, at_ms)
    }
}

/// The moment of a wall time on the process's clock; `None`: it was before the process.
fn mono_of(clock: MonoClock, at: Timestamp) -> Option<u64> {
    let ago = platform::wall_now()
        .as_millis()
        .saturating_sub(at.as_millis());
    let now = i64::try_from(clock.millis()).unwrap_or(i64::MAX);
    u64::try_from(now.saturating_sub(ago)).ok()
}

fn wall_of(clock: MonoClock, at_ms: u64) -> Timestamp {
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    let ago = signed(clock.millis()).saturating_sub(signed(at_ms));
    Timestamp::from_millis(platform::wall_now().as_millis().saturating_sub(ago))
}

/// Lets the time of the zones go on, until the daemon stops. Without zones nothing wakes up.
pub(crate) fn start(shop: &Arc<Shop>, mut stop: watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    if !shop.rfid.has_zones() {
        return;
    }
    let shop = shop.clone();
    tasks.spawn(async move {
        let mut tick = interval(Duration::from_millis(shop.config.rfid.epoch_ms.max(100)));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                _ = stop.wait_for(|it| *it) => break,
            }
            let shop = shop.clone();
            let advanced = tokio::task::spawn_blocking(move || shop.rfid.tick()).await;
            if advanced.is_err() {
                tracing::error!("the RFID zones panicked and stopped: see the log");
                return;
            }
        }
        // The last second: a kill loses it, a stop does not.
        let kept = tokio::task::spawn_blocking(move || shop.rfid.keep()).await;
        if !matches!(kept, Ok(Ok(()))) {
            tracing::error!("where things are could not be kept at the stop");
        }
    });
}
