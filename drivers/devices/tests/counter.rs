//! Scales, SSI scanners and counter scanners on real pseudo-terminals and sockets, with their
//! simulators: weighing, refusals, cables pulled in the middle of a message.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what does not come fails its test"
)]

mod rig;

use rig::{Rig, next, next_scan, status, stop, until, until_counted, until_ready, until_state};
use shelf_codecs::scale::{Protocol, Refusal, ScaleConfig as Instrument};
use shelf_devices::config::{DeviceConfig, DeviceKind, Role, Share};
use shelf_devices::counter_scanner::CounterScannerConfig;
use shelf_devices::decoder::FaultCause;
use shelf_devices::delivery::EventReceiver;
use shelf_devices::driver::Command;
use shelf_devices::event::{DeviceEvent, Payload};
use shelf_devices::scale::ScaleConfig;
use shelf_devices::selector::Selector;
use shelf_devices::ssi_scanner::SsiScannerConfig;
use shelf_devices::status::{Counters, DeviceState};
use shelf_devices::supervisor::Supervisor;
use shelf_devices::weighing::{Changed, NoWeight, Weighing};
use shelf_sim::counter::{CounterDevice, CounterModel};
use shelf_sim::line_server::{LineDevice, LineServer};

type Sim = LineServer<CounterDevice>;

/// A device of the counter by the name `scale`, with its simulator on a pseudo-terminal.
struct Counter {
    rig: Rig,
    sim: Sim,
    supervisor: Supervisor,
    events: EventReceiver,
}

impl Counter {
    /// Switched on and ready.
    fn start(model: CounterModel, kind: DeviceKind) -> Counter {
        let rig = Rig::new();
        let link = rig.dir.path().join("scale");
        let sim = LineServer::on_pty(&link, CounterDevice::new(model, 1)).unwrap();
        let (supervisor, events) = rig.start(vec![device(Selector::Path(link), kind)]);
        until_ready(&events);
        Counter {
            rig,
            sim,
            supervisor,
            events,
        }
    }

    fn scale(protocol: Protocol) -> Counter {
        Counter::start(scale_model(protocol), scale_kind(protocol))
    }

    fn tell(&self, lines: &[&str]) {
        tell(&self.sim, lines);
    }

    /// Until everything that the simulator was told is so.
    fn settled(&self) {
        until(|| self.sim.device().due_us().is_none());
    }

    fn ask(&self, question: u64) {
        ask(&self.supervisor, question);
    }

    fn weighing(&self) -> Weighing {
        weighing(&self.events)
    }

    fn counters(&self) -> Counters {
        status(&self.supervisor, "scale").counters
    }

    /// What is told until its line is lost.
    fn until_lost(&self) -> Vec<DeviceEvent> {
        until_state(&self.events, |s| matches!(s, DeviceState::Lost(_)))
    }

    fn stop(self) {
        stop(self.supervisor, self.events);
    }
}

fn device(selector: Selector, kind: DeviceKind) -> DeviceConfig {
    DeviceConfig {
        name: "scale".to_owned(),
        selector,
        kind,
        role: Role::Scale("1".to_owned()),
        share: Share::Exclusive,
    }
}

fn scale_kind(protocol: Protocol) -> DeviceKind {
    DeviceKind::Scale(ScaleConfig::new(protocol))
}

fn scale_model(protocol: Protocol) -> CounterModel {
    CounterModel::Scale(Instrument::new(protocol))
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
        let counter = Counter::scale(protocol);
        let weigh = |question| {
            counter.ask(question);
            // Put down after the first question: the plate moves first.
            if question == 1 {
                counter.tell(&["put 1.250"]);
            }
            counter.weighing()
        };
        let told = |it: &Weighing| (it.question, it.grams());
        let (first, again) = (weigh(1), weigh(2));
        assert_eq!(told(&first), (1, Some(1250)), "{protocol:?}");
        assert_ne!(first.changed, Changed::No);
        assert_eq!(told(&again), (2, Some(1250)), "{protocol:?}");
        assert_eq!(again.changed, Changed::No, "the same goods, {protocol:?}");
        counter.stop();
    }
}

#[test]
fn a_scale_behind_a_converter_on_the_network_is_asked_only_when_somebody_weighs() {
    let rig = Rig::new();
    let (model, kind) = (scale_model(Protocol::NciEcr), scale_kind(Protocol::NciEcr));
    let sim: Sim = LineServer::on_tcp(0, CounterDevice::new(model, 1)).unwrap();
    let place = Selector::Tcp(sim.addr().unwrap().to_string());
    let (supervisor, events) = rig.start(vec![device(place, kind)]);
    until_ready(&events);
    tell(&sim, &["put 0.075"]);
    assert_eq!(sim.device().questions(), 0);
    ask(&supervisor, 5);
    assert_eq!(weighing(&events).grams(), Some(75));
    stop(supervisor, events);
}

#[test]
fn what_is_no_weight_is_refused_in_the_scales_words() {
    let mut config = ScaleConfig::new(Protocol::Toledo8217);
    // The refusals of a plate that may still settle come only when the patience is over.
    config.limits.weigh_ms_max = 400;
    let counter = Counter::start(scale_model(Protocol::Toledo8217), DeviceKind::Scale(config));
    counter.tell(&["put 1.0"]);
    for (question, fault, refusal) in [
        (1, "fault motion", Refusal::Motion),
        (2, "fault over", Refusal::Over),
        (3, "fault under", Refusal::Negative),
    ] {
        counter.tell(&[fault]);
        counter.ask(question);
        let refused = counter.weighing();
        assert_eq!(refused.outcome, Err(NoWeight::Refused(refusal)), "{fault}");
    }
    // A damaged or half answer is a fault, and the question is asked again.
    for (question, fault) in [(4, "fault half"), (5, "fault garbage")] {
        counter.tell(&["fault fine", fault]);
        counter.ask(question);
        let weight = counter.weighing();
        let told = (weight.question, weight.grams());
        assert_eq!(told, (question, None), "{fault}");
    }
    counter.stop();
}

#[test]
fn damaged_answers_cost_time_and_never_a_wrong_weight() {
    let counter = Counter::scale(Protocol::NciEcr);
    counter.tell(&["put 2.345", "wait 400", "fault half"]);
    counter.settled();
    counter.ask(1);
    assert_eq!(counter.weighing().grams(), Some(2345));
    counter.tell(&["fault garbage"]);
    counter.ask(2);
    assert_eq!(counter.weighing().grams(), Some(2345));
    assert!(counter.counters().faults > 0);
    counter.stop();
}

#[test]
fn a_scale_unplugged_while_it_answers_says_so_and_weighs_again_when_it_is_back() {
    let counter = Counter::scale(Protocol::Toledo8217);
    counter.tell(&["put 1.250", "wait 400"]);
    for round in 1..=3 {
        counter.tell(&["fault half"]);
        counter.settled();
        let before = counter.counters().bytes_in;
        counter.ask(round);
        until_counted(&counter.supervisor, "scale", |c| c.bytes_in > before);
        counter.tell(&["fault unplug"]);
        let told = counter.until_lost();
        let gone = told.iter().any(|event| {
            matches!(&event.payload, Payload::Weight(it)
                if it.question == round && it.outcome == Err(NoWeight::Disconnected))
        });
        let cut = told.iter().any(|event| {
            matches!(&event.payload, Payload::Fault(it)
                if matches!(it.cause, FaultCause::NoWeighing(_)))
        });
        assert!(gone && cut, "{told:?}");
        counter.tell(&["fault plug"]);
        until(|| counter.rig.dir.path().join("scale").exists());
        counter.supervisor.rescan();
        until_ready(&counter.events);
        counter.ask(100 + round);
        assert_eq!(counter.weighing().grams(), Some(1250));
    }
    counter.stop();
}

#[test]
fn an_ssi_scan_is_acknowledged_and_told_once_even_if_the_answer_is_lost() {
    let kind = DeviceKind::SsiScanner(SsiScannerConfig::default());
    let counter = Counter::start(CounterModel::SsiScanner, kind);
    let (sim, events) = (&counter.sim, &counter.events);
    tell(sim, &["scan 4006381333931"]);
    assert_eq!(next_scan(events), "4006381333931");
    // Not heard: the scanner says it again, and we don't.
    tell(sim, &["fault deaf", "scan 5901234123457", "scan 12345670"]);
    assert_eq!(next_scan(events), "5901234123457");
    assert_eq!(next_scan(events), "12345670");
    // Bought twice.
    tell(sim, &["scan 12345670"]);
    assert_eq!(next_scan(events), "12345670");
    // Damaged on the way, refused, said again.
    tell(sim, &["fault flip", "scan 4006381333931"]);
    assert!(matches!(next(events).payload, Payload::Fault(_)));
    assert_eq!(next_scan(events), "4006381333931");
    let accepted = counter.supervisor.command("scale", Command::Accepted);
    accepted.unwrap();
    until(|| sim.device().beeps() == 1);
    assert_eq!(sim.device().given_up(), 0);
    counter.stop();
}

#[test]
fn a_counter_scanner_weighs_and_scans_on_one_cable() {
    let kind = DeviceKind::CounterScanner(CounterScannerConfig::default());
    let counter = Counter::start(CounterModel::CounterScanner, kind);
    counter.ask(1);
    counter.tell(&["put 0.512", "scan 4006381333931"]);
    assert_eq!(next_scan(&counter.events), "4006381333931");
    assert_eq!(counter.weighing().grams(), Some(512));
    counter.tell(&["fault half", "scan 5901234123457"]);
    until_counted(&counter.supervisor, "scale", |c| {
        c.reads > 3 && c.bytes_in > 40
    });
    counter.tell(&["fault unplug"]);
    let told = counter.until_lost();
    assert!(
        told.iter()
            .all(|it| matches!(&it.payload, Payload::Fault(_))),
        "half a code is a fault and never a code: {told:?}"
    );
    counter.stop();
}

#[test]
fn a_device_that_talks_nonsense_is_heard_out_and_works_afterwards() {
    let mut counter = Counter::scale(Protocol::Toledo8217);
    counter.tell(&["fault babble 200000", "put 1.250"]);
    let events = counter.events;
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
    until(|| counter.sim.device().due_us().is_none());
    ask(&counter.supervisor, 1);
    let (events, faults, weight) = reader.join().unwrap();
    counter.events = events;
    assert_eq!(weight.grams(), Some(1250));
    let counted = counter.counters().faults;
    assert!(counted > 200 && faults <= 70, "{faults} of {counted} told");
    counter.stop();
}
