//! A scale that answers from a script, in virtual time.

use shelf_codecs::scale::{
    Basis, Command, CommandDecoder, CommandItem, Protocol, Reading, Refusal, ScaleConfig, Unit,
    Weight, encode,
};

use super::*;
use crate::time::Mono;

fn weight(thousandths: i64) -> Reading {
    Reading::Stable(Weight {
        thousandths,
        unit: Unit::Kilogram,
        basis: Basis::NotTold,
    })
}

/// A scale and its till; each answer of the script answers one question, `None` with silence.
struct World {
    session: Session,
    config: ScaleConfig,
    now: Mono,
    price: u32,
    said: Vec<String>,
}

impl World {
    fn new(protocol: Protocol) -> World {
        let config = ScaleConfig::new(protocol);
        World {
            session: Session::new(config, Limits::default()),
            config,
            now: Mono(0),
            price: 0,
            said: Vec::new(),
        }
    }

    fn weigh(&mut self, price: Option<u32>, script: &[Option<Reading>]) -> String {
        let mut script = script.iter();
        let mut inputs = vec![Input::Weigh {
            unit_price_minor: price,
        }];
        let mut outcome = None;
        let mut timer = None;
        for _ in 0..200 {
            let mut out = Vec::new();
            if inputs.is_empty() {
                self.now = timer.take().expect("a timer");
                inputs.push(Input::Tick);
            }
            self.session.handle(self.now, inputs.remove(0), &mut out);
            for effect in out {
                match effect {
                    Effect::Send(bytes) => inputs.extend(self.answer(&bytes, &mut script)),
                    Effect::Outcome(it) => outcome = Some(it),
                    Effect::SetTimer(at) => timer = Some(at),
                    Effect::Advice(advice) => self.said.push(advice.to_owned()),
                    other => self.said.push(format!("{other:?}")),
                }
            }
            if inputs.is_empty() && outcome.is_some() {
                break;
            }
        }
        assert!(!self.session.is_busy());
        match outcome.expect("an outcome") {
            Outcome::Weight { weight, changed } => format!("{} {changed:?}", weight.thousandths),
            Outcome::Refused(refusal) => format!("{refusal:?}"),
            other => format!("{other:?}"),
        }
    }

    fn answer<'a>(
        &mut self,
        bytes: &[u8],
        script: &mut impl Iterator<Item = &'a Option<Reading>>,
    ) -> Option<Input> {
        let mut decoder = CommandDecoder::new(self.config.protocol);
        decoder.push(bytes);
        decoder.silence();
        match decoder.next()? {
            CommandItem::Command(Command::UnitPrice(price)) => {
                self.price = price;
                Some(Input::Bytes(vec![0x06]))
            }
            CommandItem::Command(Command::Weigh | Command::Status) => {
                let reading = script.next().copied().flatten()?;
                let bytes = encode(&reading, &self.config, self.price).expect("can be said");
                Some(Input::Bytes(bytes))
            }
            _ => None,
        }
    }
}

const MOTION: Option<Reading> = Some(Reading::Refused(Refusal::Motion));
const OLD: Option<Reading> = Some(Reading::Refused(Refusal::NoNewWeight));
const EMPTY: Option<Reading> = Some(Reading::Refused(Refusal::Zero));

#[test]
fn it_asks_until_the_plate_is_at_rest() {
    for protocol in [
        Protocol::Toledo8217,
        Protocol::NciGeneral,
        Protocol::NciEcr,
        Protocol::IbmOem,
    ] {
        let mut world = World::new(protocol);
        assert_eq!(
            world.weigh(None, &[MOTION, MOTION, Some(weight(1250))]),
            "1250 Yes",
            "{protocol:?}"
        );
        assert_eq!(world.now, Mono(400));
    }
}

#[test]
fn what_stays_on_the_plate_is_told() {
    let mut world = World::new(Protocol::Toledo8217);
    assert_eq!(world.weigh(None, &[Some(weight(500))]), "500 Unknown");
    assert_eq!(world.weigh(None, &[Some(weight(500))]), "500 No");
    // The scale tells each weight once.
    assert_eq!(world.weigh(None, &[OLD]), "500 No");
    // Emptied in between: the same weight is new goods.
    assert_eq!(world.weigh(None, &[EMPTY, Some(weight(500))]), "500 Yes");
    // "Nothing new" after the plate moved is no weight.
    assert_eq!(
        world.weigh(None, &[MOTION, OLD, OLD, Some(weight(700))]),
        "700 Yes"
    );
    // Nor after the port was gone.
    let mut out = Vec::new();
    world
        .session
        .handle(world.now, Input::Disconnected, &mut out);
    assert!(out.is_empty());
    assert_eq!(world.weigh(None, &[OLD; 60]), "NoNewWeight");
    // Whether these are still the goods from before it was gone, nobody here knows.
    assert_eq!(world.weigh(None, &[Some(weight(700))]), "700 Unknown");
    assert_eq!(world.weigh(None, &[Some(weight(800))]), "800 Yes");
}

#[test]
fn refusals_end_with_their_word() {
    let always = |refusal| [Some(Reading::Refused(refusal)); 60];
    let mut world = World::new(Protocol::Toledo8217);
    assert_eq!(world.weigh(None, &always(Refusal::Over)), "Over");
    assert!(world.now >= Mono(4_000), "it waits for the customer");
    assert_eq!(world.weigh(None, &always(Refusal::Negative)), "Negative");
    let before = world.now;
    assert_eq!(
        world.weigh(None, &always(Refusal::BadCommand)),
        "BadCommand"
    );
    assert_eq!(world.now, before, "waiting would not help");
}

#[test]
fn silence_is_never_zero() {
    let mut world = World::new(Protocol::NciEcr);
    assert_eq!(world.weigh(None, &[None, None, None]), "NoAnswer");
    assert_eq!(
        world.weigh(None, &[None, None, Some(weight(300))]),
        "300 Unknown"
    );
}

#[test]
fn a_scale_that_computes_wants_a_price() {
    let mut world = World::new(Protocol::Dialog);
    assert_eq!(world.weigh(None, &[]), "PriceMissing");
    assert_eq!(
        world.weigh(Some(399), &[MOTION, Some(weight(1250))]),
        "1250 Yes"
    );
    assert_eq!(world.price, 399);
}

#[test]
fn one_that_refuses_everything_is_not_asked_for_ever() {
    let mut session = Session::new(ScaleConfig::new(Protocol::Dialog), Limits::default());
    let mut out = Vec::new();
    let unit_price_minor = Some(399);
    session.handle(Mono(0), Input::Weigh { unit_price_minor }, &mut out);
    for _ in 0..5 {
        session.handle(Mono(1), Input::Bytes(vec![0x15]), &mut out);
    }
    let refused = Effect::Outcome(Outcome::Refused(Refusal::BadCommand));
    assert_eq!(out.iter().filter(|effect| **effect == refused).count(), 1);
    assert!(!session.is_busy());
}

#[test]
fn one_that_speaks_by_itself_is_listened_to() {
    for protocol in [Protocol::Continuous, Protocol::Hid] {
        let config = ScaleConfig::new(protocol);
        let mut session = Session::new(config, Limits::default());
        let mut out = Vec::new();
        let hear = |session: &mut Session, reading, out: &mut Vec<Effect>| {
            let bytes = encode(&reading, &config, 0).unwrap();
            session.handle(Mono(10), Input::Bytes(bytes), out);
        };
        // Before anybody asked: shown, not given.
        hear(&mut session, weight(400), &mut out);
        assert_eq!(out, [Effect::Shown(weight(400))]);
        out.clear();
        session.handle(
            Mono(0),
            Input::Weigh {
                unit_price_minor: None,
            },
            &mut out,
        );
        session.handle(
            Mono(0),
            Input::Weigh {
                unit_price_minor: None,
            },
            &mut out,
        );
        hear(&mut session, Reading::Refused(Refusal::Motion), &mut out);
        hear(&mut session, weight(900), &mut out);
        let Reading::Stable(weight) = weight(900) else {
            panic!()
        };
        let moving = Reading::Refused(Refusal::Motion);
        assert_eq!(
            out,
            [
                Effect::SetTimer(Mono(5_000)),
                Effect::Busy,
                Effect::Shown(moving),
                Effect::Shown(Reading::Stable(weight)),
                Effect::Outcome(Outcome::Weight {
                    weight,
                    changed: Changed::Yes
                }),
            ]
        );
    }
}

#[test]
fn one_that_speaks_by_itself_may_fall_silent() {
    for protocol in [Protocol::Continuous, Protocol::Hid] {
        let mut session = Session::new(ScaleConfig::new(protocol), Limits::default());
        let mut out = Vec::new();
        session.handle(
            Mono(0),
            Input::Weigh {
                unit_price_minor: None,
            },
            &mut out,
        );
        session.handle(Mono(5_000), Input::Tick, &mut out);
        assert_eq!(out.last(), Some(&Effect::Outcome(Outcome::NoAnswer)));
        session.handle(
            Mono(6_000),
            Input::Weigh {
                unit_price_minor: None,
            },
            &mut out,
        );
        session.handle(Mono(6_000), Input::Disconnected, &mut out);
        assert_eq!(out.last(), Some(&Effect::Outcome(Outcome::Disconnected)));
        session.handle(
            Mono(6_000),
            Input::Weigh {
                unit_price_minor: None,
            },
            &mut out,
        );
        session.handle(Mono(6_000), Input::Cancel, &mut out);
        assert!(!session.is_busy());
    }
}

#[test]
fn a_line_at_the_wrong_framing_weighs_and_is_told() {
    let mut session = Session::new(ScaleConfig::new(Protocol::Toledo8217), Limits::default());
    let mut out = Vec::new();
    session.handle(
        Mono(0),
        Input::Weigh {
            unit_price_minor: None,
        },
        &mut out,
    );
    let wrong = vec![0x82, 0x30, 0xB1, 0x2E, 0xB2, 0x35, 0x30, 0x8D];
    session.handle(Mono(1), Input::Bytes(wrong), &mut out);
    let advice = |effect: &Effect| matches!(effect, Effect::Advice(text) if text.contains("7E1"));
    assert!(out.iter().any(advice), "{out:?}");
    assert!(
        out.iter()
            .any(|e| matches!(e, Effect::Outcome(Outcome::Weight { .. }))),
        "{out:?}"
    );
}

#[test]
fn any_bytes_from_the_scale() {
    let mut seed = 0x5EED_0005_u64;
    let mut roll = |sides: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % sides
    };
    for (_, protocol) in Protocol::NAMES {
        let mut session = Session::new(ScaleConfig::new(protocol), Limits::default());
        let (mut out, mut now) = (Vec::new(), Mono(0));
        for _ in 0..20_000 {
            out.clear();
            session.handle(
                now,
                Input::Weigh {
                    unit_price_minor: Some(199),
                },
                &mut out,
            );
            let alphabet = b"\x02\x03\x06\x15\x0d\x0a?0129.SKG\x1b\x1b0\xb0";
            let bytes = (0..roll(14))
                .map(|_| alphabet[usize::try_from(roll(19)).unwrap()])
                .collect();
            session.handle(now, Input::Bytes(bytes), &mut out);
            now = now.plus(roll(1_500));
            session.handle(now, Input::Tick, &mut out);
            assert!(out.len() < 80, "{out:?}");
        }
    }
}

#[test]
fn a_scale_on_a_scanners_cable_is_asked_for_its_state() {
    let mut session = Session::on_scanner_cable(Limits::default());
    let mut out = Vec::new();
    let wish = Input::Weigh {
        unit_price_minor: None,
    };
    session.handle(Mono(0), wish, &mut out);
    let moves = Reading::Refused(Refusal::Motion);
    session.handle(Mono(50), Input::Said(moves), &mut out);
    session.handle(Mono(250), Input::Tick, &mut out);
    session.handle(Mono(300), Input::Said(weight(512)), &mut out);
    let asked = out
        .iter()
        .filter(|it| **it == Effect::Send(b"S14\r".to_vec()));
    assert_eq!(asked.count(), 2);
    let end = |it: &Effect| matches!(it, Effect::Outcome(Outcome::Weight { weight, .. }) if weight.thousandths == 512);
    assert!(out.last().is_some_and(end), "{out:?}");
}

#[test]
fn a_half_answer_is_a_fault_when_the_port_goes() {
    let mut session = Session::new(ScaleConfig::new(Protocol::Toledo8217), Limits::default());
    let mut out = Vec::new();
    let wish = Input::Weigh {
        unit_price_minor: None,
    };
    session.handle(Mono(0), wish, &mut out);
    session.handle(Mono(5), Input::Bytes(b"\x0201.2".to_vec()), &mut out);
    out.clear();
    session.handle(Mono(9), Input::Disconnected, &mut out);
    assert!(
        matches!(&out[..], [Effect::Fault(fault), Effect::Outcome(Outcome::Disconnected)] if fault.bytes == b"\x0201.2"),
        "{out:?}"
    );
}
