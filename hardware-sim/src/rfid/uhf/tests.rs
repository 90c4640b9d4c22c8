//! The simulated readers of all families against the daemon's own session, in virtual time.

use shelf_codecs::uhf::{UhfTag, chafon};
use shelf_sessions::time::Mono;
use shelf_sessions::uhf::{Config, Effect, Family, Input, Session, State, Trouble};

use super::*;
use crate::line_server::{LineAction, LineDevice};

/// Microseconds that pass in a turn.
const STEP_US: u64 = 5_000;

struct World {
    reader: UhfReader,
    session: Session,
    now_us: u64,
    timer: Option<Mono>,
    effects: Vec<Effect>,
    reads: Vec<UhfTag>,
}

fn family(model: UhfModel) -> Family {
    let chafon = |dialect| Family::Chafon {
        address: chafon::BROADCAST,
        dialect,
    };
    match model {
        UhfModel::Chafon => chafon(chafon::Dialect::Reader288),
        UhfModel::Chafon18 => chafon(chafon::Dialect::Reader18),
        UhfModel::M100 => Family::M100,
        UhfModel::Indy => Family::Indy { address: 1 },
        UhfModel::Thingmagic => Family::ThingMagic { region: 8 },
        UhfModel::Nur => Family::Nur,
    }
}

impl World {
    fn new(model: UhfModel) -> World {
        let config = UhfReaderConfig {
            antennas: 2,
            ..UhfReaderConfig::new(model, 1)
        };
        let mut world = World {
            reader: UhfReader::new(config),
            session: Session::new(Config::new(family(model))),
            now_us: 0,
            timer: None,
            effects: Vec::new(),
            reads: Vec::new(),
        };
        world.orders(&["fill 40 1", "fill 3 2"]);
        world.give(Input::Connected);
        world
    }

    fn orders(&mut self, lines: &[&str]) {
        for line in lines {
            assert!(self.reader.order(line.parse().unwrap()), "{line}");
        }
    }

    fn give(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        let reads = &mut self.reads;
        let mut sink = |tag: &UhfTag| reads.push(*tag);
        let now = Mono(self.now_us / 1_000);
        self.session.handle(now, input, &mut out, &mut sink);
        for effect in out {
            match &effect {
                Effect::Send(bytes) => self.reader.received(self.now_us, bytes),
                Effect::SetTimer(at) => self.timer = Some(*at),
                _ => {}
            }
            self.effects.push(effect);
        }
    }

    fn turn(&mut self) {
        self.now_us += STEP_US;
        self.reader.advance(self.now_us);
        loop {
            let said = self.reader.take_actions();
            if said.is_empty() {
                break;
            }
            for action in said {
                if let LineAction::Send(bytes) = action {
                    self.give(Input::Bytes(&bytes));
                }
            }
        }
        if self.timer.is_some_and(|at| at.0 <= self.now_us / 1_000) {
            self.timer = None;
            self.give(Input::Tick);
        }
    }

    fn until(&mut self, what: &str, mut holds: impl FnMut(&World) -> bool) {
        for _ in 0..60_000 {
            if holds(self) {
                return;
            }
            self.turn();
        }
        panic!(
            "not within five minutes: {what}; {:?}",
            self.session.state()
        );
    }

    fn reads_on(&mut self) {
        let before = self.reads.len();
        self.until("reads", |it| it.reads.len() > before + 50);
    }
}

#[test]
fn every_family_is_set_up_and_read() {
    for model in UhfModel::all() {
        let mut world = World::new(model);
        world.reads_on();
        let trouble = |it: &Effect| matches!(it, Effect::Trouble(_));
        assert!(
            !world.effects.iter().any(trouble),
            "{model:?}: {:?}",
            world.effects
        );
        let mut epcs: Vec<_> = world.reads.iter().map(|it| it.epc).collect();
        epcs.sort();
        epcs.dedup();
        assert_eq!(epcs.len(), 43, "{model:?}");
    }
}

#[test]
fn damage_invents_no_tag_and_the_next_is_read() {
    for model in UhfModel::all() {
        let mut world = World::new(model);
        world.reads_on();
        let known: Vec<_> = world.reads.iter().map(|it| it.epc).collect();
        for fault in ["cut", "flip", "noise", "stop"] {
            world.orders(&[&format!("fault {fault}")]);
            world.reads_on();
        }
        let all = world.reads.iter().map(|it| it.epc).collect::<Vec<_>>();
        assert!(all.iter().all(|it| known.contains(it)), "{model:?}");
    }
}

#[test]
fn a_reader_that_hangs_is_missed_and_set_up_again() {
    for model in UhfModel::all() {
        let mut world = World::new(model);
        world.reads_on();
        world.orders(&["fault silence"]);
        world.until("missed", |it| {
            it.effects.contains(&Effect::Trouble(Trouble::Silent))
        });
        world.orders(&["fault speak"]);
        world.until("back", |it| it.session.state() == State::Reading);
        world.reads_on();
    }
}
