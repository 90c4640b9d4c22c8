//! Messages as values: everything a client and a simulated reader say, but for tag reports.
//!
//! A report is read by [`super::TagReports`] from the frame itself. Reading a message never loses a frame:
//! what is not understood is [`Message::Other`], and a message whose fields are cut short is a
//! [`ReadError`] with its type, so that the session can go on with the next.

use super::capability::Capabilities;
use super::config::ReaderConfig;
use super::event::{ReaderEvents, Status};
use super::frame::{Frame, HEADER_BYTES};
use super::parameter::{Fields, PARAMETERS_MAX, Views, Writer};
use super::spec::RoSpec;
use super::types::{MessageType, VERSION_1_0_1, VERSION_1_1, tlv};

/// A message whose fields can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?}: fields are missing or cut short")]
pub struct ReadError {
    /// What it claimed to be.
    pub kind: MessageType,
}

/// What is done to a spec by its number; 0 means all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the standard")]
pub enum SpecCommand {
    DeleteRoSpec,
    StartRoSpec,
    StopRoSpec,
    EnableRoSpec,
    DisableRoSpec,
    DeleteAccessSpec,
    EnableAccessSpec,
    DisableAccessSpec,
}

impl SpecCommand {
    /// Commands and their messages; the answer's number is ten more.
    const TABLE: [(SpecCommand, MessageType); 8] = [
        (SpecCommand::DeleteRoSpec, MessageType::DELETE_ROSPEC),
        (SpecCommand::StartRoSpec, MessageType::START_ROSPEC),
        (SpecCommand::StopRoSpec, MessageType::STOP_ROSPEC),
        (SpecCommand::EnableRoSpec, MessageType::ENABLE_ROSPEC),
        (SpecCommand::DisableRoSpec, MessageType::DISABLE_ROSPEC),
        (
            SpecCommand::DeleteAccessSpec,
            MessageType::DELETE_ACCESSSPEC,
        ),
        (
            SpecCommand::EnableAccessSpec,
            MessageType::ENABLE_ACCESSSPEC,
        ),
        (
            SpecCommand::DisableAccessSpec,
            MessageType::DISABLE_ACCESSSPEC,
        ),
    ];

    fn message(self) -> MessageType {
        Self::TABLE
            .iter()
            .find(|row| row.0 == self)
            .map_or(MessageType(0), |row| row.1)
    }

    fn of(kind: MessageType) -> Option<SpecCommand> {
        let row = Self::TABLE.iter().find(|row| row.1 == kind)?;
        Some(row.0)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = SpecCommand> {
        Self::TABLE.into_iter().map(|row| row.0)
    }
}

/// A message without its id.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the standard")]
pub enum Message {
    GetReaderCapabilities {
        /// 0: all.
        requested: u8,
    },
    GetReaderCapabilitiesResponse {
        status: Status,
        capabilities: Box<Capabilities>,
    },
    GetReaderConfig {
        /// 0: all.
        antenna_id: u16,
        /// 0: all.
        requested: u8,
        gpi_port: u16,
        gpo_port: u16,
    },
    GetReaderConfigResponse {
        status: Status,
        config: Box<ReaderConfig>,
    },
    SetReaderConfig(Box<ReaderConfig>),
    SetReaderConfigResponse(Status),
    AddRoSpec(Box<RoSpec>),
    AddRoSpecResponse(Status),
    Spec {
        command: SpecCommand,
        /// 0: all.
        id: u32,
    },
    SpecResponse {
        command: SpecCommand,
        status: Status,
    },
    GetRoSpecs,
    GetRoSpecsResponse {
        status: Status,
        specs: Vec<RoSpec>,
    },
    GetSupportedVersion,
    GetSupportedVersionResponse {
        current: u8,
        supported: u8,
        status: Status,
    },
    SetProtocolVersion {
        version: u8,
    },
    SetProtocolVersionResponse(Status),
    GetReport,
    /// A report; its tags are read from the frame.
    RoAccessReport,
    Keepalive,
    /// Answers a keep-alive and repeats its id.
    KeepaliveAck,
    ReaderEventNotification(ReaderEvents),
    EnableEventsAndReports,
    CloseConnection,
    CloseConnectionResponse(Status),
    ErrorMessage(Status),
    Custom {
        /// IANA private enterprise number.
        vendor: u32,
        subtype: u8,
        data: Vec<u8>,
    },
    /// Not read here: access specs, and what a newer version has.
    Other {
        kind: MessageType,
        body: Vec<u8>,
    },
}

impl Message {
    /// Reads a frame.
    pub fn read(frame: &Frame<'_>) -> Result<Message, ReadError> {
        read(frame).ok_or(ReadError { kind: frame.kind })
    }

    /// The type of its frame.
    #[must_use]
    pub fn kind(&self) -> MessageType {
        use MessageType as T;
        match self {
            Message::GetReaderCapabilities { .. } => T::GET_READER_CAPABILITIES,
            Message::GetReaderCapabilitiesResponse { .. } => T::GET_READER_CAPABILITIES_RESPONSE,
            Message::GetReaderConfig { .. } => T::GET_READER_CONFIG,
            Message::GetReaderConfigResponse { .. } => T::GET_READER_CONFIG_RESPONSE,
            Message::SetReaderConfig(_) => T::SET_READER_CONFIG,
            Message::SetReaderConfigResponse(_) => T::SET_READER_CONFIG_RESPONSE,
            Message::AddRoSpec(_) => T::ADD_ROSPEC,
            Message::AddRoSpecResponse(_) => T::ADD_ROSPEC_RESPONSE,
            Message::Spec { command, .. } => command.message(),
            Message::SpecResponse { command, .. } => MessageType(command.message().0 + 10),
            Message::GetRoSpecs => T::GET_ROSPECS,
            Message::GetRoSpecsResponse { .. } => T::GET_ROSPECS_RESPONSE,
            Message::GetSupportedVersion => T::GET_SUPPORTED_VERSION,
            Message::GetSupportedVersionResponse { .. } => T::GET_SUPPORTED_VERSION_RESPONSE,
            Message::SetProtocolVersion { .. } => T::SET_PROTOCOL_VERSION,
            Message::SetProtocolVersionResponse(_) => T::SET_PROTOCOL_VERSION_RESPONSE,
            Message::GetReport => T::GET_REPORT,
            Message::RoAccessReport => T::RO_ACCESS_REPORT,
            Message::Keepalive => T::KEEPALIVE,
            Message::KeepaliveAck => T::KEEPALIVE_ACK,
            Message::ReaderEventNotification(_) => T::READER_EVENT_NOTIFICATION,
            Message::EnableEventsAndReports => T::ENABLE_EVENTS_AND_REPORTS,
            Message::CloseConnection => T::CLOSE_CONNECTION,
            Message::CloseConnectionResponse(_) => T::CLOSE_CONNECTION_RESPONSE,
            Message::ErrorMessage(_) => T::ERROR_MESSAGE,
            Message::Custom { .. } => T::CUSTOM_MESSAGE,
            Message::Other { kind, .. } => *kind,
        }
    }

    /// The status that it carries, if it is an answer.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        match self {
            Message::GetReaderCapabilitiesResponse { status, .. }
            | Message::GetReaderConfigResponse { status, .. }
            | Message::SetReaderConfigResponse(status)
            | Message::AddRoSpecResponse(status)
            | Message::SpecResponse { status, .. }
            | Message::GetRoSpecsResponse { status, .. }
            | Message::GetSupportedVersionResponse { status, .. }
            | Message::SetProtocolVersionResponse(status)
            | Message::CloseConnectionResponse(status)
            | Message::ErrorMessage(status) => Some(status),
            _ => None,
        }
    }

    /// The bytes of the whole message.
    #[must_use]
    pub fn encode(&self, id: u32) -> Vec<u8> {
        let mut w = Writer::default();
        let version = match self {
            // The version is asked for in the words of the version that has the question.
            Message::GetSupportedVersion
            | Message::GetSupportedVersionResponse { .. }
            | Message::SetProtocolVersion { .. }
            | Message::SetProtocolVersionResponse(_) => VERSION_1_1,
            _ => VERSION_1_0_1,
        };
        put_header(&mut w, version, self.kind(), id);
        self.put_body(&mut w);
        finish(w)
    }

    fn put_body(&self, w: &mut Writer) {
        match self {
            Message::GetSupportedVersionResponse {
                current, supported, ..
            } => {
                w.u8(*current).u8(*supported);
            }
            Message::GetReaderCapabilities { requested: byte }
            | Message::SetProtocolVersion { version: byte } => {
                w.u8(*byte);
            }
            Message::GetReaderConfig {
                antenna_id,
                requested,
                gpi_port,
                gpo_port,
            } => {
                w.u16(*antenna_id)
                    .u8(*requested)
                    .u16(*gpi_port)
                    .u16(*gpo_port);
            }
            Message::SetReaderConfig(config) => {
                w.u8(u8::from(config.factory_reset) << 7);
                config.write(w);
            }
            Message::AddRoSpec(spec) => spec.write(w),
            Message::Spec { id, .. } => {
                w.u32(*id);
            }
            Message::ReaderEventNotification(events) => events.write(w),
            Message::Custom {
                vendor,
                subtype,
                data,
            } => {
                w.u32(*vendor).u8(*subtype).raw(data);
            }
            Message::Other { body, .. } => {
                w.raw(body);
            }
            _ => {}
        }
        if let Some(status) = self.status() {
            status.write(w);
        }
        match self {
            Message::GetReaderCapabilitiesResponse { capabilities, .. } => capabilities.write(w),
            Message::GetReaderConfigResponse { config, .. } => config.write(w),
            Message::GetRoSpecsResponse { specs, .. } => {
                specs.iter().for_each(|spec| spec.write(w));
            }
            _ => {}
        }
    }
}

fn read(frame: &Frame<'_>) -> Option<Message> {
    use MessageType as T;
    let mut fields = Fields::of(frame.body);
    if let Some(command) = SpecCommand::of(frame.kind) {
        let id = fields.u32()?;
        return Some(Message::Spec { command, id });
    }
    Some(match frame.kind {
        T::GET_READER_CAPABILITIES => Message::GetReaderCapabilities {
            requested: fields.u8()?,
        },
        T::GET_READER_CONFIG => Message::GetReaderConfig {
            antenna_id: fields.u16()?,
            requested: fields.u8()?,
            gpi_port: fields.u16()?,
            gpo_port: fields.u16()?,
        },
        T::SET_READER_CONFIG => {
            let factory_reset = fields.u8()? & 0x80 != 0;
            let mut config = ReaderConfig::read(fields.parameters())?;
            config.factory_reset = factory_reset;
            Message::SetReaderConfig(Box::new(config))
        }
        T::ADD_ROSPEC => {
            let spec = fields.parameters().find(|it| it.kind == tlv::RO_SPEC)?;
            Message::AddRoSpec(Box::new(RoSpec::read(spec.body)?))
        }
        T::GET_ROSPECS => Message::GetRoSpecs,
        T::GET_SUPPORTED_VERSION => Message::GetSupportedVersion,
        T::SET_PROTOCOL_VERSION => Message::SetProtocolVersion {
            version: fields.u8()?,
        },
        T::GET_REPORT => Message::GetReport,
        T::RO_ACCESS_REPORT => Message::RoAccessReport,
        T::KEEPALIVE => Message::Keepalive,
        T::KEEPALIVE_ACK => Message::KeepaliveAck,
        T::READER_EVENT_NOTIFICATION => {
            Message::ReaderEventNotification(ReaderEvents::read(frame.body)?)
        }
        T::ENABLE_EVENTS_AND_REPORTS => Message::EnableEventsAndReports,
        T::CLOSE_CONNECTION => Message::CloseConnection,
        T::CUSTOM_MESSAGE => Message::Custom {
            vendor: fields.u32()?,
            subtype: fields.u8()?,
            data: fields.rest.to_vec(),
        },
        _ => return answer(frame),
    })
}

/// Reads the messages that have a status.
fn answer(frame: &Frame<'_>) -> Option<Message> {
    use MessageType as T;
    let mut fields = Fields::of(frame.body);
    let (current, supported) = match frame.kind {
        T::GET_SUPPORTED_VERSION_RESPONSE => (fields.u8()?, fields.u8()?),
        _ => (0, 0),
    };
    let status = || {
        let view = fields.parameters().find(|it| it.kind == tlv::LLRP_STATUS)?;
        Status::read(view.body)
    };
    let rest = Views { rest: fields.rest };
    let others = || rest.filter(|it| it.kind != tlv::LLRP_STATUS);
    let asked = frame.kind.0.checked_sub(10).map(MessageType);
    if let Some(command) = asked.and_then(SpecCommand::of) {
        let status = status()?;
        return Some(Message::SpecResponse { command, status });
    }
    Some(match frame.kind {
        T::GET_READER_CAPABILITIES_RESPONSE => Message::GetReaderCapabilitiesResponse {
            status: status()?,
            capabilities: Box::new(Capabilities::read(behind_status(rest))?),
        },
        T::GET_READER_CONFIG_RESPONSE => Message::GetReaderConfigResponse {
            status: status()?,
            config: Box::new(ReaderConfig::read(behind_status(rest))?),
        },
        T::SET_READER_CONFIG_RESPONSE => Message::SetReaderConfigResponse(status()?),
        T::ADD_ROSPEC_RESPONSE => Message::AddRoSpecResponse(status()?),
        T::GET_ROSPECS_RESPONSE => Message::GetRoSpecsResponse {
            status: status()?,
            specs: others()
                .filter(|it| it.kind == tlv::RO_SPEC)
                .take(PARAMETERS_MAX)
                .map(|it| RoSpec::read(it.body))
                .collect::<Option<_>>()?,
        },
        T::GET_SUPPORTED_VERSION_RESPONSE => Message::GetSupportedVersionResponse {
            current,
            supported,
            status: status()?,
        },
        T::SET_PROTOCOL_VERSION_RESPONSE => Message::SetProtocolVersionResponse(status()?),
        T::CLOSE_CONNECTION_RESPONSE => Message::CloseConnectionResponse(status()?),
        T::ERROR_MESSAGE => Message::ErrorMessage(status()?),
        kind => Message::Other {
            kind,
            body: frame.body.to_vec(),
        },
    })
}

/// What follows the status, which stands first.
fn behind_status(mut parameters: Views<'_>) -> Views<'_> {
    let whole = parameters;
    match parameters.next() {
        Some(first) if first.kind == tlv::LLRP_STATUS => parameters,
        _ => whole,
    }
}

/// A header whose length [`finish`] fills in.
pub(super) fn put_header(w: &mut Writer, version: u8, kind: MessageType, id: u32) {
    w.u16(u16::from(version) << 10 | kind.0 & 0x3FF)
        .u32(0)
        .u32(id);
}

pub(super) fn finish(w: Writer) -> Vec<u8> {
    let mut bytes = w.bytes;
    debug_assert!(bytes.len() >= HEADER_BYTES, "every message has a header");
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    if let Some(field) = bytes.get_mut(2..6) {
        field.copy_from_slice(&length.to_be_bytes());
    }
    bytes
}
