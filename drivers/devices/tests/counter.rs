//! Scales, SSI scanners and counter scanners on real pseudo-terminals and sockets, with their
//! simulators: weighing, refusals, cables pulled in the middle of a message.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what does not come fails its test"
)]

mod rig;

use std::path::Path;

use rig::{Rig, next, next_scan, status, stop, until, until_counted, until_ready, until_state};
use shelf_codecs::scale::{Protocol, Refusal, ScaleConfig as Instrument};
use shelf_devices::config::{DeviceConfig, DeviceKind, Role, Share};
use shelf_devices::counter_scanner::CounterScannerConfig;
use shelf_devices::decoder::FaultCause;
use shelf_devices::delivery::EventReceiver;
use shelf_devices::driver::Command;
use shelf_devices::event::Payload;
use shelf_devices::scale::ScaleConfig;
use shelf_devices::selector::Selector;
use shelf_devices::ssi_scanner::SsiScannerConfig;
use shelf_devices::status::DeviceState;
use shelf_devices::supervisor::Supervisor;
use shelf_devices::weighing::{Changed, NoWeight, Weighing};
use shelf_sim::counter::{CounterDevice, CounterModel};
use shelf_sim::line_server::{LineDevice, LineServer};

type Sim = LineServer<CounterDevice>;

fn device(name: &str, selector: Selector, kind: DeviceKind) -> DeviceConfig {
    DeviceConfig {
        name: name.to_owned(),
        selector,
        kind,
        role: Role::Scale("1".to_owned()),
        share: Share::Exclusive,
    }
}

fn at(path: &Path) -> Selector {
    Selector::Path(path.to_owned())
}

fn scale_kind(protocol: Protocol) -> DeviceKind {
    DeviceKind::Scale(ScaleConfig::new(protocol))
}

fn scale_sim(rig: &Rig, protocol: Protocol) -> Sim {
    let model = CounterModel::Scale(Instrument::new(protocol));
    sim(rig, "scale", model)
}

fn sim(rig: &Rig, name: &str, model: CounterModel) -> Sim {
    LineServer::on_pty(&rig.dir.path().join(name), CounterDevice::new(model, 1)).unwrap()
}

fn tell(sim: &Sim, lines: &[&str]) {
    for line in lines {
        assert!(sim.device().order(line.parse().unwrap()));
    }
}

fn ask(supervisor: &Supervisor, question: u64) {
    let weigh = Command::Weigh {
        question,
        unit_price_minor: Some(399),
    };
    supervisor.command("scale", weigh).unwrap();
}

fn weighing(events: &EventReceiver) -> Weighing {
    loop {
        match next(events).payload {
            Payload::Weight(weighing) => return weighing,
            Payload::Fault(_) | Payload::Notice(_) | Payload::State(_) => {}
            other => panic!("{other:?} instead of a weighing"),
        }
    }
}

#[test]
fn every_serial_protocol_gives_one_weight_for_one_question() {
    for protocol in [
        Protocol::Toledo8217,
        Protocol::NciGeneral,
        Protocol::NciEcr,
        Protocol::Dialog,
        Protocol::Continuous,
    ] {
        let rig = Rig::new();
        let sim = scale_sim(&rig, protocol);
        let config = device(
            "scale",
            at(&rig.dir.path().join("scale")),
            scale_kind(protocol),
        );
        let (supervisor, events) = rig.start(vec![config]);
        until_ready(&events);
        // Put down after the question: the plate moves first.
        ask(&supervisor, 1);
        tell(&sim, &["put 1.250"]);
        let first = weighing(&events);
        assert_eq!(
            (first.question, first.grams()),
            (1, Some(1250)),
            "{protocol:?}"
        );
        assert_ne!(first.changed, Changed::No);
        ask(&supervisor, 2);
        let again = weighing(&events);
        assert_eq!(
            (again.question, again.grams()),
            (2, Some(1250)),
            "{protocol:?}"
        );
        assert_eq!(again.changed, Changed::No, "the same goods, {protocol:?}");
        stop(supervisor, events);
    }
}

#[test]
fn a_scale_behind_a_converter_on_the_network_is_asked_only_when_somebody_weighs() {
    let rig = Rig::new();
    let model = CounterModel::Scale(Instrument::new(Protocol::NciEcr));
    let sim: Sim = LineServer::on_tcp(0, CounterDevice::new(model, 1)).unwrap();
    let place = Selector::Tcp(sim.addr().unwrap().to_string());
    let (supervisor, events) =
        rig.start(vec![device("scale", place, scale_kind(Protocol::NciEcr))]);
    until_ready(&events);
    tell(&sim, &["put 0.075"]);
    assert_eq!(sim.device().questions(), 0);
    ask(&supervisor, 5);
    assert_eq!(weighing(&events).grams(), Some(75));
    stop(supervisor, events);
}

#[test]
fn what_is_no_weight_is_refused_in_the_scales_words() {
    let rig = Rig::new();
    let sim = scale_sim(&rig, Protocol::Toledo8217);
    let mut config = ScaleConfig::new(Protocol::Toledo8217);
    // The refusals of a plate that may still settle come only when the patience is over.
    config.limits.weigh_ms_max = 400;
    let kind = DeviceKind::Scale(config);
    let (supervisor, events) = rig.start(vec![device(
        "scale",
        at(&rig.dir.path().join("scale")),
        kind,
    )]);
    until_ready(&events);
    tell(&sim, &["put 1.0"]);
    for (question, fault, refusal) in [
        (1, "fault motion", Refusal::Motion),
        (2, "fault over", Refusal::Over),
        (3, "fault under", Refusal::Negative),
    ] {
        tell(&sim, &[fault]);
        ask(&supervisor, question);
        let refused = weighing(&events);
        assert_eq!(refused.outcome, Err(NoWeight::Refused(refusal)), "{fault}");
    }
    // A damaged or half answer is a fault, and the question is asked again.
    for (question, fault) in [(4, "fault half"), (5, "fault garbage")] {
        tell(&sim, &["fault fine", fault]);
        ask(&supervisor, question);
        let weight = weighing(&events);
        assert_eq!(
            (weight.question, weight.grams()),
            (question, None),
            "{fault}"
        );
    }
    stop(supervisor, events);
}

#[test]
fn damaged_answers_cost_time_and_never_a_wrong_weight() {
    let rig = Rig::new();
    let sim = scale_sim(&rig, Protocol::NciEcr);
    let kind = scale_kind(Protocol::NciEcr);
    let (supervisor, events) = rig.start(vec![device(
        "scale",
        at(&rig.dir.path().join("scale")),
        kind,
    )]);
    until_ready(&events);
    tell(&sim, &["put 2.345", "wait 400", "fault half"]);
    until(|| sim.device().due_us().is_none());
    ask(&supervisor, 1);
    assert_eq!(weighing(&events).grams(), Some(2345));
    tell(&sim, &["fault garbage"]);
    ask(&supervisor, 2);
    assert_eq!(weighing(&events).grams(), Some(2345));
    assert!(status(&supervisor, "scale").counters.faults > 0);
    stop(supervisor, events);
}

#[test]
fn a_scale_unplugged_while_it_answers_says_so_and_weighs_again_when_it_is_back() {
    let rig = Rig::new();
    let sim = scale_sim(&rig, Protocol::Toledo8217);
    let kind = scale_kind(Protocol::Toledo8217);
    let (supervisor, events) = rig.start(vec![device(
        "scale",
        at(&rig.dir.path().join("scale")),
        kind,
    )]);
    until_ready(&events);
    tell(&sim, &["put 1.250", "wait 400"]);
    for round in 1..=3 {
        tell(&sim, &["fault half"]);
        until(|| sim.device().due_us().is_none());
        let before = status(&supervisor, "scale").counters.bytes_in;
        ask(&supervisor, round);
        until_counted(&supervisor, "scale", |c| c.bytes_in > before);
        tell(&sim, &["fault unplug"]);
        let told = until_state(&events, |s| matches!(s, DeviceState::Lost(_)));
        let gone = told.iter().any(|event| {
            matches!(&event.payload, Payload::Weight(it)
                if it.question == round && it.outcome == Err(NoWeight::Disconnected))
        });
        let cut = told.iter().any(|event| {
            matches!(&event.payload, Payload::Fault(it)
                if matches!(it.cause, FaultCause::NoWeighing(_)))
        });
        assert!(gone && cut, "{told:?}");
        tell(&sim, &["fault plug"]);
        until(|| rig.dir.path().join("scale").exists());
        supervisor.rescan();
        until_ready(&events);
        ask(&supervisor, 100 + round);
        assert_eq!(weighing(&events).grams(), Some(1250));
    }
    stop(supervisor, events);
}

#[test]
fn an_ssi_scan_is_acknowledged_and_told_once_even_if_the_answer_is_lost() {
    let rig = Rig::new();
    let sim = sim(&rig, "scale", CounterModel::SsiScanner);
    let kind = DeviceKind::SsiScanner(SsiScannerConfig::default());
    let (supervisor, events) = rig.start(vec![device(
        "scale",
        at(&rig.dir.path().join("scale")),
        kind,
    )]);
    until_ready(&events);
    tell(&sim, &["scan 4006381333931"]);
    assert_eq!(next_scan(&events), "4006381333931");
    // Not heard: the scanner says it again, and we don't.
    tell(&sim, &["fault deaf", "scan 5901234123457", "scan 12345670"]);
    assert_eq!(next_scan(&events), "5901234123457");
    assert_eq!(next_scan(&events), "12345670");
    // Bought twice.
    tell(&sim, &["scan 12345670"]);
    assert_eq!(next_scan(&events), "12345670");
    // Damaged on the way, refused, said again.
    tell(&sim, &["fault flip", "scan 4006381333931"]);
    assert!(matches!(next(&events).payload, Payload::Fault(_)));
    assert_eq!(next_scan(&events), "4006381333931");
    supervisor.command("scale", Command::Accepted).unwrap();
    until(|| sim.device().beeps() == 1);
    assert_eq!(sim.device().given_up(), 0);
    stop(supervisor, events);
}

#[test]
fn a_counter_scanner_weighs_and_scans_on_one_cable() {
    let rig = Rig::new();
    let sim = sim(&rig, "scale", CounterModel::CounterScanner);
    let kind = DeviceKind::CounterScanner(CounterScannerConfig::default());
    let (supervisor, events) = rig.start(vec![device(
        "scale",
        at(&rig.dir.path().join("scale")),
        kind,
    )]);
    until_ready(&events);
    ask(&supervisor, 1);
    tell(&sim, &["put 0.512", "scan 4006381333931"]);
    assert_eq!(next_scan(&events), "4006381333931");
    assert_eq!(weighing(&events).grams(), Some(512));
    tell(&sim, &["fault half", "scan 5901234123457"]);
    until_counted(&supervisor, "scale", |c| c.reads > 3 && c.bytes_in > 40);
    tell(&sim, &["fault unplug"]);
    let told = until_state(&events, |s| matches!(s, DeviceState::Lost(_)));
    assert!(
        told.iter()
            .all(|it| matches!(&it.payload, Payload::Fault(_))),
        "half a code is a fault and never a code: {told:?}"
    );
    stop(supervisor, events);
}

#[test]
fn a_device_that_talks_nonsense_is_heard_out_and_works_afterwards() {
    let rig = Rig::new();
    let sim = scale_sim(&rig, Protocol::Toledo8217);
    let kind = scale_kind(Protocol::Toledo8217);
    let (supervisor, events) = rig.start(vec![device(
        "scale",
        at(&rig.dir.path().join("scale")),
        kind,
    )]);
    until_ready(&events);
    tell(&sim, &["fault babble 200000", "put 1.250"]);
    let reader = std::thread::spawn(move || {
        let mut faults = 0_u32;
        loop {
            match next(&events).payload {
                Payload::Weight(it) => return (events, faults, it),
                Payload::Fault(_) => faults += 1,
                Payload::Notice(_) | Payload::State(_) => {}
                other => panic!("{other:?} out of noise"),
            }
        }
    });
    until(|| sim.device().due_us().is_none());
    ask(&supervisor, 1);
    let (events, faults, weight) = reader.join().unwrap();
    assert_eq!(weight.grams(), Some(1250));
    let counted = status(&supervisor, "scale").counters.faults;
    assert!(counted > 200 && faults <= 70, "{faults} of {counted} told");
    stop(supervisor, events);
}
