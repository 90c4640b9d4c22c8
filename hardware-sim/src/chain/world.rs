//! One chain in virtual time: shops, PCs, a hub and a bad network, in one thread and from one seed.
//!
//! Every machine runs in transactions as its documentation asks: commit, then effects. A crash
//! drops the machine and keeps the disk; a crash before the commit drops the transaction too. The
//! world changes machines only through their own methods; it knows nothing of what is inside.

use std::collections::BTreeMap;
use std::collections::btree_map::OccupiedEntry;
use std::rc::Rc;

use shelf_replica::Now;
use shelf_replica::hub::{Hub, HubEffect, HubEvent, HubInput};
use shelf_replica::node::{NodeEffect, NodeEvent, NodeInput};
use shelf_replica::store::Store;
use shelf_stock::name::ItemId;
use shelf_wire::topic::Up;

use super::coverage::{Coverage, Danger};
use super::disk::{Disk, Fate};
use super::mutant::Mutant;
use super::network::Way;
use super::pc;
use super::random::Random;
use super::shop::Shop;
use super::swarm::{Fault, Swarm};
use super::trace::Trace;
use super::violation::Violation;

/// Something that happens at its time.
#[derive(Clone, Debug)]
pub enum Event {
    /// People or fate do something.
    Act,
    /// A packet arrives.
    Packet {
        /// In which shop.
        shop: usize,
        /// From or to which PC.
        pc: usize,
        /// From whom or in which direction.
        way: Way,
        /// The payload.
        frame: Rc<[u8]>,
    },
    /// A PC's machine wanted to be woken now.
    WakePc {
        /// In which shop.
        shop: usize,
        /// Which PC.
        pc: usize,
    },
    /// The hub's machine of a shop wanted to be woken now.
    WakeHub {
        /// Which shop.
        shop: usize,
    },
    /// A PC's program starts.
    Start {
        /// In which shop.
        shop: usize,
        /// Which PC.
        pc: usize,
    },
    /// A PC looks again whether it may connect.
    Relink {
        /// In which shop.
        shop: usize,
        /// Which PC.
        pc: usize,
    },
    /// The hub's program starts.
    StartHub,
    /// Channels give a restored hub what they know.
    Reconcile {
        /// Of which shop.
        shop: usize,
    },
    /// Goods come from another shop.
    Arrive {
        /// To which shop.
        shop: usize,
        /// From which.
        from: usize,
        /// What.
        units: super::physical::Units,
    },
}

/// One chain.
pub struct World<D> {
    /// Virtual time, in milliseconds.
    pub now_ms: u64,
    /// How many events were handled.
    pub step: u64,
    /// Acts of people and fate that are still to come.
    pub acts_left: u64,
    /// Everything random comes from here.
    pub random: Random,
    /// What this world is like.
    pub swarm: Swarm,
    /// The shops.
    pub shops: Vec<Shop<D>>,
    /// Whether the hub's program runs.
    pub hub_up: bool,
    /// What has happened.
    pub coverage: Coverage,
    /// What has happened, as a number.
    pub trace: Trace,
    /// The planted error.
    pub mutant: Option<Mutant>,
    /// Names of the stocked items.
    pub items: Vec<ItemId>,
    /// How many orders there were.
    pub orders: u64,
    /// No more faults.
    pub calm: bool,
    /// Every event is kept as well, for people: step, time, event.
    pub heard: Option<Vec<(u64, u64, Event)>>,
    queue: BTreeMap<(u64, u64), Event>,
    queued: u64,
}

impl<D: Disk> World<D> {
    /// The world of a seed.
    pub fn new(seed: u64, mutant: Option<Mutant>) -> Result<Self, Violation> {
        let mut random = Random::new(seed ^ 0x5EED_5EED_5EED_5EED);
        let mut swarm = Swarm::of(&mut random);
        if let Some(mutant) = mutant {
            mutant.provoke(&mut swarm, &mut random);
        }
        let mut shops = Vec::new();
        for (number, pcs) in swarm.pcs.clone().into_iter().enumerate() {
            shops.push(Shop::new(number, pcs, &mut random)?);
        }
        let items = (0..swarm.items).map(|it| ItemId::new(format!("item-{it}")));
        let items = items
            .collect::<Result<_, _>>()
            .map_err(|it| Violation::of("simulator", it.to_string()))?;
        Ok(Self {
            now_ms: 1_000,
            step: 0,
            acts_left: swarm.steps,
            random,
            swarm,
            shops,
            hub_up: true,
            coverage: Coverage::default(),
            trace: Trace::default(),
            mutant,
            items,
            orders: 0,
            calm: false,
            heard: None,
            queue: BTreeMap::new(),
            queued: 0,
        })
    }

    /// Opens the shops.
    pub fn begin(&mut self) -> Result<(), Violation> {
        self.set_clocks();
        self.set_policies()?;
        for shop in 0..self.shops.len() {
            self.stock_up(shop)?;
            for pc in 0..self.shops[shop].pcs.len() {
                self.relink(shop, pc)?;
            }
        }
        self.after(1, Event::Act);
        Ok(())
    }

    fn set_clocks(&mut self) {
        for place in &mut self.shops {
            for pc in &mut place.pcs {
                let wrong = self.swarm.has(Fault::ClockSkew) && self.random.percent(60);
                pc.clock_ms = if wrong {
                    self.coverage.fault(Fault::ClockSkew);
                    self.random.signed(-900_000, 900_000)
                } else {
                    self.random.signed(-800, 800)
                };
                if self.swarm.has(Fault::OldFormat) && self.random.percent(50) {
                    self.coverage.fault(Fault::OldFormat);
                    pc.old_format = true;
                }
            }
        }
    }

    /// Lets an event happen after a while.
    pub fn after(&mut self, wait_ms: u64, event: Event) {
        self.queued += 1;
        self.queue
            .insert((self.now_ms + wait_ms, self.queued), event);
    }

    /// Handles the next event, if one is due before that time.
    pub fn step(&mut self, until_ms: u64) -> Result<bool, Violation> {
        let next = self.queue.first_entry().filter(|it| it.key().0 <= until_ms);
        let Some(((at, _), event)) = next.map(OccupiedEntry::remove_entry) else {
            self.now_ms = self.now_ms.max(until_ms);
            return Ok(false);
        };
        self.now_ms = self.now_ms.max(at);
        self.step += 1;
        self.trace.number(self.now_ms);
        if let Some(heard) = &mut self.heard {
            heard.push((self.step, self.now_ms, event.clone()));
        }
        self.happen(event).map_err(|it| Violation {
            step: self.step,
            ..it
        })?;
        Ok(true)
    }

    /// What comes next, for people.
    pub fn next_event(&self) -> Option<(u64, &Event)> {
        self.queue
            .first_key_value()
            .map(|((at, _), event)| (*at, event))
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Act => {
                if self.acts_left > 0 {
                    self.acts_left -= 1;
                    let gap_ms = self.random.below(self.swarm.gap_ms_max);
                    self.after(gap_ms, Event::Act);
                    self.act()?;
                }
                Ok(())
            }
            Event::Packet {
                shop,
                pc,
                way,
                frame,
            } => self.deliver(shop, pc, way, &frame),
            Event::WakePc { shop, pc } => {
                let now_ms = self.now_ms;
                let machine = &mut self.shops[shop].pcs[pc];
                if machine.on && machine.wake_at_ms.is_some_and(|at| at <= now_ms) {
                    machine.wake_at_ms = None;
                    machine.woken.again(now_ms)?;
                    self.tell(shop, pc, NodeInput::Tick)?;
                }
                Ok(())
            }
            Event::WakeHub { shop } => {
                let due = self.shops[shop].hub_wake_at_ms;
                if self.hub_up && due.is_some_and(|at| at <= self.now_ms) {
                    self.shops[shop].hub_wake_at_ms = None;
                    let now_ms = self.now_ms;
                    self.shops[shop].hub_woken.again(now_ms)?;
                    self.tell_hub(shop, HubInput::Tick)?;
                }
                Ok(())
            }
            Event::Start { shop, pc } => self.start(shop, pc),
            Event::Relink { shop, pc } => self.relink(shop, pc),
            Event::StartHub => self.start_hub(),
            Event::Reconcile { shop } if self.hub_up => {
                self.reconcile(shop)?;
                let recovery = self.shops[shop]
                    .hub_disk
                    .read(|store| Hub::recovery(store))?;
                if recovery.is_some() {
                    self.after(5_000, Event::Reconcile { shop });
                }
                Ok(())
            }
            Event::Reconcile { shop } => {
                self.after(2_000, Event::Reconcile { shop });
                Ok(())
            }
            Event::Arrive { shop, from, units } => self.arrive(shop, from, units),
        }
    }

    fn deliver(&mut self, shop: usize, pc: usize, way: Way, frame: &[u8]) -> Result<(), Violation> {
        self.trace.bytes(frame);
        let changed = match way {
            Way::Up => self.arriving_up(shop, pc, frame),
            Way::Down => self.arriving_down(frame),
            Way::Peer(_) => None,
        };
        let frame = changed.as_deref().unwrap_or(frame);
        match way {
            Way::Up if self.hub_up => {
                let from = self.shops[shop].pcs[pc].id;
                self.tell_hub(shop, HubInput::Frame { from, frame })
            }
            Way::Down if self.shops[shop].pcs[pc].link_up => {
                self.tell(shop, pc, NodeInput::Frame(frame))
            }
            Way::Peer(from) if self.shops[shop].pcs[pc].lan_up => {
                self.coverage.danger(Danger::LanExchange);
                self.tell(shop, pc, NodeInput::PeerFrame { from, frame })?;
                self.believe_sibling(shop, pc, frame);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What a PC's clocks say.
    pub fn now(&self, shop: usize, pc: usize) -> Now {
        Now {
            mono_ms: self.now_ms,
            wall: self.shops[shop].pcs[pc].wall(self.now_ms),
        }
    }

    /// What the hub's clocks say.
    pub fn hub_now(&self) -> Now {
        let ms = i64::try_from(self.now_ms).unwrap_or(i64::MAX);
        Now {
            mono_ms: self.now_ms,
            wall: shelf_stock::time::Timestamp::from_millis(pc::EPOCH_MS + ms),
        }
    }

    /// One transaction of a PC's machine, then another one if it changed stock.
    pub fn tell(&mut self, shop: usize, pc: usize, input: NodeInput<'_>) -> Result<(), Violation> {
        self.tell_only(shop, pc, input)?;
        match self.shops[shop].pcs[pc].on {
            true => self.stock_changed(shop, pc),
            false => Ok(()),
        }
    }

    /// One transaction of a PC's machine, its effects, and what may go wrong around them.
    pub(super) fn tell_only(
        &mut self,
        shop: usize,
        pc: usize,
        input: NodeInput<'_>,
    ) -> Result<(), Violation> {
        let now = self.now(shop, pc);
        let (lost, dies) = self.fate(Fault::PcLostCommit, Fault::PcCrash);
        let fate = if lost { Fate::Lost } else { Fate::Committed };
        let place = &mut self.shops[shop];
        let machine = &mut place.pcs[pc];
        machine.wall_max = machine.wall_max.max(now.wall);
        let mut effects = Vec::new();
        let node = &mut machine.machine;
        machine.disk.transact(fate, |store| {
            node.handle(now, input, store, &mut effects)?;
            for effect in &effects {
                if let NodeEffect::Event(NodeEvent::Received { author, .. }) = effect {
                    pc::observe(store, *author, now.wall)?;
                }
            }
            Ok(())
        })?;
        if !lost {
            self.check_pc(shop, pc)?;
            for effect in &effects {
                if let NodeEffect::Event(NodeEvent::Received { author, .. }) = effect {
                    self.check_received(shop, pc, *author)?;
                }
            }
        }
        if (!lost && !dies) || self.mutant == Some(Mutant::AckBeforeCommit) {
            self.shops[shop].pcs[pc].wake_at_ms = None;
            for effect in effects {
                self.carry_out(shop, pc, effect);
            }
        }
        if lost || dies {
            self.crash(shop, pc);
        }
        Ok(())
    }

    fn carry_out(&mut self, shop: usize, pc: usize, effect: NodeEffect) {
        match effect {
            NodeEffect::Send { channel, frame } => {
                if channel == Up::Rights {
                    self.note_told(shop, &frame);
                }
                let wait_ms = self.shops[shop].pcs[pc].slow_ms;
                if wait_ms > 0 {
                    self.coverage.fault(Fault::SlowDisk);
                }
                if let Some(frame) = self.outgoing(shop, pc, frame) {
                    self.publish(shop, pc, Way::Up, frame, wait_ms);
                }
            }
            NodeEffect::Broadcast { frame, .. } => self.broadcast(shop, pc, &frame),
            NodeEffect::WakeAt(at) => {
                let at = at.max(self.now_ms);
                self.shops[shop].pcs[pc].wake_at_ms = Some(at);
                self.after(at - self.now_ms, Event::WakePc { shop, pc });
            }
            NodeEffect::Event(event) => self.on_node_event(shop, pc, &event),
        }
    }

    /// One transaction of the hub's machine of a shop.
    pub fn tell_hub(&mut self, shop: usize, input: HubInput<'_>) -> Result<(), Violation> {
        let now = self.hub_now();
        self.hub_work(shop, |hub, store, effects| {
            hub.handle(now, input, store, effects)
        })?;
        Ok(())
    }

    /// Any work of the hub's machine of a shop in one transaction; nothing where it dies around the
    /// commit: nobody is answered then.
    pub fn hub_work<R>(
        &mut self,
        shop: usize,
        work: impl FnOnce(
            &mut Hub,
            &mut dyn Store<Error = D::Error>,
            &mut Vec<HubEffect>,
        ) -> Result<R, D::Error>,
    ) -> Result<Option<R>, Violation> {
        let (lost, dies) = self.fate(Fault::HubLostCommit, Fault::HubCrash);
        let fate = if lost { Fate::Lost } else { Fate::Committed };
        let place = &mut self.shops[shop];
        let (hub, mut effects) = (&mut place.hub, Vec::new());
        let done = place
            .hub_disk
            .transact(fate, |store| work(hub, store, &mut effects))?;
        if !lost {
            self.check_hub(shop)?;
            for effect in &effects {
                if let HubEffect::Event(HubEvent::Stored { log, .. }) = effect {
                    self.check_stored(shop, *log)?;
                }
            }
        }
        if (!lost && !dies) || self.mutant == Some(Mutant::AckBeforeCommit) {
            self.shops[shop].hub_wake_at_ms = None;
            for effect in effects {
                self.carry_out_hub(shop, effect);
            }
        }
        if lost || dies {
            self.crash_hub();
            return Ok(None);
        }
        Ok(Some(done))
    }

    fn carry_out_hub(&mut self, shop: usize, effect: HubEffect) {
        match effect {
            HubEffect::Send { to, frame, .. } => {
                let frame = self.incoming(shop, frame);
                let pcs = self.shops[shop].pcs.iter();
                let here = pcs.enumerate().filter(|(_, it)| it.id == to && it.link_up);
                for pc in here.map(|(pc, _)| pc).collect::<Vec<_>>() {
                    self.publish(shop, pc, Way::Down, frame.clone(), 0);
                }
            }
            HubEffect::WakeAt(at) => {
                let at = at.max(self.now_ms);
                self.shops[shop].hub_wake_at_ms = Some(at);
                self.after(at - self.now_ms, Event::WakeHub { shop });
            }
            HubEffect::Event(event) => self.on_hub_event(shop, &event),
        }
    }
}
