//! What the doctor says about made-up PCs.

use std::path::PathBuf;

use shelf_codecs::scale::Protocol;

use super::*;
use crate::clock::Stamp;
use crate::config::Role;
use crate::hid_scanner::HidScannerConfig;
use crate::identity::{Model, Present, UsbFacts, identify};
use crate::journal::{Direction, JournalEntry};
use crate::keyboard_scanner::KeyboardScannerConfig;
use crate::line_scanner::LineScannerConfig;
use crate::scale::ScaleConfig;
use crate::status::Counters;

fn present(node: &str, class: NodeClass, port: &str, serial: &str) -> Present {
    Present {
        node: PathBuf::from(node),
        class,
        usb: Some(UsbFacts {
            model: Model {
                vendor: 0x0C2E,
                product: 0x0B61,
                interface: 0,
            },
            serial: serial.to_owned(),
            product_name: String::new(),
            port: port.to_owned(),
        }),
        usages: Vec::new(),
    }
}

fn config(kind: DeviceKind) -> DeviceConfig {
    DeviceConfig {
        name: "hand".to_owned(),
        selector: "serial:AB12".parse().unwrap(),
        kind,
        role: Role::Till("1".to_owned()),
        share: Share::Exclusive,
    }
}

fn status(state: DeviceState, counters: Counters, frames: &[&str]) -> DeviceStatus {
    let entry = |text: &&str| JournalEntry {
        at: Stamp::default(),
        direction: Direction::In,
        text: (*text).to_owned(),
        raw: Vec::new(),
        length_bytes: 13,
    };
    DeviceStatus {
        name: "hand".to_owned(),
        node: Some("/dev/ttyACM0".to_owned()),
        moved: false,
        state,
        last_data: None,
        notice: None,
        is_disabled: false,
        counters,
        journal: frames.iter().map(entry).collect(),
    }
}

fn picture(kind: DeviceKind, status: DeviceStatus, present: Vec<Present>) -> Picture {
    Picture {
        devices: vec![(config(kind), status)],
        found: identify(present),
        hotplug: HotplugStatus {
            hearing: Hearing::Udev,
            rescans: 1,
            events: 0,
            overflows: 0,
            scan_error: None,
            unbound: Vec::new(),
        },
        neighbours: Neighbours::default(),
    }
}

fn line() -> DeviceKind {
    DeviceKind::LineScanner(LineScannerConfig::default())
}

fn said(picture: &Picture) -> String {
    let findings = diagnose(picture);
    let lines = findings
        .iter()
        .map(|it| format!("{:?}: {} -> {}", it.severity, it.what, it.remedy));
    lines.collect::<Vec<_>>().join("\n")
}

fn absent() -> DeviceStatus {
    let state = DeviceState::Absent("no device matches serial:AB12".to_owned());
    status(state, Counters::default(), &[])
}

#[test]
fn a_healthy_pc_has_no_findings() {
    let ready = status(DeviceState::Ready, Counters::default(), &[]);
    let here = vec![present("/dev/ttyACM0", NodeClass::Serial, "p1", "AB12")];
    assert_eq!(said(&picture(line(), ready, here)), "");
}

#[test]
fn a_scanner_in_the_wrong_mode_is_recognised_by_its_serial_number() {
    let here = vec![
        present("/dev/hidraw0", NodeClass::HidRaw, "p1", "AB12"),
        present("/dev/input/event3", NodeClass::Keyboard, "p1", "AB12"),
    ];
    let text = said(&picture(line(), absent(), here.clone()));
    assert!(
        text.contains("as a keyboard") && text.contains("USB serial"),
        "{text}"
    );
    let pos = DeviceKind::HidScanner(HidScannerConfig::default());
    let text = said(&picture(pos, absent(), here));
    assert!(
        text.contains("as a keyboard") && text.contains("HID POS"),
        "{text}"
    );
    let nowhere = said(&picture(line(), absent(), Vec::new()));
    assert!(
        nowhere.contains("not there: no device matches"),
        "{nowhere}"
    );
}

#[test]
fn wrong_line_settings_are_named() {
    let counters = Counters {
        faults: 4,
        ..Counters::default()
    };
    // 4006381333931 in 7E1, read as 8N1.
    let frame = r"\xb40063\xb8\xb133393\xb1";
    let bad = status(DeviceState::Ready, counters, &[frame, frame]);
    let text = said(&picture(line(), bad, Vec::new()));
    assert!(text.contains("looks like 7E1"), "{text}");
}

#[test]
fn what_a_device_wants_people_to_know_is_a_finding() {
    let mut ready = status(DeviceState::Ready, Counters::default(), &[]);
    ready.notice = Some("the line looks like 7E1".to_owned());
    let scale = DeviceKind::Scale(ScaleConfig::new(Protocol::Toledo8217));
    let text = said(&picture(scale, ready, Vec::new()));
    assert!(
        text.starts_with("Note: it says: the line looks like 7E1"),
        "{text}"
    );
}

#[test]
fn who_holds_or_forbids_is_said() {
    let mut busy = picture(
        line(),
        status(DeviceState::Busy, Counters::default(), &[]),
        Vec::new(),
    );
    assert!(said(&busy).contains("another program holds /dev/ttyACM0"));
    busy.neighbours.modem_manager = true;
    assert!(said(&busy).contains("perhaps ModemManager"));
    let denied = status(DeviceState::Denied, Counters::default(), &[]);
    assert!(said(&picture(line(), denied, Vec::new())).contains("may not open"));
    let mut reader = picture(
        DeviceKind::BadgeReader,
        status(DeviceState::Busy, Counters::default(), &[]),
        Vec::new(),
    );
    reader.neighbours.pcscd = true;
    assert!(said(&reader).contains("pcscd holds"));
}

#[test]
fn what_hung_and_what_rests_is_said_with_the_next_step() {
    let counters = Counters {
        resets: 2,
        ..Counters::default()
    };
    let mut hung = status(DeviceState::Ready, counters, &[]);
    hung.is_disabled = true;
    let found = diagnose(&picture(line(), hung, Vec::new()));
    assert_eq!(found[0].severity, Severity::Risk);
    assert!(
        found[0].what.contains("reset over USB 2 times"),
        "{found:?}"
    );
    assert!(found[1].remedy.contains("after the payment"), "{found:?}");
    let busy = status(DeviceState::Busy, Counters::default(), &[]);
    let found = diagnose(&picture(line(), busy, Vec::new()));
    let remedy = &found[0].remedy;
    assert!(
        remedy.contains("fuser -v /dev/ttyACM0") && remedy.contains("relay"),
        "{remedy}"
    );
}

#[test]
fn neighbours_twins_and_sharing_are_risks() {
    let here = vec![
        present("/dev/ttyACM0", NodeClass::Serial, "p1", "AB12"),
        present("/dev/ttyACM1", NodeClass::Serial, "p2", "AB12"),
    ];
    let ready = status(DeviceState::Ready, Counters::default(), &[]);
    let mut pc = picture(line(), ready, here);
    pc.neighbours.modem_manager = true;
    pc.devices[0].0.share = Share::Shared;
    let text = said(&pc);
    assert!(
        text.contains("two units carry the serial number AB12"),
        "{text}"
    );
    assert!(text.contains("ModemManager runs"), "{text}");
    assert!(text.contains("can't be shared"), "{text}");
    assert!(diagnose(&pc).iter().all(|it| it.severity == Severity::Risk));
}

#[test]
fn a_scanner_that_types_into_windows_is_found_and_the_worst_comes_first() {
    let found = identify(vec![present(
        "/dev/input/event3",
        NodeClass::Keyboard,
        "p1",
        "AB12",
    )]);
    let lost = status(
        DeviceState::Lost("hung up".to_owned()),
        Counters::default(),
        &[],
    );
    let keyboard = DeviceKind::KeyboardScanner(KeyboardScannerConfig::default());
    let mut pc = picture(keyboard, lost, Vec::new());
    pc.hotplug.unbound = vec![Unbound {
        found: found[0].clone(),
        hint: "a scanner that types".to_owned(),
    }];
    let findings = diagnose(&pc);
    assert_eq!(findings[0].severity, Severity::Wrong);
    assert!(findings[1].what.contains("whatever window"), "{findings:?}");
}
