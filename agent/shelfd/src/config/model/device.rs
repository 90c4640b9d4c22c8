//! The keys of one device, and which kinds each of them is for.
//!
//! A key that means nothing for the kind that it stands at is refused, like one that doesn't exist: what
//! looks set must be set.

use serde::{Deserialize, Serialize};

use super::KeyDoc;

settings! {
    /// One device.
    DeviceSettings ["device"] {
        /// What people call it.
        name: String = String::new(), "";
        /// What it is: `scanner` (lines over serial or TCP), `ssi_scanner` (Zebra SSI), `counter_scanner` (built
        /// in, with a scale on the same cable), `hid_scanner` (HID POS or IBM OEM), `keyboard_scanner` (types),
        /// `badge_reader` (contactless cards), `scale`, `llrp_reader` (fixed RFID reader) or `uhf_reader` (RFID
        /// reader on a serial line).
        kind: DeviceKind = DeviceKind::Scanner, "";
        /// Which one: `serial:NUMBER`, `port:CHAIN`, `tcp:HOST:PORT` or `path:/dev/NODE`; `shelfd devices`
        /// prints the right text for each device that it sees.
        select: String = String::new(), "";
        /// What it is there for: `till:NAME`, `receiving`, `counting`, `scale:TILL`, `badge:TILL` or
        /// `zone:NAME`.
        role: String = String::new(), "";
        /// Scanners: `exclusive` (ours alone), `shared` (a POS reads it too; HID only) or `relay` (ours, and
        /// every scan is passed on to a POS). Absent: `shared` at a till where another program sells, if the
        /// scanner can be shared, else `exclusive`.
        share: Option<Share> = None, "";
        /// With `share = "relay"`: where to. `keyboard` or `keyboard:LAYOUT` types into the window that has
        /// the focus; `serial:/dev/NODE` writes to a port that the POS reads.
        relay_to: String = "keyboard".into(), "";
        /// Line settings of the port in `relay_to`, such as `19200-7E1/rtscts`.
        relay_line: String = "9600-8N1".into(), "";
        /// What ends each scan on the port in `relay_to`: `cr`, `lf`, `crlf`, `tab` or `etx`.
        relay_end: String = "cr".into(), "";
        /// Speed of a serial line; absent: what such devices leave the factory with, 9600 for a scanner. USB
        /// devices that are no converters ignore it.
        baud: Option<u32> = None, "baud";
        /// Bits of a character on a serial line, 7 or 8; absent: as above.
        data_bits: Option<u8> = None, "bits";
        /// Parity of a serial line: `none`, `even` or `odd`; absent: as above.
        parity: Option<Parity> = None, "";
        /// Stop bits of a serial line, 1 or 2.
        stop_bits: u8 = 1, "bits";
        /// Flow control of a serial line: `none`, `rtscts` or `xonxoff`.
        flow: Flow = Flow::None, "";
        /// Scanners of lines or keys: what ends a scan, such as `["cr", "tab"]`; `[]`: only silence. Absent:
        /// CR or LF, and Tab where it types.
        terminators: Option<Vec<String>> = None, "";
        /// Scanners of lines or keys: the shortest text that is a scan.
        length_min: usize = 1, "characters";
        /// Scanners of lines or keys: the one character that is sent in place of the group separator of
        /// GS1 codes; empty: none is.
        gs_substitute: String = String::new(), "";
        /// Scanners of lines: how the symbology is marked in front of a scan: `aim`, `none`, `datalogic_eu`,
        /// `datalogic_us` or `honeywell`.
        prefix: Prefix = Prefix::Aim, "";
        /// Scanners of lines: whether 2D codes with control characters may come.
        binary: bool = false, "";
        /// Scanners that type: for which keyboard: `us`, `uk`, `de`, `fr`, `be` or `it`.
        layout: String = "us".into(), "";
        /// Scales: what it speaks: `toledo-8217`, `nci-scp-01`, `nci-scp-02`, `dialog`, `st-gs`, `hid` or `ibm-oem`.
        protocol: String = String::new(), "";
        /// Scales whose answers name no unit: `kg`, `g`, `lb` or `oz`.
        unit: String = "kg".into(), "";
        /// Scales that leave the decimal point out: how many digits stand behind it.
        decimals: Option<u8> = None, "digits";
        /// What makes a scanner sound the good beep, sent once a scan is on the disk: text such as
        /// `"\u0007"`, or `hex:FD 03 16 07 0D`; absent: what its maker provides, else it beeps by itself.
        beep_accepted: String = String::new(), "";
        /// What makes it sound the bad beep, after a code that was not taken; absent: as above.
        beep_refused: String = String::new(), "";
        /// What lets a scanner of lines, or one in the counter, scan; with `scan_off`, such as `"E"` and `"D"` for
        /// Datalogic's serial scanners: then it does not scan while nobody can take a scan. Absent: it always
        /// does. Scanners that speak SSI or IBM OEM know the commands by themselves.
        scan_on: String = String::new(), "";
        /// What keeps it from scanning; `scan_on` must be there too.
        scan_off: String = String::new(), "";
        /// Fixed RFID readers: which antennas work, such as `[1, 2]`; `[]`: all of them.
        antennas: Vec<u16> = Vec::new(), "";
        /// Fixed RFID readers: the session of the tags' protocol, 0 to 3. 1 tells each tag again every few
        /// seconds, which zones need; 0 tells it in every round, which a pad or a gate needs.
        session: u8 = 1, "";
        /// Fixed RFID readers: about how many tags are before it.
        population: u16 = 32, "tags";
        /// Fixed RFID readers: no read for so long is told as a trouble; 0: silence is normal here.
        quiet_minutes: u32 = 10, "min";
        /// Fixed RFID readers: it sends EPCs as the text of their digits, as some firmware does.
        double_encoded_epc: bool = false, "";
        /// Serial RFID readers: what it speaks: `chafon` (UHFReader288 and the like), `chafon18`, `m100`
        /// (YRM100, R200), `indy` (Indy R2000), `thingmagic` or `nur`.
        family: UhfFamily = UhfFamily::Chafon, "";
        /// Serial RFID readers of the families chafon and indy: their address; 255 is any.
        address: u8 = 255, "";
        /// ThingMagic readers: the number of the radio region, such as 8 for Europe.
        region: u8 = 8, "";
    }
}

words! {
    /// What a device is.
    DeviceKind {
        /// A barcode scanner that sends lines over a serial port or TCP.
        Scanner,
        /// A Zebra scanner that speaks SSI.
        SsiScanner,
        /// A scanner built into the counter, with a scale on the same cable.
        CounterScanner,
        /// A barcode scanner that sends HID reports.
        HidScanner,
        /// A barcode scanner that types.
        KeyboardScanner,
        /// A reader of contactless cards, for staff badges.
        BadgeReader,
        /// A scale.
        Scale,
        /// A fixed RFID reader, LLRP over TCP.
        LlrpReader,
        /// An RFID reader on a serial line or behind a serial server.
        UhfReader,
    }
    /// What a serial RFID reader speaks.
    UhfFamily {
        /// Chafon and its relatives, with antenna and strength.
        Chafon,
        /// The older Chafon readers, which name the tag alone.
        Chafon18,
        /// YRM100, R200 and the like.
        M100,
        /// Readers around the Indy R2000.
        Indy,
        /// ThingMagic.
        Thingmagic,
        /// Nordic ID.
        Nur,
    }
    /// Who else may read a device.
    Share {
        /// Nobody.
        Exclusive,
        /// A POS that is there reads it too.
        Shared,
        /// Nobody, and scans are passed on to a POS that is there.
        Relay,
    }
    /// Parity of a serial line.
    Parity {
        /// None.
        None,
        /// Even.
        Even,
        /// Odd.
        Odd,
    }
    /// Flow control of a serial line.
    Flow {
        /// None.
        None,
        /// By the lines RTS and CTS.
        Rtscts,
        /// By characters.
        Xonxoff,
    }
    /// How a scanner marks the symbology.
    Prefix {
        /// An AIM identifier where there is one.
        Aim,
        /// Nothing is taken off.
        None,
        /// Datalogic's European table.
        DatalogicEu,
        /// Datalogic's American table.
        DatalogicUs,
        /// Honeywell's code identifiers.
        Honeywell,
    }
}

impl DeviceKind {
    /// As a configuration writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Scanner => "scanner",
            Self::SsiScanner => "ssi_scanner",
            Self::CounterScanner => "counter_scanner",
            Self::HidScanner => "hid_scanner",
            Self::KeyboardScanner => "keyboard_scanner",
            Self::BadgeReader => "badge_reader",
            Self::Scale => "scale",
            Self::LlrpReader => "llrp_reader",
            Self::UhfReader => "uhf_reader",
        }
    }

    /// Whether it reads barcodes.
    pub(crate) fn scans(self) -> bool {
        matches!(
            self,
            Self::Scanner
                | Self::SsiScanner
                | Self::CounterScanner
                | Self::HidScanner
                | Self::KeyboardScanner
        )
    }

    /// Whether it may hang on a serial line.
    pub(crate) fn is_serial(self) -> bool {
        matches!(
            self,
            Self::Scanner | Self::SsiScanner | Self::CounterScanner | Self::Scale | Self::UhfReader
        )
    }

    /// Whether it may be reached over the network.
    pub(crate) fn is_networked(self) -> bool {
        self.is_serial() || self == Self::LlrpReader
    }

    /// Whether a key means something for it.
    fn has(self, key: &str) -> bool {
        match key {
            "baud" | "data_bits" | "parity" | "stop_bits" | "flow" => self.is_serial(),
            "share" | "relay_to" | "relay_line" | "relay_end" => self.scans(),
            "terminators" | "length_min" | "gs_substitute" => {
                matches!(self, Self::Scanner | Self::KeyboardScanner)
            }
            "prefix" | "binary" => self == Self::Scanner,
            "layout" => self == Self::KeyboardScanner,
            "antennas" | "session" | "population" | "quiet_minutes" | "double_encoded_epc" => {
                self == Self::LlrpReader
            }
            "family" | "address" | "region" => self == Self::UhfReader,
            "protocol" | "decimals" => self == Self::Scale,
            "unit" => matches!(self, Self::Scale | Self::CounterScanner),
            "scan_on" | "scan_off" => matches!(self, Self::Scanner | Self::CounterScanner),
            "beep_accepted" | "beep_refused" => {
                matches!(
                    self,
                    Self::Scanner | Self::CounterScanner | Self::HidScanner
                )
            }
            _ => true,
        }
    }
}

impl DeviceSettings {
    /// The first key that was set and means nothing for this kind of device.
    pub(crate) fn misplaced(&self) -> Option<&'static str> {
        let table = |it: &Self| toml::Table::try_from(it).unwrap_or_default();
        let (set, default) = (table(self), table(&Self::default()));
        Self::KEYS
            .iter()
            .map(|it| it.name)
            .find(|key| set.get(*key) != default.get(*key) && !self.kind.has(key))
    }
}
