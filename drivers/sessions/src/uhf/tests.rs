//! Each family against a reader of a few lines, in virtual time.

use shelf_codecs::epc::EpcBytes;
use shelf_codecs::uhf::{UhfTag, chafon, indy, m100, nur, thingmagic};

use super::*;
use crate::time::Mono;

fn article() -> EpcBytes {
    EpcBytes::from_hex("3074257BF7194E4000001A85").unwrap()
}

struct Rig {
    session: Session,
    now_ms: u64,
    timer: Option<u64>,
    sent: Vec<Vec<u8>>,
    effects: Vec<Effect>,
    reads: Vec<EpcBytes>,
}

impl Rig {
    fn new(family: Family) -> Rig {
        Rig {
            session: Session::new(Config::new(family)),
            now_ms: 1_000,
            timer: None,
            sent: Vec::new(),
            effects: Vec::new(),
            reads: Vec::new(),
        }
    }

    fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        let reads = &mut self.reads;
        let mut sink = |tag: &UhfTag| reads.push(tag.epc);
        self.session
            .handle(Mono(self.now_ms), input, &mut out, &mut sink);
        for effect in &out {
            match effect {
                Effect::Send(bytes) => self.sent.push(bytes.clone()),
                Effect::SetTimer(at) => self.timer = Some(at.0),
                _ => {}
            }
        }
        self.effects.extend(out);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.input(Input::Bytes(bytes));
    }

    fn wait(&mut self) {
        let at = self.timer.take().unwrap();
        assert!(
            at > self.now_ms,
            "a timer that is due already: the machine would spin"
        );
        self.now_ms = at;
        self.input(Input::Tick);
    }

    fn troubles(&self) -> Vec<&Trouble> {
        self.effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Trouble(trouble) => Some(trouble),
                _ => None,
            })
            .collect()
    }
}

fn m100_answer(command: u8) -> Vec<u8> {
    m100::Frame {
        kind: m100::kind::RESPONSE,
        command,
        parameters: vec![0],
    }
    .encode()
}

fn chafon_answer(command: u8, status: u8, data: Vec<u8>) -> Vec<u8> {
    chafon::Response {
        address: 0,
        command,
        status,
        data,
    }
    .encode()
}

#[test]
fn chafon_is_asked_round_after_round() {
    let dialect = chafon::Dialect::Reader288;
    let mut rig = Rig::new(Family::Chafon {
        address: 0,
        dialect,
    });
    rig.input(Input::Connected);
    rig.bytes(&chafon_answer(chafon::command::GET_INFO, 0, vec![0; 12]));
    assert_eq!((rig.sent.len(), rig.session.state()), (2, State::Reading));
    for round in 1..=5 {
        let tags = chafon::list(dialect, 1, &[UhfTag::of(article())]);
        rig.bytes(&chafon_answer(1, chafon::status::MORE, tags.clone()));
        rig.bytes(&chafon_answer(1, chafon::status::DONE, tags));
        assert_eq!(rig.sent.len(), 1 + round);
        rig.wait();
        assert_eq!((rig.sent.len(), rig.reads.len()), (2 + round, 2 * round));
    }
    assert_eq!(rig.troubles(), Vec::<&Trouble>::new());
    rig.bytes(&chafon_answer(1, chafon::status::ANTENNA_ERROR, Vec::new()));
    assert_eq!(rig.troubles(), [&Trouble::AntennaFault]);
}

#[test]
fn streams_are_started_once_and_again_when_they_stop() {
    let mut rig = Rig::new(Family::M100);
    rig.input(Input::Connected);
    rig.bytes(&m100_answer(m100::command::STOP));
    rig.bytes(&m100::Frame::of_tag(&article(), -60).encode());
    assert_eq!((rig.sent.len(), rig.reads.len()), (2, 1));

    let mut rig = Rig::new(Family::ThingMagic { region: 8 });
    rig.input(Input::Connected);
    for op in [0x2F, 0x03, 0x93, 0x97] {
        rig.bytes(
            &thingmagic::Response {
                op,
                status: 0,
                data: Vec::new(),
            }
            .encode(),
        );
    }
    rig.bytes(&thingmagic::Response::of_tag(&article(), 1, -60).encode());
    let keepalive = thingmagic::Response {
        op: 0x22,
        status: 0,
        data: Vec::new(),
    };
    rig.bytes(&keepalive.encode());
    assert_eq!(
        (rig.sent.len(), rig.reads.len(), rig.session.state()),
        (5, 1, State::Reading)
    );
    rig.input(Input::Stop);
    assert_eq!((rig.sent.len(), rig.session.state()), (6, State::Off));

    let mut rig = Rig::new(Family::Nur);
    rig.input(Input::Connected);
    rig.bytes(
        &nur::Frame {
            flags: 0,
            command: nur::command::PING,
            payload: vec![0],
        }
        .encode(),
    );
    let mut notice = nur::Frame::of_tags(&[(article(), 1, -60)]);
    rig.bytes(&notice.encode());
    assert_eq!((rig.sent.len(), rig.reads.len()), (2, 1));
    notice.payload[1] = 1;
    rig.bytes(&notice.encode());
    assert_eq!((rig.sent.len(), rig.reads.len()), (3, 2));
}

#[test]
fn indy_ends_its_rounds_by_a_longer_frame() {
    let mut rig = Rig::new(Family::Indy { address: 1 });
    rig.input(Input::Connected);
    rig.bytes(&indy::Frame::of_tag(&article(), 1, -60).encode());
    rig.bytes(
        &indy::Frame {
            address: 1,
            command: 0x89,
            data: vec![0, 0, 9, 0, 0, 0, 1],
        }
        .encode(),
    );
    rig.wait();
    assert_eq!((rig.sent.len(), rig.reads.len()), (2, 1));
}

#[test]
fn silence_is_told_once_paused_longer_each_time_and_ends_in_a_reset() {
    let mut rig = Rig::new(Family::M100);
    rig.input(Input::Connected);
    let mut pauses = Vec::new();
    for _ in 0..9 {
        rig.wait();
        assert_eq!(rig.session.state(), State::Waiting);
        let since = rig.now_ms;
        rig.wait();
        pauses.push(rig.now_ms - since);
    }
    assert_eq!(
        pauses,
        [
            1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000
        ]
    );
    assert_eq!(rig.troubles(), [&Trouble::Silent]);
    let resets = rig
        .effects
        .iter()
        .filter(|it| **it == Effect::ResetDevice)
        .count();
    assert_eq!(resets, 3);
    rig.bytes(&m100_answer(m100::command::STOP));
    assert_eq!(rig.troubles(), [&Trouble::Silent, &Trouble::SpeaksAgain]);
    assert_eq!(rig.session.state(), State::Reading);
}

#[test]
fn no_tag_is_a_sign_of_life() {
    let mut rig = Rig::new(Family::M100);
    rig.input(Input::Connected);
    rig.bytes(&m100_answer(m100::command::STOP));
    let none = m100::Frame {
        kind: m100::kind::RESPONSE,
        command: m100::command::ERROR,
        parameters: vec![m100::ERROR_NO_TAG],
    };
    for _ in 0..30 {
        rig.now_ms += 1_000;
        rig.bytes(&none.encode());
    }
    assert_eq!(
        (rig.session.state(), rig.troubles().len()),
        (State::Reading, 0)
    );
}

#[test]
fn damaged_reads_and_noise_are_no_tags() {
    let mut rig = Rig::new(Family::M100);
    rig.input(Input::Connected);
    rig.bytes(&m100_answer(m100::command::STOP));
    let mut frame = m100::Frame::of_tag(&article(), -60);
    frame.parameters[5] ^= 1;
    rig.bytes(&frame.encode());
    assert_eq!((rig.reads.len(), rig.session.damaged()), (0, 1));
    // A length that promises more than comes is noise after a silence, and told once.
    rig.bytes(&[0xBB, 0x02, 0x22, 0x01, 0x00, 0x33]);
    rig.wait();
    rig.bytes(&[0x55; 40]);
    assert!(matches!(rig.troubles()[..], [Trouble::Noise(_)]));
    assert_eq!(rig.session.state(), State::Reading);
    // The wrong dialect is told.
    let mut rig = Rig::new(Family::Chafon {
        address: 0,
        dialect: chafon::Dialect::Reader18,
    });
    rig.input(Input::Connected);
    rig.bytes(&chafon_answer(chafon::command::GET_INFO, 0, vec![0; 12]));
    let tags = chafon::list(chafon::Dialect::Reader288, 1, &[UhfTag::of(article())]);
    rig.bytes(&chafon_answer(1, chafon::status::DONE, tags));
    assert_eq!(rig.troubles(), [&Trouble::NotUnderstood]);
    rig.wait();
    assert_eq!((rig.sent.len(), rig.session.state()), (3, State::Reading));
}
