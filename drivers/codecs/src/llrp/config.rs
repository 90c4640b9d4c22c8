//! A reader's settings: events, keep-alive, holding of reports, antennas, and what a tag report contains.
//!
//! One form serves the client's `SET_READER_CONFIG` and the reader's answer to `GET_READER_CONFIG`. A setting
//! that is `None` is not sent and stays as it is. Parameters that are not read here are kept raw.

use super::parameter::{Fields, PARAMETERS_MAX, Parameter, View, Views, Writer};
use super::types::tlv;

/// Kinds of events that a reader can be asked to tell, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKind(pub u16);

#[expect(missing_docs, reason = "the names are those of the standard")]
impl EventKind {
    pub const HOPPING: EventKind = EventKind(0);
    pub const GPI: EventKind = EventKind(1);
    pub const RO_SPEC: EventKind = EventKind(2);
    pub const BUFFER_WARNING: EventKind = EventKind(3);
    pub const EXCEPTION: EventKind = EventKind(4);
    pub const RF_SURVEY: EventKind = EventKind(5);
    pub const AI_SPEC: EventKind = EventKind(6);
    pub const AI_SPEC_WITH_DETAILS: EventKind = EventKind(7);
    pub const ANTENNA: EventKind = EventKind(8);
}

/// Which optional fields a tag report has: the bits of the TagReportContentSelector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportContent(pub u16);

impl ReportContent {
    /// The ROSpec that read the tag.
    pub const RO_SPEC_ID: u16 = 0x8000;
    /// Which AISpec.
    pub const SPEC_INDEX: u16 = 0x4000;
    /// Which inventory.
    pub const INVENTORY_SPEC_ID: u16 = 0x2000;
    /// The antenna.
    pub const ANTENNA_ID: u16 = 0x1000;
    /// The channel.
    pub const CHANNEL_INDEX: u16 = 0x0800;
    /// The signal strength.
    pub const PEAK_RSSI: u16 = 0x0400;
    /// First time.
    pub const FIRST_SEEN: u16 = 0x0200;
    /// Last time.
    pub const LAST_SEEN: u16 = 0x0100;
    /// How often.
    pub const SEEN_COUNT: u16 = 0x0080;
    /// The AccessSpec.
    pub const ACCESS_SPEC_ID: u16 = 0x0040;
    /// What presence needs: ROSpec, antenna, strength, first and last time, count.
    pub const PRESENCE: ReportContent = ReportContent(
        Self::RO_SPEC_ID
            | Self::ANTENNA_ID
            | Self::PEAK_RSSI
            | Self::FIRST_SEEN
            | Self::LAST_SEEN
            | Self::SEEN_COUNT,
    );
}

/// When and what a ROSpec reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportSpec {
    /// 0 none; 1 after N tags or at the end of an AISpec; 2 after N tags or at the end of the ROSpec;
    /// 3 to 6 by time (1.1).
    pub trigger: u8,
    /// N of the trigger. With an endless AISpec use 1: the last few tags would stay in the reader.
    pub n: u16,
    /// Optional fields.
    pub content: ReportContent,
    /// C1G2EPCMemorySelector: 0x80 check sum, 0x40 control word, 0x20 extended control words.
    pub memory: Option<u8>,
    /// What else stands in it: vendors' selectors belong here.
    pub extensions: Vec<Parameter>,
}

impl ReportSpec {
    pub(super) fn read(body: &[u8]) -> Option<ReportSpec> {
        let mut fields = Fields::of(body);
        let mut spec = ReportSpec {
            trigger: fields.u8()?,
            n: fields.u16()?,
            ..ReportSpec::default()
        };
        for view in fields.parameters() {
            if view.kind != tlv::TAG_REPORT_CONTENT_SELECTOR {
                keep(&mut spec.extensions, view);
                continue;
            }
            let mut fields = Fields::of(view.body);
            spec.content = ReportContent(fields.u16()?);
            spec.memory = fields
                .parameters()
                .find(|it| it.kind == tlv::C1G2_EPC_MEMORY_SELECTOR)
                .and_then(|it| it.body.first().copied());
        }
        Some(spec)
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.tlv(tlv::RO_REPORT_SPEC, |w| {
            w.u8(self.trigger).u16(self.n);
            w.tlv(tlv::TAG_REPORT_CONTENT_SELECTOR, |w| {
                w.u16(self.content.0);
                if let Some(memory) = self.memory {
                    w.tlv(tlv::C1G2_EPC_MEMORY_SELECTOR, |w| {
                        w.u8(memory);
                    });
                }
            });
            w.parameters(&self.extensions);
        });
    }
}

/// What an antenna sends with. Name nothing that the capabilities don't list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmitter {
    /// Hop table.
    pub hop_table_id: u16,
    /// Channel, where the region doesn't hop.
    pub channel_index: u16,
    /// Index into the reader's table of powers.
    pub power_index: u16,
}

/// How tags take turns: Gen2's singulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Singulation {
    /// Session 0 to 3.
    pub session: u8,
    /// How many tags are expected.
    pub population: u16,
    /// How long a tag is in the field, in milliseconds; 0: unknown.
    pub transit_ms: u32,
}

/// An antenna's Gen2 inventory command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Whether the reader keeps account of the tags' inventoried flags.
    pub state_aware: bool,
    /// Mode and Tari of the radio.
    pub rf_mode: Option<(u16, u16)>,
    /// Session and population.
    pub singulation: Option<Singulation>,
    /// Filters, vendors' search modes and the like.
    pub extensions: Vec<Parameter>,
}

/// Settings of one antenna; 0 means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AntennaConfig {
    /// Which one.
    pub antenna_id: u16,
    /// Index into the table of sensitivities.
    pub receive_sensitivity: Option<u16>,
    /// What it sends with.
    pub transmitter: Option<Transmitter>,
    /// How it reads.
    pub inventory: Option<Inventory>,
    /// What else stands in it.
    pub extensions: Vec<Parameter>,
}

impl AntennaConfig {
    pub(super) fn read(body: &[u8]) -> Option<AntennaConfig> {
        let mut fields = Fields::of(body);
        let mut config = AntennaConfig {
            antenna_id: fields.u16()?,
            ..AntennaConfig::default()
        };
        for view in fields.parameters() {
            let mut fields = Fields::of(view.body);
            match view.kind {
                tlv::RF_RECEIVER => config.receive_sensitivity = Some(fields.u16()?),
                tlv::RF_TRANSMITTER => {
                    config.transmitter = Some(Transmitter {
                        hop_table_id: fields.u16()?,
                        channel_index: fields.u16()?,
                        power_index: fields.u16()?,
                    });
                }
                tlv::C1G2_INVENTORY_COMMAND => {
                    config.inventory = Some(inventory(view.body)?);
                }
                _ => keep(&mut config.extensions, view),
            }
        }
        Some(config)
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.tlv(tlv::ANTENNA_CONFIGURATION, |w| {
            w.u16(self.antenna_id);
            if let Some(index) = self.receive_sensitivity {
                w.tlv(tlv::RF_RECEIVER, |w| {
                    w.u16(index);
                });
            }
            if let Some(it) = self.transmitter {
                w.tlv(tlv::RF_TRANSMITTER, |w| {
                    w.u16(it.hop_table_id)
                        .u16(it.channel_index)
                        .u16(it.power_index);
                });
            }
            if let Some(inventory) = &self.inventory {
                put_inventory(inventory, w);
            }
            w.parameters(&self.extensions);
        });
    }
}

fn inventory(body: &[u8]) -> Option<Inventory> {
    let mut fields = Fields::of(body);
    let mut inventory = Inventory {
        state_aware: fields.u8()? & 0x80 != 0,
        ..Inventory::default()
    };
    for view in fields.parameters() {
        let mut fields = Fields::of(view.body);
        match view.kind {
            tlv::C1G2_RF_CONTROL => inventory.rf_mode = Some((fields.u16()?, fields.u16()?)),
            // A state-aware action may follow: then it is kept whole.
            tlv::C1G2_SINGULATION_CONTROL if view.body.len() == 7 => {
                inventory.singulation = Some(Singulation {
                    session: fields.u8()? >> 6,
                    population: fields.u16()?,
                    transit_ms: fields.u32()?,
                });
            }
            _ => keep(&mut inventory.extensions, view),
        }
    }
    Some(inventory)
}

fn put_inventory(inventory: &Inventory, w: &mut Writer) {
    w.tlv(tlv::C1G2_INVENTORY_COMMAND, |w| {
        w.u8(u8::from(inventory.state_aware) << 7);
        if let Some((mode, tari)) = inventory.rf_mode {
            w.tlv(tlv::C1G2_RF_CONTROL, |w| {
                w.u16(mode).u16(tari);
            });
        }
        if let Some(it) = inventory.singulation {
            w.tlv(tlv::C1G2_SINGULATION_CONTROL, |w| {
                w.u8(it.session << 6).u16(it.population).u32(it.transit_ms);
            });
        }
        w.parameters(&inventory.extensions);
    });
}

/// Keeps a parameter raw, as long as there is room.
pub(super) fn keep(kept: &mut Vec<Parameter>, view: View<'_>) {
    if kept.len() < PARAMETERS_MAX {
        kept.push(view.keep());
    }
}

/// A reader's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReaderConfig {
    /// Back to the factory's settings first (set only).
    pub factory_reset: bool,
    /// The reader's own number: kind (0 MAC, 1 EPC) and bytes (answer only).
    pub identification: Option<(u8, Vec<u8>)>,
    /// Events to tell, on or off.
    pub events: Vec<(EventKind, bool)>,
    /// Antennas.
    pub antennas: Vec<AntennaConfig>,
    /// What is reported where a ROSpec doesn't say.
    pub report: Option<ReportSpec>,
    /// Time between keep-alives in milliseconds; 0: none.
    pub keepalive_ms: Option<u32>,
    /// Whether events and reports wait after a connect until they are asked for.
    pub hold_events_and_reports: Option<bool>,
    /// What else stands in it.
    pub extensions: Vec<Parameter>,
}

impl ReaderConfig {
    pub(super) fn read(parameters: Views<'_>) -> Option<ReaderConfig> {
        let mut config = ReaderConfig::default();
        for view in parameters {
            let mut fields = Fields::of(view.body);
            match view.kind {
                tlv::IDENTIFICATION => {
                    config.identification = Some((fields.u8()?, fields.counted()?.to_vec()));
                }
                tlv::EVENT_NOTIFICATION_SPEC => config.events = events(fields.parameters())?,
                tlv::ANTENNA_CONFIGURATION if config.antennas.len() < PARAMETERS_MAX => {
                    config.antennas.push(AntennaConfig::read(view.body)?);
                }
                tlv::RO_REPORT_SPEC => config.report = Some(ReportSpec::read(view.body)?),
                tlv::KEEPALIVE_SPEC => {
                    let periodic = fields.u8()? == 1;
                    let ms = fields.u32()?;
                    config.keepalive_ms = Some(if periodic { ms } else { 0 });
                }
                tlv::EVENTS_AND_REPORTS => {
                    config.hold_events_and_reports = Some(fields.u8()? & 0x80 != 0);
                }
                _ => keep(&mut config.extensions, view),
            }
        }
        Some(config)
    }

    pub(super) fn write(&self, w: &mut Writer) {
        if let Some((kind, bytes)) = &self.identification {
            w.tlv(tlv::IDENTIFICATION, |w| {
                w.u8(*kind).counted(bytes);
            });
        }
        if !self.events.is_empty() {
            w.tlv(tlv::EVENT_NOTIFICATION_SPEC, |w| {
                for &(kind, on) in &self.events {
                    w.tlv(tlv::EVENT_NOTIFICATION_STATE, |w| {
                        w.u16(kind.0).u8(u8::from(on) << 7);
                    });
                }
            });
        }
        self.antennas.iter().for_each(|it| it.write(w));
        if let Some(report) = &self.report {
            report.write(w);
        }
        if let Some(ms) = self.keepalive_ms {
            w.tlv(tlv::KEEPALIVE_SPEC, |w| {
                w.u8(u8::from(ms > 0)).u32(ms);
            });
        }
        if let Some(hold) = self.hold_events_and_reports {
            w.tlv(tlv::EVENTS_AND_REPORTS, |w| {
                w.u8(u8::from(hold) << 7);
            });
        }
        w.parameters(&self.extensions);
    }
}

fn events(states: Views<'_>) -> Option<Vec<(EventKind, bool)>> {
    let own = states.filter(|it| it.kind == tlv::EVENT_NOTIFICATION_STATE);
    own.map(|view| {
        let mut fields = Fields::of(view.body);
        Some((EventKind(fields.u16()?), fields.u8()? & 0x80 != 0))
    })
    .take(PARAMETERS_MAX)
    .collect()
}
