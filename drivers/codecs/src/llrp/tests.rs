//! The worked frames of the standard's field lists, one line each; round trips; damaged streams.

use proptest::prelude::*;

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.chars().filter(char::is_ascii_hexdigit).collect();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// Reads one frame, and demands that it is written the same again.
#[track_caller]
fn message(hex: &str) -> Message {
    let wire = bytes(hex);
    let (frame, rest) = Frame::split(&wire).unwrap();
    assert!(rest.is_empty(), "{hex}");
    let message = Message::read(&frame).unwrap();
    assert_eq!(message.encode(frame.id), wire, "{message:?}");
    message
}

fn event(event: ReaderEvent) -> Message {
    Message::ReaderEventNotification(ReaderEvents {
        at: Some(ReaderTime::Utc(0x0006_0A24_181E_4000)),
        events: vec![event],
    })
}

/// The ROSpec of the worked frames: antennas 1 and 2, session 1, a report for each tag.
pub(super) fn shop_spec() -> RoSpec {
    RoSpec {
        id: 1,
        inventories: vec![AntennaInventory {
            antennas: vec![1, 2],
            inventories: vec![InventorySpec {
                id: 1,
                air_protocol: 1,
                antennas: vec![AntennaConfig {
                    inventory: Some(Inventory {
                        singulation: Some(Singulation {
                            session: 1,
                            population: 32,
                            transit_ms: 0,
                        }),
                        ..Inventory::default()
                    }),
                    ..AntennaConfig::default()
                }],
                extensions: Vec::new(),
            }],
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

const CONNECTED: &str =
    "043f 00000020 00000000 00f6 0016 0080 000c 00060a24181e4000 0100 0006 0000";
const ADD_ROSPEC: &str = "0414000000680000000400b1005e00000001000000b2001200b300050000b60009000000000000\
     b7003000020001000200b80009000000000000ba001d00010100de00160000014a0010000150000b400020000000\
     0000ed001201000100ee000b9780015c0005c0";
const REPORT: &str = "043d 00000040 00000064 00f0 0036 8d 3074257bf7194e4000001a85 89 00000001 81 0001 \
     86 c9 82 00060a24181e4000 84 00060a2418221090 88 0003 8c 3000 8b beef";

#[test]
fn worked_frames_both_ways() {
    let attempt = ReaderEvent::ConnectionAttempt(ConnectionAttempt::Success);
    assert_eq!(message(CONNECTED), event(attempt));
    let config = ReaderConfig {
        events: [2, 3, 4, 8].map(|kind| (EventKind(kind), true)).to_vec(),
        keepalive_ms: Some(10_000),
        hold_events_and_reports: Some(true),
        ..ReaderConfig::default()
    };
    let set = "0403 00000039 00000002 00 00f4 0020 00f5 0007 0002 80 00f5 0007 0003 80 00f5 0007 0004 80 \
               00f5 0007 0008 80 00dc 0009 01 00002710 00e2 0005 80";
    assert_eq!(message(set), Message::SetReaderConfig(Box::new(config)));
    assert_eq!(
        message(ADD_ROSPEC),
        Message::AddRoSpec(Box::new(shop_spec()))
    );
}

#[test]
fn short_frames_both_ways() {
    use ReaderEvent as E;
    for (hex, expected) in [
        (
            "0401 0000000b 00000001 00",
            Message::GetReaderCapabilities { requested: 0 },
        ),
        (
            "0415 0000000e 00000003 00000000",
            Message::Spec {
                command: SpecCommand::DeleteRoSpec,
                id: 0,
            },
        ),
        (
            "0418 0000000e 00000005 00000001",
            Message::Spec {
                command: SpecCommand::EnableRoSpec,
                id: 1,
            },
        ),
        (
            "0416 0000000e 00000006 00000001",
            Message::Spec {
                command: SpecCommand::StartRoSpec,
                id: 1,
            },
        ),
        ("043e 0000000a 00000007", Message::Keepalive),
        ("0448 0000000a 00000007", Message::KeepaliveAck),
        ("0440 0000000a 00000008", Message::EnableEventsAndReports),
        ("043c 0000000a 00000009", Message::GetReport),
        ("082e 0000000a 0000000c", Message::GetSupportedVersion),
        (
            "0464 0000001d 0000000a 011f 0013 006d 000b 756e737570706f72746564",
            Message::ErrorMessage(Status::failed(status::UNSUPPORTED_MESSAGE, "unsupported")),
        ),
        ("040e 0000000a 0000000b", Message::CloseConnection),
        (
            "0404 00000012 0000000b 011f 0008 0000 0000",
            Message::CloseConnectionResponse(Status::OK),
        ),
        (
            "07ff 00000013 0000000d 0000651a 15 00000000",
            Message::Custom {
                vendor: 25882,
                subtype: 21,
                data: vec![0; 4],
            },
        ),
        (
            "043f 00000021 0000000e 00f60017 0080000c00060a24181e4000 00ff0007 00 0001",
            event(E::Antenna {
                connected: false,
                antenna_id: 1,
            }),
        ),
        (
            "043f 0000001e 0000000e 00f60014 0080000c00060a24181e4000 00fb0004",
            event(E::BufferOverflow),
        ),
        (
            "043f 0000001e 0000000e 00f60014 0080000c00060a24181e4000 01010004",
            event(E::ConnectionClose),
        ),
    ] {
        assert_eq!(message(hex), expected, "{hex}");
    }
}

#[test]
fn a_tag_report_both_ways() {
    let wire = bytes(REPORT);
    let (frame, _) = Frame::split(&wire).unwrap();
    let epc = bytes("3074257bf7194e4000001a85");
    let tag = TagReport::of(&epc)
        .with(Field::RoSpecId, 1)
        .with(Field::AntennaId, 1)
        .with(Field::PeakRssi, 0xC9)
        .with(Field::FirstSeenUtc, 0x0006_0A24_181E_4000)
        .with(Field::LastSeenUtc, 0x0006_0A24_1822_1090)
        .with(Field::SeenCount, 3)
        .with(Field::ProtocolControl, 0x3000)
        .with(Field::Crc, 0xBEEF);
    let items: Vec<_> = TagReports::new(frame.body).collect();
    assert_eq!(items, [ReportItem::Tag(tag)]);
    assert_eq!(
        (tag.peak_rssi_dbm, tag.seen_count, tag.has(Field::XpcW1)),
        (-55, 3, false)
    );
    assert_eq!(encode_report(0x64, &[tag]), wire);
}

#[test]
fn long_epcs_extensions_and_damage_cost_no_other_tag() {
    let long = [0x36; 26];
    let wire = encode_report(1, &[TagReport::of(&long).with(Field::AntennaId, 2)]);
    assert_eq!(wire[10..20], bytes("00f0 0027 00f1 0020 00d0")[..]);
    let tag = "8d 3074257bf7194e4000001a85";
    for (data, tags, unread, others, faults) in [
        // A vendor's parameter inside and between tags.
        (
            format!("00f0 0022 {tag} 03ff 000e 0000651a 00000039 ea60 81 0001"),
            1,
            0,
            0,
            0,
        ),
        (
            format!("03ff 000c 000000a1 00000001 00f0 0011 {tag}"),
            1,
            0,
            1,
            0,
        ),
        // A parameter without a length that nobody knows: the tag stays.
        (
            format!("00f0 0014 {tag} ff 01 02 00f0 0011 {tag}"),
            2,
            3,
            0,
            0,
        ),
        // No EPC; a length beyond the end.
        (format!("00f0 0007 81 0001 00f0 0011 {tag}"), 1, 0, 0, 1),
        (format!("00f0 0011 {tag} 00f0 0100 8d"), 1, 0, 0, 1),
        (String::new(), 0, 0, 0, 0),
    ] {
        let body = bytes(&data);
        let mut seen = (0, 0, 0, 0);
        for item in TagReports::new(&body) {
            match item {
                ReportItem::Tag(tag) => {
                    assert_eq!(tag.epc_bits, 96);
                    seen.0 += 1;
                    seen.1 += tag.unread_bytes;
                }
                ReportItem::Other(_) => seen.2 += 1,
                ReportItem::Fault(_) => seen.3 += 1,
            }
        }
        assert_eq!(seen, (tags, unread, others, faults), "{data}");
    }
}

fn other_capabilities() -> Capabilities {
    Capabilities {
        antennas_max: 4,
        has_utc_clock: true,
        manufacturer: 25882,
        model: 2_001_002,
        firmware: "6.4.1.240".into(),
        gpio: (4, 4),
        air_protocols: vec![(1, vec![1]), (2, vec![1])],
        sensitivities: vec![(1, 0), (2, 10)],
        warns_of_buffer: true,
        holds_reports: true,
        ro_specs_max: 1,
        country: 276,
        regulation: 2,
        powers: vec![(1, 1000), (2, 3000)],
        fixed_frequencies_khz: vec![865_700, 866_300],
        rf_modes: vec![0, 1000],
        extensions: vec![Parameter {
            kind: 327,
            body: vec![0x80, 0, 2],
        }],
        ..Capabilities::default()
    }
}

fn other_config() -> ReaderConfig {
    ReaderConfig {
        identification: Some((0, vec![0, 0x16, 0x25, 0x10, 0x57, 0x23])),
        antennas: vec![AntennaConfig {
            antenna_id: 1,
            receive_sensitivity: Some(1),
            transmitter: Some(Transmitter {
                hop_table_id: 1,
                channel_index: 0,
                power_index: 81,
            }),
            inventory: Some(Inventory {
                rf_mode: Some((1000, 0)),
                extensions: vec![Parameter {
                    kind: 1023,
                    body: bytes("0000651a 00000017 0002"),
                }],
                ..Inventory::default()
            }),
            extensions: Vec::new(),
        }],
        report: shop_spec().report,
        keepalive_ms: Some(0),
        ..ReaderConfig::default()
    }
}

#[test]
fn a_reader_of_another_maker_is_read_and_written_again() {
    for message in [
        Message::GetReaderCapabilitiesResponse {
            status: Status::OK,
            capabilities: Box::new(other_capabilities()),
        },
        Message::GetReaderConfigResponse {
            status: Status::OK,
            config: Box::new(other_config()),
        },
        Message::GetRoSpecsResponse {
            status: Status::OK,
            specs: vec![shop_spec(), RoSpec::default()],
        },
        Message::GetSupportedVersionResponse {
            current: 1,
            supported: 2,
            status: Status::OK,
        },
        Message::Other {
            kind: MessageType(999),
            body: vec![1, 2, 3],
        },
    ] {
        let wire = message.encode(77);
        let (frame, _) = Frame::split(&wire).unwrap();
        assert_eq!((frame.id, Message::read(&frame)), (77, Ok(message)));
    }
}

fn drain(decoder: &mut FrameDecoder) -> Vec<String> {
    let mut out = Vec::new();
    while let Some(item) = decoder.next_item() {
        out.push(format!("{item:?}"));
    }
    out
}

#[test]
fn the_pieces_of_a_stream_change_nothing() {
    let stream = [bytes(CONNECTED), bytes(REPORT), bytes(ADD_ROSPEC)].concat();
    let mut whole = FrameDecoder::new();
    whole.push(&stream);
    let expected = drain(&mut whole);
    assert_eq!(expected.len(), 3);
    let (mut single, mut seen) = (FrameDecoder::new(), Vec::new());
    for byte in &stream {
        single.push(&[*byte]);
        seen.extend(drain(&mut single));
    }
    assert_eq!(seen, expected);
    assert_eq!(single.finish(), None);
}

#[test]
fn rubbish_is_told_and_the_next_known_header_is_found() {
    let mut decoder = FrameDecoder::new();
    decoder.push(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    decoder.push(&bytes(REPORT));
    decoder.push(&bytes("043e ffffffff 00000007"));
    decoder.push(&bytes("043e 0000000a 00000007 04"));
    let seen = drain(&mut decoder);
    assert_eq!(seen.len(), 4, "{seen:#?}");
    assert!(seen[0].starts_with("Fault(no LLRP header"), "{seen:#?}");
    assert_eq!(seen[1], "Frame(RO_ACCESS_REPORT 100 (54 bytes))");
    assert!(seen[2].starts_with("Fault(a message larger"), "{seen:#?}");
    assert_eq!(seen[3], "Frame(KEEPALIVE 7 (0 bytes))");
    assert_eq!(decoder.finish().unwrap().reason, FrameFaultReason::Cut);
}

#[test]
fn a_report_of_more_than_a_megabyte_is_read() {
    let epc = [0x30; 12];
    let tag = TagReport::of(&epc)
        .with(Field::AntennaId, 1)
        .with(Field::SeenCount, 2);
    let wire = encode_report(5, &vec![tag; 60_000]);
    assert!(wire.len() > 1_300_000);
    let mut decoder = FrameDecoder::new();
    wire.chunks(1460).for_each(|chunk| decoder.push(chunk));
    let Some(FrameItem::Frame(frame)) = decoder.next_item() else {
        panic!("no frame")
    };
    assert_eq!(
        TagReports::new(frame.body)
            .filter(|it| *it == ReportItem::Tag(tag))
            .count(),
        60_000
    );
}

#[test]
fn close_connection_is_fourteen_and_its_response_four() {
    assert_eq!(Message::CloseConnection.kind(), MessageType(14));
    assert_eq!(
        Message::CloseConnectionResponse(Status::OK).kind(),
        MessageType(4)
    );
    for command in SpecCommand::all() {
        let answer = Message::SpecResponse {
            command,
            status: Status::OK,
        };
        let wire = answer.encode(1);
        assert_eq!(Message::read(&Frame::split(&wire).unwrap().0), Ok(answer));
    }
}

proptest! {
    #[test]
    fn any_tag_is_read_as_it_was_written(
        epc in proptest::collection::vec(any::<u8>(), 0..62),
        values in proptest::collection::vec(any::<u64>(), 16),
        present in any::<u16>(),
    ) {
        let mut tag = TagReport::of(&epc);
        for (at, field) in Field::ALL.into_iter().enumerate() {
            if present & 1 << at != 0 {
                tag = tag.with(field, values[at]);
            }
        }
        let wire = encode_report(1, &[tag, tag]);
        let (frame, _) = Frame::split(&wire).unwrap();
        let items: Vec<_> = TagReports::new(frame.body).collect();
        prop_assert_eq!(items, vec![ReportItem::Tag(tag); 2]);
    }

    #[test]
    fn any_body_is_a_message_that_reads_the_same_again_or_an_error(
        kind in proptest::sample::select(vec![1_u16, 2, 3, 4, 11, 12, 13, 14, 20, 21, 30, 36, 56, 61, 63, 64, 100, 1023, 700]),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let frame = Frame { version: 1, kind: MessageType(kind), id: 9, body: &body };
        if let Ok(message) = Message::read(&frame) {
            let wire = message.encode(9);
            let (again, _) = Frame::split(&wire).unwrap();
            prop_assert_eq!(Message::read(&again), Ok(message));
        }
    }
}
