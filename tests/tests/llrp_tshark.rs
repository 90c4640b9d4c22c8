//! Our LLRP frames read by another decoder: Wireshark's dissector agrees on type, length, id and on every
//! field that a shop depends on, and finds no frame malformed. Without `tshark` this test fails: an
//! unchecked format is not a checked one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use shelf_codecs::llrp::{
    AntennaConfig, AntennaInventory, Capabilities, ConnectionAttempt, EventKind, Field, Frame,
    Inventory, InventorySpec, Message, ReaderConfig, ReaderEvent, ReaderEvents, ReaderTime,
    ReportContent, ReportItem, ReportSpec, RoSpec, Singulation, SpecCommand, Status, TagReport,
    TagReports, Transmitter, encode_report,
};
use shelf_tests::dissector::Protocol;

const FIELDS: [&str; 12] = [
    "llrp.type",
    "llrp.length",
    "llrp.id",
    "llrp.param.rospec_id",
    "llrp.antenna_id",
    "llrp.param.peak_rssi",
    "llrp.param.tag_count",
    "llrp.param.status_code",
    "llrp.param.conn_status",
    "llrp.param.hold_events_and_reports",
    "llrp.param.ro_report_trig",
    "llrp.param.session",
];

const LLRP: Protocol = Protocol {
    name: "llrp",
    port: 5084,
    occurrence: 'a',
};

/// The fields of each frame, and what the dissector complains of.
fn dissect(frames: &[(&str, Vec<u8>)]) -> Vec<Vec<String>> {
    let fields = [&FIELDS[..], &["_ws.expert.message"]].concat();
    LLRP.dissect(frames.iter().map(|it| it.1.as_slice()), &fields)
}

const EPC: [u8; 12] = [
    0x30, 0x74, 0x25, 0x7B, 0xF7, 0x19, 0x4E, 0x40, 0, 0, 0x1A, 0x85,
];

fn tag() -> TagReport<'static> {
    TagReport::of(&EPC)
        .with(Field::RoSpecId, 1234)
        .with(Field::SpecIndex, 1)
        .with(Field::InventorySpecId, 1)
        .with(Field::AntennaId, 3)
        .with(Field::PeakRssi, 0xC9)
        .with(Field::ChannelIndex, 2)
        .with(Field::FirstSeenUtc, 0x0006_0A24_181E_4000)
        .with(Field::LastSeenUtc, 0x0006_0A24_1822_1090)
        .with(Field::SeenCount, 17)
        .with(Field::ProtocolControl, 0x3000)
        .with(Field::Crc, 0xBEEF)
        .with(Field::AccessSpecId, 0)
}

fn ro_spec() -> RoSpec {
    let antenna = AntennaConfig {
        receive_sensitivity: Some(1),
        transmitter: Some(Transmitter {
            hop_table_id: 1,
            channel_index: 1,
            power_index: 81,
        }),
        inventory: Some(Inventory {
            rf_mode: Some((1000, 0)),
            singulation: Some(Singulation {
                session: 2,
                population: 64,
                transit_ms: 0,
            }),
            ..Inventory::default()
        }),
        ..AntennaConfig::default()
    };
    let inventory = InventorySpec {
        id: 1,
        air_protocol: 1,
        antennas: vec![antenna],
        extensions: Vec::new(),
    };
    RoSpec {
        id: 77,
        inventories: vec![AntennaInventory {
            antennas: vec![1, 2, 3],
            inventories: vec![inventory],
            ..AntennaInventory::default()
        }],
        report: Some(ReportSpec {
            trigger: 1,
            n: 1,
            content: ReportContent::PRESENCE,
            memory: Some(0xC0),
            extensions: Vec::new(),
        }),
        ..RoSpec::default()
    }
}

fn capabilities() -> Capabilities {
    Capabilities {
        antennas_max: 4,
        has_utc_clock: true,
        manufacturer: 99_999,
        model: 7,
        firmware: "1.2.3".into(),
        gpio: (4, 4),
        air_protocols: vec![(1, vec![1])],
        sensitivities: vec![(1, 0)],
        holds_reports: true,
        ro_specs_max: 1,
        country: 276,
        regulation: 2,
        powers: vec![(1, 1000), (2, 3000)],
        fixed_frequencies_khz: vec![865_700],
        rf_modes: vec![1000],
        ..Capabilities::default()
    }
}

fn event(event: ReaderEvent) -> Message {
    Message::ReaderEventNotification(ReaderEvents {
        at: Some(ReaderTime::Utc(0x0006_0A24_181E_4000)),
        events: vec![event],
    })
}

fn events() -> Vec<(&'static str, Message)> {
    use ReaderEvent as E;
    let attempt = |attempt| event(E::ConnectionAttempt(attempt));
    vec![
        ("connected", attempt(ConnectionAttempt::Success)),
        ("taken", attempt(ConnectionAttempt::ClientInitiatedExists)),
        (
            "antenna gone",
            event(E::Antenna {
                connected: false,
                antenna_id: 1,
            }),
        ),
        ("overflow", event(E::BufferOverflow)),
        ("buffer", event(E::BufferLevel { percent: 90 })),
        ("closing", event(E::ConnectionClose)),
        (
            "input",
            event(E::Gpi {
                port: 1,
                high: true,
            }),
        ),
        (
            "rospec ended",
            event(E::RoSpec {
                event: 1,
                id: 77,
                preempting_id: 0,
            }),
        ),
        (
            "aispec ended",
            event(E::AiSpec {
                ro_spec_id: 77,
                spec_index: 1,
            }),
        ),
        (
            "exception",
            event(E::Exception {
                message: "hot".into(),
                details: Vec::new(),
            }),
        ),
    ]
}

fn commands() -> Vec<(&'static str, Message)> {
    let refused = Status::failed(101, "field");
    let mut messages = Vec::new();
    for command in SpecCommand::all() {
        messages.push(("command", Message::Spec { command, id: 77 }));
        let status = refused.clone();
        messages.push(("answer", Message::SpecResponse { command, status }));
    }
    messages
}

fn messages() -> Vec<(&'static str, Message)> {
    let config = ReaderConfig {
        events: vec![(EventKind::RO_SPEC, true), (EventKind::ANTENNA, false)],
        keepalive_ms: Some(10_000),
        hold_events_and_reports: Some(true),
        ..ReaderConfig::default()
    };
    let answer = ReaderConfig {
        antennas: vec![AntennaConfig {
            antenna_id: 1,
            ..AntennaConfig::default()
        }],
        report: ro_spec().report,
        ..config.clone()
    };
    let refused = Status::failed(101, "field");
    let mut messages = vec![
        (
            "ask capabilities",
            Message::GetReaderCapabilities { requested: 0 },
        ),
        (
            "capabilities",
            Message::GetReaderCapabilitiesResponse {
                status: Status::OK,
                capabilities: Box::new(capabilities()),
            },
        ),
        (
            "ask config",
            Message::GetReaderConfig {
                antenna_id: 0,
                requested: 0,
                gpi_port: 0,
                gpo_port: 0,
            },
        ),
        (
            "config",
            Message::GetReaderConfigResponse {
                status: Status::OK,
                config: Box::new(answer),
            },
        ),
        ("set config", Message::SetReaderConfig(Box::new(config))),
        ("config set", Message::SetReaderConfigResponse(Status::OK)),
        ("add", Message::AddRoSpec(Box::new(ro_spec()))),
        ("added", Message::AddRoSpecResponse(refused.clone())),
        ("ask specs", Message::GetRoSpecs),
        (
            "specs",
            Message::GetRoSpecsResponse {
                status: Status::OK,
                specs: vec![ro_spec()],
            },
        ),
        ("ask version", Message::GetSupportedVersion),
        ("get report", Message::GetReport),
        ("empty report", Message::RoAccessReport),
        ("keepalive", Message::Keepalive),
        ("keepalive ack", Message::KeepaliveAck),
        ("enable", Message::EnableEventsAndReports),
        ("close", Message::CloseConnection),
        ("closed", Message::CloseConnectionResponse(Status::OK)),
        ("error", Message::ErrorMessage(refused)),
    ];
    messages.extend(commands());
    messages.extend(events());
    messages
}

fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let long = [0x36; 26];
    let other = TagReport::of(&long).with(Field::AntennaId, 2);
    let mut frames = vec![("report", encode_report(0x64, &[tag(), other]))];
    for (at, (name, message)) in messages().into_iter().enumerate() {
        frames.push((name, message.encode(u32::try_from(at).unwrap() + 7)));
    }
    frames
}

fn list<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().map(|it| it.to_string()).collect();
    values.join(",")
}

/// What we read, in the dissector's words.
fn ours(bytes: &[u8]) -> Vec<String> {
    let (frame, _) = Frame::split(bytes).unwrap();
    let mut row = vec![String::new(); FIELDS.len()];
    row[0] = frame.kind.0.to_string();
    row[1] = bytes.len().to_string();
    row[2] = frame.id.to_string();
    let message = Message::read(&frame).unwrap();
    if message == Message::RoAccessReport {
        let tags: Vec<TagReport<'_>> = TagReports::new(frame.body)
            .filter_map(|it| match it {
                ReportItem::Tag(tag) => Some(tag),
                _ => None,
            })
            .collect();
        let with = |field| tags.iter().filter(move |tag| tag.has(field));
        row[3] = list(with(Field::RoSpecId).map(|tag| tag.ro_spec_id));
        row[4] = list(with(Field::AntennaId).map(|tag| tag.antenna_id));
        // The dissector shows the byte without its sign.
        row[5] = list(with(Field::PeakRssi).map(|tag| tag.peak_rssi_dbm.cast_unsigned()));
        row[6] = list(with(Field::SeenCount).map(|tag| tag.seen_count));
    }
    row[7] = message
        .status()
        .map_or_else(String::new, |it| it.code.to_string());
    row
}

#[test]
fn wireshark_reads_every_frame_as_we_do() {
    let frames = frames();
    let theirs = dissect(&frames);
    assert_eq!(theirs.len(), frames.len(), "a frame was not dissected");
    let mut values = 0;
    for ((name, bytes), row) in frames.iter().zip(theirs) {
        let complaint = row.get(FIELDS.len()).cloned().unwrap_or_default();
        assert_eq!(complaint, "", "{name}: {bytes:02X?}");
        let own = ours(bytes);
        let known = [0, 1, 2, 7].into_iter();
        let known = known.chain(
            (*name == "report")
                .then_some([3, 4, 5, 6])
                .into_iter()
                .flatten(),
        );
        for at in known {
            assert_eq!(row[at], own[at], "{name}: {} of {bytes:02X?}", FIELDS[at]);
        }
        values += row.iter().filter(|it| !it.is_empty()).count();
    }
    assert!(
        values > 150,
        "the dissector said too little: {values} values"
    );
}

#[test]
fn wireshark_finds_the_settings_that_we_send() {
    let find = |name: &str| frames().into_iter().find(|it| it.0 == name).unwrap();
    let rows = dissect(&[find("set config"), find("add"), find("taken")]);
    assert_eq!(rows[0][9], "1", "hold events and reports: {rows:?}");
    assert_eq!(rows[1][3], "77", "{rows:?}");
    assert_eq!(rows[1][10], "1", "report trigger: {rows:?}");
    assert_eq!(rows[1][11], "2", "session: {rows:?}");
    assert_eq!(rows[2][8], "2", "connection status: {rows:?}");
}

#[test]
fn a_wrong_field_would_be_noticed() {
    let (name, mut bytes) = frames().swap_remove(0);
    let expected = ours(&bytes);
    // The antenna of the first tag.
    let at = bytes.windows(3).position(|it| it == [0x81, 0, 3]).unwrap();
    bytes[at + 2] = 9;
    assert_ne!(dissect(&[(name, bytes)])[0][4], expected[4]);
}
