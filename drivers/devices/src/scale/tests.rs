//! Questions and outcomes as the till sees them; the weighing itself is tested with the session.

use shelf_codecs::scale::{Basis, Refusal, Unit, Weight, encode};

use super::*;

fn at(ms: u64) -> Stamp {
    Stamp {
        mono_us: ms * 1000,
        wall_ms: 0,
    }
}

fn weigh(question: u64) -> Command {
    Command::Weigh {
        question,
        unit_price_minor: None,
    }
}

fn stable(thousandths: i64) -> Reading {
    Reading::Stable(Weight {
        thousandths,
        unit: Unit::Kilogram,
        basis: Basis::NotTold,
    })
}

fn says(protocol: Protocol, reading: Reading) -> Vec<u8> {
    encode(&reading, &Instrument::new(protocol), 0).unwrap()
}

fn steps(dialogue: &mut dyn Dialogue) -> Vec<String> {
    let show = |step| match step {
        Step::Item(Decoded::Weight(it)) => format!("{}: {it}", it.question),
        Step::Item(Decoded::Notice(words)) => words,
        Step::Item(Decoded::Reply(bytes)) => String::from_utf8(bytes).unwrap(),
        Step::Item(Decoded::Fault(fault)) => fault.cause.to_string(),
        Step::Write(bytes) => bytes.escape_ascii().to_string(),
        other => format!("{other:?}"),
    };
    std::iter::from_fn(|| dialogue.next()).map(show).collect()
}

#[test]
fn a_weight_answers_its_question_and_nothing_is_asked_before() {
    let mut it = Scale::new(ScaleConfig::new(Protocol::Toledo8217)).dialogue();
    it.opened(at(0));
    assert_eq!((it.deadline(), steps(&mut *it)), (None, vec![]));
    it.command(at(1), weigh(7));
    it.command(at(2), weigh(8));
    let busy = "8: no weight: the scale is already weighing".to_owned();
    assert_eq!(steps(&mut *it), ["W".to_owned(), busy]);
    assert!(it.deadline().is_some());
    it.received(at(60), &says(Protocol::Toledo8217, stable(1250)));
    assert_eq!(steps(&mut *it), ["shows 1.250 kg", "7: 1.250 kg"]);
    assert_eq!(it.deadline(), None);
}

#[test]
fn a_scale_that_goes_away_says_so_and_a_silent_one_too() {
    let mut it = Scale::new(ScaleConfig::new(Protocol::NciEcr)).dialogue();
    it.command(at(0), weigh(1));
    it.received(at(10), b"\n00.2");
    steps(&mut *it);
    assert!(it.closed(at(20)).is_none());
    let cut = "the answer was cut short".to_owned();
    let gone = "1: no weight: the scale was disconnected while it weighed".to_owned();
    assert_eq!(steps(&mut *it), [cut, gone]);

    let mut it = Scale::new(ScaleConfig::new(Protocol::NciEcr)).dialogue();
    it.command(at(0), weigh(2));
    let mut said = Vec::new();
    let mut rounds = 0;
    while let Some(due) = it.deadline() {
        it.due(Stamp {
            mono_us: due,
            wall_ms: 0,
        });
        said.extend(steps(&mut *it));
        rounds += 1;
        assert!(rounds < 100, "{said:?}");
    }
    let last = said.last().unwrap();
    assert!(last.contains("does not answer"), "{said:?}");
}

#[test]
fn refusals_come_in_the_scales_words() {
    for (refusal, word) in [
        (Refusal::Motion, "not at rest"),
        (Refusal::Over, "too heavy"),
        (Refusal::Negative, "below zero"),
    ] {
        let mut it = Scale::new(ScaleConfig::new(Protocol::Toledo8217)).dialogue();
        it.command(at(0), weigh(3));
        let mut said = Vec::new();
        let mut now = 0;
        while let Some(due) = it.deadline() {
            let asked = steps(&mut *it).iter().any(|step| step == "W");
            if asked {
                now += 10;
                it.received(
                    at(now),
                    &says(Protocol::Toledo8217, Reading::Refused(refusal)),
                );
            } else {
                now = due / 1000;
                it.due(at(now));
            }
            said = steps(&mut *it);
        }
        let last = said.last().unwrap();
        assert!(
            last.starts_with("3: no weight") && last.contains(word),
            "{last}"
        );
    }
}

#[test]
fn a_line_set_wrongly_is_told_as_a_notice() {
    let mut it = Scale::new(ScaleConfig::new(Protocol::Toledo8217)).dialogue();
    let even = |b: u8| b | u8::from(b.count_ones() % 2 == 1) << 7;
    let mut said = Vec::new();
    for n in 0..20 {
        let answer: Vec<u8> = says(Protocol::Toledo8217, stable(1250 + n))
            .into_iter()
            .map(even)
            .collect();
        it.received(at(1), &answer);
        said.extend(steps(&mut *it));
    }
    let told = said.iter().filter(|it| it.contains("7E1")).count();
    assert_eq!(told, 1, "{said:?}");
}

#[test]
fn reports_of_ibm_scales_are_written_with_the_zero_that_hidapi_wants() {
    let mut it = Scale::new(ScaleConfig::new(Protocol::IbmOem)).dialogue();
    it.command(at(0), weigh(1));
    assert_eq!(it.next(), Some(Step::Write(vec![0, 4, 0, 0, 0, 0])));
    assert!(scale_usage(0xFF45_6E00) && scale_usage(0x8D_0001) && !scale_usage(0xFF45_4B00));
}
