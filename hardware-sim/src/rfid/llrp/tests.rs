//! The simulated reader against the daemon's own session, in virtual time.

use shelf_codecs::llrp::{Field, MessageType};
use shelf_sessions::llrp::{
    Config, Effect, Gap, Input, Now, Session, State, TagRead, Trouble, presence_work,
};
use shelf_sessions::time::Mono;

use super::*;
use crate::line_server::{LineAction, LineDevice};

/// Microseconds that pass in a turn.
const STEP_US: u64 = 10_000;

/// Both ends, and what was seen.
struct World {
    reader: LlrpReader,
    session: Session,
    now_us: u64,
    timer: Option<Mono>,
    linked: bool,
    effects: Vec<Effect>,
    reads: Vec<(String, u16, Option<u64>)>,
}

impl World {
    fn new(config: LlrpReaderConfig) -> World {
        let mut settings = Config::new(presence_work(&[], 1, 32), 1);
        settings.double_encoded_epc = true;
        let mut world = World {
            reader: LlrpReader::new(config),
            session: Session::new(settings),
            now_us: 0,
            timer: None,
            linked: false,
            effects: Vec::new(),
            reads: Vec::new(),
        };
        world.give(Input::Start);
        world
    }

    fn orders(&mut self, lines: &[&str]) {
        for line in lines {
            assert!(self.reader.order(line.parse().unwrap()), "{line}");
        }
    }

    fn give(&mut self, input: Input<'_>) {
        let now = Now {
            mono: Mono(self.now_us / 1_000),
            wall_us: Some(1_900_000_000_000_000 + self.now_us),
        };
        let mut out = Vec::new();
        let reads = &mut self.reads;
        let mut sink = |read: &TagRead<'_>| {
            assert!(read.report.has(Field::SeenCount));
            let hex = read.epc.as_slice().iter().map(|it| format!("{it:02X}"));
            reads.push((hex.collect(), read.report.antenna_id, read.at_us));
        };
        self.session.handle(now, input, &mut out, &mut sink);
        for effect in out {
            match &effect {
                Effect::Send(bytes) if self.linked => self.reader.received(self.now_us, bytes),
                Effect::SetTimer(at) => self.timer = Some(*at),
                Effect::Connect => {
                    self.linked = true;
                    self.reader.connected(self.now_us);
                    self.give(Input::Connected);
                }
                Effect::Disconnect if self.linked => {
                    self.linked = false;
                    self.reader.disconnected(self.now_us);
                    let _for_nobody = self.reader.take_actions();
                }
                _ => {}
            }
            self.effects.push(effect);
        }
    }

    /// Lets time pass, until something holds.
    fn until(&mut self, what: &str, mut holds: impl FnMut(&World) -> bool) {
        for _ in 0..70_000 {
            if holds(self) {
                return;
            }
            self.turn();
        }
        panic!(
            "not within eleven minutes: {what}; {:?}",
            self.session.state()
        );
    }

    fn turn(&mut self) {
        self.now_us += STEP_US;
        self.reader.advance(self.now_us);
        loop {
            let actions = self.reader.take_actions();
            if actions.is_empty() {
                break;
            }
            for action in actions {
                match action {
                    _ if !self.linked => {}
                    LineAction::Send(bytes) => self.give(Input::Bytes(&bytes)),
                    LineAction::Close => {
                        self.linked = false;
                        self.give(Input::Disconnected);
                    }
                }
            }
        }
        if self.timer.is_some_and(|at| at.0 <= self.now_us / 1_000) {
            self.timer = None;
            self.give(Input::Tick);
        }
    }

    fn running(config: LlrpReaderConfig) -> World {
        let mut world = World::new(config);
        world.give(Input::SinkReady);
        world.orders(&["lay 4006381333931:1 1", "lay 4006381333931:2 2"]);
        world.until("running", |it| it.session.state() == State::Running);
        world
    }

    fn reads_on(&mut self) {
        let before = self.reads.len();
        self.until("reads", |it| it.reads.len() > before + 10);
    }

    fn trouble(&self, wanted: &Trouble) -> bool {
        let is_it = |it: &Effect| matches!(it, Effect::Trouble(trouble) if trouble == wanted);
        self.effects.iter().any(is_it)
    }
}

#[test]
fn reports_are_held_until_the_sink_is_ready_and_then_none_is_missing() {
    let mut world = World::new(LlrpReaderConfig::new(1));
    world.orders(&["fill 3 2"]);
    world.until("holding", |it| it.session.state() == State::Holding);
    for _ in 0..100 {
        world.turn();
    }
    assert!(world.reads.is_empty());
    world.give(Input::SinkReady);
    world.until("reads", |it| it.reads.len() > 10);
    // Away with the cable, and everything that was read meanwhile comes afterwards.
    let before = world.reader.reads();
    world.linked = false;
    world.reader.disconnected(world.now_us);
    world.give(Input::Disconnected);
    world.until("back", |it| it.session.state() == State::Running);
    world.until("all", |it| {
        u64::try_from(it.reads.len()).unwrap() == it.reader.reads()
    });
    assert!(world.reader.reads() > before);
    assert!(!world.effects.iter().any(|it| matches!(it, Effect::Gap(_))));
    let added = |it: &&MessageType| **it == MessageType::ADD_ROSPEC;
    assert_eq!(
        world.reader.asked().iter().filter(added).count(),
        1,
        "set up again"
    );
}

#[test]
fn a_reader_that_cannot_hold_is_read_too() {
    let mut world = World::running(LlrpReaderConfig {
        holds_reports: false,
        ..LlrpReaderConfig::new(2)
    });
    world.reads_on();
}

#[test]
fn whatever_stands_in_reports_the_tags_are_read() {
    for fault in [
        "garbage",
        "new",
        "slow",
        "stray-errors",
        "double",
        "clock-2000",
    ] {
        let mut world = World::new(LlrpReaderConfig::new(3));
        world.orders(&[&format!("fault {fault}"), "lay 4006381333931:7 3"]);
        world.give(Input::SinkReady);
        world.until(fault, |it| it.reads.len() > 20);
        let epc = crate::rfid::sgtin("4006381333931", 7).unwrap();
        let hex: String = epc
            .as_slice()
            .iter()
            .map(|it| format!("{it:02X}"))
            .collect();
        for (read, antenna, at_us) in &world.reads {
            assert_eq!((read, *antenna), (&hex, 3), "{fault}");
            let at_us = at_us.unwrap();
            assert!(at_us >= 1_900_000_000_000_000, "{fault}: {at_us}");
        }
    }
}

#[test]
fn every_end_of_a_connection_is_followed_by_reads() {
    for fault in ["cut", "drop", "close", "noise", "silence"] {
        let mut world = World::running(LlrpReaderConfig::new(4));
        world.reads_on();
        world.orders(&[&format!("fault {fault}"), "wait 60000", "fault speak"]);
        world.until(fault, |it| {
            matches!(
                it.effects.last(),
                Some(Effect::State(State::Waiting) | Effect::SetTimer(_))
            ) && it.session.state() == State::Waiting
        });
        world.until(fault, |it| it.session.state() == State::Running);
        world.reads_on();
    }
}

#[test]
fn what_people_must_know_is_told() {
    let mut world = World::running(LlrpReaderConfig::new(5));
    world.orders(&[
        "fault antenna-gone 2",
        "fault antenna-back 2",
        "fault overflow",
    ]);
    world.reads_on();
    assert!(world.trouble(&Trouble::AntennaGone(2)) && world.trouble(&Trouble::AntennaBack(2)));
    assert!(world.effects.contains(&Effect::Gap(Gap::BufferOverflow)));
    let _refusal = world.reader.second_client(world.now_us);
    world.turn();
    assert!(world.trouble(&Trouble::AnotherAttempted));
    world.orders(&["fault taken"]);
    world.until("taken", |it| it.trouble(&Trouble::TakenByAnother));
    world.orders(&["fault free"]);
    world.until("free again", |it| it.session.state() == State::Running);
    world.orders(&["clear"]);
    world.until("an empty shelf", |it| it.trouble(&Trouble::NoReads));
}

#[test]
fn work_that_is_refused_is_told_in_the_readers_words_and_tried_again() {
    let mut world = World::new(LlrpReaderConfig::new(6));
    world.orders(&["fault refuse-work"]);
    let refused = |it: &Effect| matches!(it, Effect::Trouble(Trouble::Refused { words, .. }) if words.contains("HopTable"));
    world.until("refused", |it| it.effects.iter().any(refused));
    let tries = |it: &World| it.effects.iter().filter(|it| refused(it)).count();
    world.until("again", |it| tries(it) >= 2);
}

#[test]
fn the_same_seed_and_script_give_the_same_bytes() {
    let run = || {
        let mut world = World::running(LlrpReaderConfig {
            stray_per_mille: 50,
            ..LlrpReaderConfig::new(9)
        });
        world.orders(&["fill 20 1", "wait 500", "wander", "wander"]);
        (0..500).for_each(|_| world.turn());
        world.reads
    };
    assert_eq!(run(), run());
}

#[test]
fn access_specs_and_versions_are_refused_without_harm() {
    use shelf_codecs::llrp::{Frame, Message, SpecCommand, status};
    let mut reader = LlrpReader::new(LlrpReaderConfig::new(7));
    reader.connected(0);
    let greeting = reader.take_actions();
    assert!(matches!(greeting[..], [LineAction::Send(_)]));
    let questions = [
        Message::Spec {
            command: SpecCommand::DeleteAccessSpec,
            id: 0,
        },
        Message::Other {
            kind: MessageType::ADD_ACCESSSPEC,
            body: vec![0; 8],
        },
        Message::GetSupportedVersion,
    ];
    for (id, question) in (1_u32..).zip(questions) {
        reader.received(0, &question.encode(id));
        let [LineAction::Send(bytes)] = &reader.take_actions()[..] else {
            panic!("no answer to {question:?}");
        };
        let (frame, _) = Frame::split(bytes).unwrap();
        let answer = Message::read(&frame).unwrap();
        let code = answer.status().unwrap().code;
        assert_eq!(frame.id, id);
        assert!(
            code == status::UNSUPPORTED_MESSAGE || code == status::UNSUPPORTED_VERSION,
            "{answer:?}"
        );
    }
}
