//! The numbers of messages and parameters.

/// The version field of LLRP 1.0.1, which the readers in the field speak.
pub const VERSION_1_0_1: u8 = 1;
/// The version field of LLRP 1.1.
pub const VERSION_1_1: u8 = 2;

/// A message type: ten bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(pub u16);

macro_rules! message_types {
    ($($name:ident = $number:literal),+ $(,)?) => {
        #[expect(missing_docs, reason = "the names are those of the standard")]
        impl MessageType {
            $(pub const $name: MessageType = MessageType($number);)+
        }

        const NAMES: &[(u16, &str)] = &[$(($number, stringify!($name))),+];
    };
}

message_types! {
    GET_READER_CAPABILITIES = 1,
    GET_READER_CONFIG = 2,
    SET_READER_CONFIG = 3,
    CLOSE_CONNECTION_RESPONSE = 4,
    GET_READER_CAPABILITIES_RESPONSE = 11,
    GET_READER_CONFIG_RESPONSE = 12,
    SET_READER_CONFIG_RESPONSE = 13,
    CLOSE_CONNECTION = 14,
    ADD_ROSPEC = 20,
    DELETE_ROSPEC = 21,
    START_ROSPEC = 22,
    STOP_ROSPEC = 23,
    ENABLE_ROSPEC = 24,
    DISABLE_ROSPEC = 25,
    GET_ROSPECS = 26,
    ADD_ROSPEC_RESPONSE = 30,
    DELETE_ROSPEC_RESPONSE = 31,
    START_ROSPEC_RESPONSE = 32,
    STOP_ROSPEC_RESPONSE = 33,
    ENABLE_ROSPEC_RESPONSE = 34,
    DISABLE_ROSPEC_RESPONSE = 35,
    GET_ROSPECS_RESPONSE = 36,
    ADD_ACCESSSPEC = 40,
    DELETE_ACCESSSPEC = 41,
    ENABLE_ACCESSSPEC = 42,
    DISABLE_ACCESSSPEC = 43,
    GET_ACCESSSPECS = 44,
    GET_SUPPORTED_VERSION = 46,
    SET_PROTOCOL_VERSION = 47,
    ADD_ACCESSSPEC_RESPONSE = 50,
    DELETE_ACCESSSPEC_RESPONSE = 51,
    ENABLE_ACCESSSPEC_RESPONSE = 52,
    DISABLE_ACCESSSPEC_RESPONSE = 53,
    GET_ACCESSSPECS_RESPONSE = 54,
    GET_SUPPORTED_VERSION_RESPONSE = 56,
    SET_PROTOCOL_VERSION_RESPONSE = 57,
    GET_REPORT = 60,
    RO_ACCESS_REPORT = 61,
    KEEPALIVE = 62,
    READER_EVENT_NOTIFICATION = 63,
    ENABLE_EVENTS_AND_REPORTS = 64,
    KEEPALIVE_ACK = 72,
    ERROR_MESSAGE = 100,
    CUSTOM_MESSAGE = 1023,
}

impl MessageType {
    /// Its name in the standard.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let row = NAMES.iter().find(|row| row.0 == self.0)?;
        Some(row.1)
    }
}

impl std::fmt::Debug for MessageType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "message type {}", self.0),
        }
    }
}

/// Parameter types of tags with a length.
pub(super) mod tlv {
    pub(in super::super) const UTC_TIMESTAMP: u16 = 128;
    pub(in super::super) const UPTIME: u16 = 129;
    pub(in super::super) const GENERAL_DEVICE_CAPABILITIES: u16 = 137;
    pub(in super::super) const RECEIVE_SENSITIVITY_ENTRY: u16 = 139;
    pub(in super::super) const PER_ANTENNA_AIR_PROTOCOL: u16 = 140;
    pub(in super::super) const GPIO_CAPABILITIES: u16 = 141;
    pub(in super::super) const LLRP_CAPABILITIES: u16 = 142;
    pub(in super::super) const REGULATORY_CAPABILITIES: u16 = 143;
    pub(in super::super) const UHF_BAND_CAPABILITIES: u16 = 144;
    pub(in super::super) const TRANSMIT_POWER_ENTRY: u16 = 145;
    pub(in super::super) const FREQUENCY_INFORMATION: u16 = 146;
    pub(in super::super) const FIXED_FREQUENCY_TABLE: u16 = 148;
    pub(in super::super) const RO_SPEC: u16 = 177;
    pub(in super::super) const RO_BOUNDARY_SPEC: u16 = 178;
    pub(in super::super) const RO_START_TRIGGER: u16 = 179;
    pub(in super::super) const RO_STOP_TRIGGER: u16 = 182;
    pub(in super::super) const AI_SPEC: u16 = 183;
    pub(in super::super) const AI_STOP_TRIGGER: u16 = 184;
    pub(in super::super) const INVENTORY_PARAMETER_SPEC: u16 = 186;
    pub(in super::super) const IDENTIFICATION: u16 = 218;
    pub(in super::super) const KEEPALIVE_SPEC: u16 = 220;
    pub(in super::super) const ANTENNA_CONFIGURATION: u16 = 222;
    pub(in super::super) const RF_RECEIVER: u16 = 223;
    pub(in super::super) const RF_TRANSMITTER: u16 = 224;
    pub(in super::super) const EVENTS_AND_REPORTS: u16 = 226;
    pub(in super::super) const RO_REPORT_SPEC: u16 = 237;
    pub(in super::super) const TAG_REPORT_CONTENT_SELECTOR: u16 = 238;
    pub(in super::super) const TAG_REPORT_DATA: u16 = 240;
    pub(in super::super) const EPC_DATA: u16 = 241;
    pub(in super::super) const EVENT_NOTIFICATION_SPEC: u16 = 244;
    pub(in super::super) const EVENT_NOTIFICATION_STATE: u16 = 245;
    pub(in super::super) const READER_EVENT_NOTIFICATION_DATA: u16 = 246;
    pub(in super::super) const GPI_EVENT: u16 = 248;
    pub(in super::super) const RO_SPEC_EVENT: u16 = 249;
    pub(in super::super) const BUFFER_LEVEL_WARNING: u16 = 250;
    pub(in super::super) const BUFFER_OVERFLOW: u16 = 251;
    pub(in super::super) const READER_EXCEPTION: u16 = 252;
    pub(in super::super) const AI_SPEC_EVENT: u16 = 254;
    pub(in super::super) const ANTENNA_EVENT: u16 = 255;
    pub(in super::super) const CONNECTION_ATTEMPT: u16 = 256;
    pub(in super::super) const CONNECTION_CLOSE: u16 = 257;
    pub(in super::super) const LLRP_STATUS: u16 = 287;
    pub(in super::super) const C1G2_LLRP_CAPABILITIES: u16 = 327;
    pub(in super::super) const RF_MODE_TABLE: u16 = 328;
    pub(in super::super) const RF_MODE_ENTRY: u16 = 329;
    pub(in super::super) const C1G2_INVENTORY_COMMAND: u16 = 330;
    pub(in super::super) const C1G2_RF_CONTROL: u16 = 335;
    pub(in super::super) const C1G2_SINGULATION_CONTROL: u16 = 336;
    pub(in super::super) const C1G2_EPC_MEMORY_SELECTOR: u16 = 348;
}

/// Bytes of the parameters without a length field, by type, the type's byte included; 0: unknown.
pub(super) const TV_BYTES: [u8; 128] = {
    let mut bytes = [0; 128];
    let known: [(usize, u8); 20] = [
        (1, 3),
        (2, 9),
        (3, 9),
        (4, 9),
        (5, 9),
        (6, 2),
        (7, 3),
        (8, 3),
        (9, 5),
        (10, 3),
        (11, 3),
        (12, 3),
        (13, 13),
        (14, 3),
        (15, 3),
        (16, 5),
        (17, 3),
        (18, 5),
        (19, 3),
        (20, 3),
    ];
    let mut at = 0;
    while at < known.len() {
        bytes[known[at].0] = known[at].1;
        at += 1;
    }
    bytes
};
