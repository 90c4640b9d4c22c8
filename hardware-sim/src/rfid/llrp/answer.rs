//! What the reader answers, and what it does for it.

use shelf_codecs::llrp::{
    Capabilities, HEADER_BYTES, Message, MessageType, ReadError, ReaderConfig, ReaderEvent, RoSpec,
    SpecCommand, Status, status,
};

use super::reader::LlrpReader;

/// ROSpecs that it keeps.
const RO_SPECS_MAX: usize = 8;
/// States of a ROSpec.
const DISABLED: u8 = 0;
const INACTIVE: u8 = 1;
const ACTIVE: u8 = 2;

impl LlrpReader {
    /// Answers one message.
    pub(super) fn answer(&mut self, now_us: u64, id: u32, message: Result<Message, ReadError>) {
        if !self.connected {
            return;
        }
        let answer = match message {
            Err(_) => Message::ErrorMessage(Status::failed(
                status::PARAMETER_ERROR,
                "the message can't be read",
            )),
            Ok(message) => match self.carry_out(now_us, message) {
                Some(answer) => answer,
                None => return,
            },
        };
        if self.habits.stray_errors {
            let stray = Status::failed(status::UNSUPPORTED_MESSAGE, "unsupported");
            self.put(Message::ErrorMessage(stray).encode(0));
        }
        let closes = matches!(answer, Message::CloseConnectionResponse(_));
        self.put(answer.encode(id));
        if closes {
            self.hang_up();
        }
        self.report(now_us);
    }

    /// Does what a message asks; `None`: nothing is answered.
    fn carry_out(&mut self, now_us: u64, message: Message) -> Option<Message> {
        Some(match message {
            Message::GetReaderCapabilities { .. } => Message::GetReaderCapabilitiesResponse {
                status: Status::OK,
                capabilities: Box::new(self.capabilities()),
            },
            Message::GetReaderConfig { .. } => Message::GetReaderConfigResponse {
                status: Status::OK,
                config: Box::new(ReaderConfig {
                    identification: Some((0, vec![0x02, 0, 0, 0, 0, 1])),
                    keepalive_ms: u32::try_from(self.keepalive_ms).ok(),
                    hold_events_and_reports: Some(self.holds_on_connect),
                    ..ReaderConfig::default()
                }),
            },
            Message::SetReaderConfig(config) => {
                if let Some(ms) = config.keepalive_ms {
                    self.keepalive_set(now_us, ms);
                }
                if let Some(hold) = config.hold_events_and_reports {
                    if hold && !self.config.holds_reports {
                        let why = "reports can't be held";
                        let refused = Status::failed(status::FIELD_ERROR, why);
                        return Some(Message::SetReaderConfigResponse(refused));
                    }
                    self.holds_on_connect = hold;
                }
                Message::SetReaderConfigResponse(Status::OK)
            }
            Message::AddRoSpec(spec) => Message::AddRoSpecResponse(self.add(*spec)),
            Message::GetRoSpecs => Message::GetRoSpecsResponse {
                status: Status::OK,
                specs: self.specs.clone(),
            },
            Message::Spec { command, id } => Message::SpecResponse {
                status: self.command(now_us, command, id),
                command,
            },
            Message::EnableEventsAndReports => {
                self.holding = false;
                self.report(now_us);
                return None;
            }
            Message::GetReport => {
                self.report(now_us);
                self.put(shelf_codecs::llrp::encode_report(0, &[]));
                return None;
            }
            Message::CloseConnection => Message::CloseConnectionResponse(Status::OK),
            Message::KeepaliveAck => return None,
            Message::GetSupportedVersion | Message::SetProtocolVersion { .. } => {
                unsupported(status::UNSUPPORTED_VERSION, "this reader speaks LLRP 1.0.1")
            }
            Message::Other { kind, .. } if is_access_spec(kind) => unsupported(
                status::UNSUPPORTED_MESSAGE,
                "this reader has no AccessSpecs",
            ),
            _ => unsupported(status::UNSUPPORTED_MESSAGE, "unknown message"),
        })
    }

    fn add(&mut self, spec: RoSpec) -> Status {
        if self.habits.refuses_work {
            return Status::failed(status::FIELD_ERROR, "invalid HopTableID (1)");
        }
        let antennas = spec.inventories.iter().flat_map(|it| &it.antennas);
        if antennas.copied().any(|it| it > self.config.antennas) {
            return Status::failed(status::FIELD_ERROR, "no such antenna");
        }
        if self.specs.iter().any(|it| it.id == spec.id) || self.specs.len() >= RO_SPECS_MAX {
            return Status::failed(status::PARAMETER_ERROR, "ROSpec exists, or too many");
        }
        self.specs.push(RoSpec {
            state: DISABLED,
            ..spec
        });
        Status::OK
    }

    fn command(&mut self, now_us: u64, command: SpecCommand, id: u32) -> Status {
        let is_meant = |it: &RoSpec| id == 0 || it.id == id;
        if is_access_command(command) {
            return Status::failed(
                status::UNSUPPORTED_MESSAGE,
                "this reader has no AccessSpecs",
            );
        }
        if !self.specs.iter().any(is_meant) {
            return match (command, id) {
                (SpecCommand::DeleteRoSpec | SpecCommand::DisableRoSpec, 0) => Status::OK,
                _ => Status::failed(status::FIELD_ERROR, "no such ROSpec"),
            };
        }
        if command == SpecCommand::DeleteRoSpec {
            self.specs.retain(|it| !is_meant(it));
            return Status::OK;
        }
        let mut events = Vec::new();
        for spec in self.specs.iter_mut().filter(|it| is_meant(it)) {
            let next = match (command, spec.state) {
                (SpecCommand::EnableRoSpec, DISABLED) => INACTIVE,
                (SpecCommand::StartRoSpec, INACTIVE) => ACTIVE,
                (SpecCommand::StopRoSpec, ACTIVE) => INACTIVE,
                (SpecCommand::DisableRoSpec, _) => DISABLED,
                (SpecCommand::StartRoSpec | SpecCommand::StopRoSpec, DISABLED) => {
                    return Status::failed(status::FIELD_ERROR, "the ROSpec is disabled");
                }
                (_, state) => state,
            };
            if (spec.state == ACTIVE) != (next == ACTIVE) {
                events.push((u8::from(next != ACTIVE), spec.id));
            }
            spec.state = next;
        }
        for (event, id) in events {
            let told = ReaderEvent::RoSpec {
                event,
                id,
                preempting_id: 0,
            };
            let told = self.event(now_us, told);
            self.put(told);
        }
        Status::OK
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            antennas_max: self.config.antennas,
            has_utc_clock: true,
            manufacturer: 0,
            model: 1,
            firmware: "shelf-sim".into(),
            gpio: (0, 0),
            air_protocols: (1..=self.config.antennas).map(|it| (it, vec![1])).collect(),
            sensitivities: vec![(1, 0)],
            warns_of_buffer: true,
            holds_reports: self.config.holds_reports,
            ro_specs_max: u32::try_from(RO_SPECS_MAX).unwrap_or(0),
            country: 276,
            regulation: 2,
            powers: vec![(1, 3_000)],
            hops: false,
            fixed_frequencies_khz: vec![865_700, 866_300],
            rf_modes: vec![1],
            ..Capabilities::default()
        }
    }
}

fn unsupported(code: u16, why: &str) -> Message {
    Message::ErrorMessage(Status::failed(code, why))
}

fn is_access_spec(kind: MessageType) -> bool {
    matches!(
        kind,
        MessageType::ADD_ACCESSSPEC | MessageType::GET_ACCESSSPECS
    )
}

fn is_access_command(command: SpecCommand) -> bool {
    matches!(
        command,
        SpecCommand::DeleteAccessSpec
            | SpecCommand::EnableAccessSpec
            | SpecCommand::DisableAccessSpec
    )
}

/// The report with what no standard has: a vendor's parameter between the tags, and one of unknown type.
pub(super) fn with_garbage(frame: &[u8]) -> Vec<u8> {
    /// Custom (1023) of an unknown vendor, and a type that nobody gave away.
    const GARBAGE: [u8; 24] = [
        0x03, 0xFF, 0x00, 0x10, 0x00, 0x01, 0xE2, 0x40, 0x00, 0x00, 0x00, 0x07, 0xDE, 0xAD, 0xBE,
        0xEF, 0x03, 0xA0, 0x00, 0x08, 0x55, 0xAA, 0x55, 0xAA,
    ];
    let (head, body) = frame.split_at_checked(HEADER_BYTES).unwrap_or((frame, &[]));
    let mut whole = [head, &GARBAGE, body, &GARBAGE].concat();
    let length = u32::try_from(whole.len()).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(field) = whole.get_mut(2..6) {
        field.copy_from_slice(&length);
    }
    whole
}
