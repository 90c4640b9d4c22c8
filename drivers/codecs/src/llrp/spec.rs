//! Reader operation specs: when which antennas read what.

use super::config::{AntennaConfig, ReportSpec, keep};
use super::parameter::{Fields, PARAMETERS_MAX, Parameter, View, Views, Writer};
use super::types::tlv;

/// What starts or ends something. The values of periods, inputs and tag counts are kept raw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trigger {
    /// 0 is none: it starts and ends by command.
    pub kind: u8,
    /// How long, in milliseconds, for ends by time.
    pub duration_ms: u32,
    /// The trigger's own parameters.
    pub values: Vec<Parameter>,
}

impl Trigger {
    fn read(body: &[u8], timed: bool) -> Option<Trigger> {
        let mut fields = Fields::of(body);
        Some(Trigger {
            kind: fields.u8()?,
            duration_ms: if timed { fields.u32()? } else { 0 },
            values: fields.parameters().map(View::keep).collect(),
        })
    }

    fn write(&self, kind: u16, timed: bool, w: &mut Writer) {
        w.tlv(kind, |w| {
            w.u8(self.kind);
            if timed {
                w.u32(self.duration_ms);
            }
            w.parameters(&self.values);
        });
    }
}

/// One inventory of an AISpec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventorySpec {
    /// Its number.
    pub id: u16,
    /// 1 is Gen2.
    pub air_protocol: u8,
    /// Settings of antennas.
    pub antennas: Vec<AntennaConfig>,
    /// What else stands in it.
    pub extensions: Vec<Parameter>,
}

/// An AISpec: antennas that read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AntennaInventory {
    /// Which antennas; 0 is all.
    pub antennas: Vec<u16>,
    /// When it ends.
    pub stop: Trigger,
    /// What is read.
    pub inventories: Vec<InventorySpec>,
    /// What else stands in it.
    pub extensions: Vec<Parameter>,
}

impl AntennaInventory {
    fn read(body: &[u8]) -> Option<AntennaInventory> {
        let mut fields = Fields::of(body);
        let mut spec = AntennaInventory {
            antennas: fields.numbers()?,
            ..AntennaInventory::default()
        };
        for view in fields.parameters() {
            match view.kind {
                tlv::AI_STOP_TRIGGER => spec.stop = Trigger::read(view.body, true)?,
                tlv::INVENTORY_PARAMETER_SPEC if spec.inventories.len() < PARAMETERS_MAX => {
                    spec.inventories.push(inventory(view.body)?);
                }
                _ => keep(&mut spec.extensions, view),
            }
        }
        Some(spec)
    }

    fn write(&self, w: &mut Writer) {
        w.tlv(tlv::AI_SPEC, |w| {
            w.numbers(&self.antennas);
            self.stop.write(tlv::AI_STOP_TRIGGER, true, w);
            for inventory in &self.inventories {
                w.tlv(tlv::INVENTORY_PARAMETER_SPEC, |w| {
                    w.u16(inventory.id).u8(inventory.air_protocol);
                    inventory.antennas.iter().for_each(|it| it.write(w));
                    w.parameters(&inventory.extensions);
                });
            }
            w.parameters(&self.extensions);
        });
    }
}

fn inventory(body: &[u8]) -> Option<InventorySpec> {
    let mut fields = Fields::of(body);
    let mut spec = InventorySpec {
        id: fields.u16()?,
        air_protocol: fields.u8()?,
        antennas: Vec::new(),
        extensions: Vec::new(),
    };
    for view in fields.parameters() {
        if view.kind == tlv::ANTENNA_CONFIGURATION && spec.antennas.len() < PARAMETERS_MAX {
            spec.antennas.push(AntennaConfig::read(view.body)?);
        } else {
            keep(&mut spec.extensions, view);
        }
    }
    Some(spec)
}

/// A ROSpec.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoSpec {
    /// Its number, not 0.
    pub id: u32,
    /// 0 is the highest.
    pub priority: u8,
    /// 0 disabled, 1 inactive, 2 active; a reader tells it, a client sends 0.
    pub state: u8,
    /// When it starts.
    pub start: Trigger,
    /// When it ends.
    pub stop: Trigger,
    /// What it does.
    pub inventories: Vec<AntennaInventory>,
    /// When and what it reports; `None`: as the reader's settings say.
    pub report: Option<ReportSpec>,
    /// What else stands in it.
    pub extensions: Vec<Parameter>,
}

impl RoSpec {
    /// Whether a reader's spec does the same as this one: all but its state.
    #[must_use]
    pub fn same_work(&self, other: &RoSpec) -> bool {
        let (mut one, mut two) = (self.clone(), other.clone());
        (one.state, two.state) = (0, 0);
        one == two
    }

    pub(super) fn read(body: &[u8]) -> Option<RoSpec> {
        let mut fields = Fields::of(body);
        let mut spec = RoSpec {
            id: fields.u32()?,
            priority: fields.u8()?,
            state: fields.u8()?,
            ..RoSpec::default()
        };
        for view in fields.parameters() {
            match view.kind {
                tlv::RO_BOUNDARY_SPEC => {
                    for trigger in (Views { rest: view.body }) {
                        match trigger.kind {
                            tlv::RO_START_TRIGGER => {
                                spec.start = Trigger::read(trigger.body, false)?;
                            }
                            tlv::RO_STOP_TRIGGER => {
                                spec.stop = Trigger::read(trigger.body, true)?;
                            }
                            _ => {}
                        }
                    }
                }
                tlv::AI_SPEC if spec.inventories.len() < PARAMETERS_MAX => {
                    spec.inventories.push(AntennaInventory::read(view.body)?);
                }
                tlv::RO_REPORT_SPEC => spec.report = Some(ReportSpec::read(view.body)?),
                _ => keep(&mut spec.extensions, view),
            }
        }
        Some(spec)
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.tlv(tlv::RO_SPEC, |w| {
            w.u32(self.id).u8(self.priority).u8(self.state);
            w.tlv(tlv::RO_BOUNDARY_SPEC, |w| {
                self.start.write(tlv::RO_START_TRIGGER, false, w);
                self.stop.write(tlv::RO_STOP_TRIGGER, true, w);
            });
            self.inventories.iter().for_each(|it| it.write(w));
            // Custom and other specs stand before the report spec only where a vendor says so.
            if let Some(report) = &self.report {
                report.write(w);
            }
            w.parameters(&self.extensions);
        });
    }
}
