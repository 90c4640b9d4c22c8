//! What a reader can do: antennas, powers, radio modes, and whether it can hold reports.
//!
//! A client must not send a hop table, channel, power or mode that is not listed here: readers refuse
//! the whole ROSpec. Tables that nothing is decided by are kept raw.

use super::config::keep;
use super::parameter::{Fields, PARAMETERS_MAX, Parameter, Views, Writer};
use super::types::tlv;

/// A reader's capabilities; what it didn't tell is 0, false or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// How many antennas it can have.
    pub antennas_max: u16,
    /// Whether it has a clock of its own, so that times are UTC.
    pub has_utc_clock: bool,
    /// Its maker, as IANA private enterprise number.
    pub manufacturer: u32,
    /// Its model, the maker's number.
    pub model: u32,
    /// Its firmware.
    pub firmware: String,
    /// Inputs and outputs.
    pub gpio: (u16, u16),
    /// Air protocols by antenna: number and list (1 is Gen2).
    pub air_protocols: Vec<(u16, Vec<u8>)>,
    /// Receive sensitivities: index and dB above the best.
    pub sensitivities: Vec<(u16, i16)>,
    /// Whether it warns before its report buffer is full.
    pub warns_of_buffer: bool,
    /// Whether it can hold events and reports until they are asked for.
    pub holds_reports: bool,
    /// How many ROSpecs it can have; 0: no limit.
    pub ro_specs_max: u32,
    /// ISO 3166 numeric.
    pub country: u16,
    /// Radio regulation by the standard's list.
    pub regulation: u16,
    /// Transmit powers: index and hundredths of dBm.
    pub powers: Vec<(u16, i16)>,
    /// Whether it hops between channels.
    pub hops: bool,
    /// Fixed channels, in kHz.
    pub fixed_frequencies_khz: Vec<u32>,
    /// Radio modes.
    pub rf_modes: Vec<u32>,
    /// What else it told.
    pub extensions: Vec<Parameter>,
}

impl Capabilities {
    pub(super) fn read(parameters: Views<'_>) -> Option<Capabilities> {
        let mut capabilities = Capabilities::default();
        for view in parameters {
            let fields = Fields::of(view.body);
            match view.kind {
                tlv::GENERAL_DEVICE_CAPABILITIES => capabilities.general(fields)?,
                tlv::LLRP_CAPABILITIES => capabilities.llrp(fields)?,
                tlv::REGULATORY_CAPABILITIES => capabilities.regulatory(fields)?,
                // Nothing beyond the required: what an encoder says anyway.
                tlv::C1G2_LLRP_CAPABILITIES if view.body == [0; 3] => {}
                _ => keep(&mut capabilities.extensions, view),
            }
        }
        Some(capabilities)
    }

    fn general(&mut self, mut fields: Fields<'_>) -> Option<()> {
        self.antennas_max = fields.u16()?;
        self.has_utc_clock = fields.u16()? & 0x4000 != 0;
        self.manufacturer = fields.u32()?;
        self.model = fields.u32()?;
        self.firmware = fields.text()?;
        for view in fields.parameters().take(PARAMETERS_MAX) {
            let mut fields = Fields::of(view.body);
            match view.kind {
                tlv::RECEIVE_SENSITIVITY_ENTRY => {
                    let entry = (fields.u16()?, fields.u16()?.cast_signed());
                    self.sensitivities.push(entry);
                }
                tlv::GPIO_CAPABILITIES => self.gpio = (fields.u16()?, fields.u16()?),
                tlv::PER_ANTENNA_AIR_PROTOCOL => {
                    let entry = (fields.u16()?, fields.counted()?.to_vec());
                    self.air_protocols.push(entry);
                }
                _ => {}
            }
        }
        Some(())
    }

    fn llrp(&mut self, mut fields: Fields<'_>) -> Option<()> {
        let bits = fields.u8()?;
        self.warns_of_buffer = bits & 0x40 != 0;
        self.holds_reports = bits & 0x08 != 0;
        let _priority = fields.u8()?;
        let _op_spec_timeout = fields.u16()?;
        self.ro_specs_max = fields.u32()?;
        Some(())
    }

    fn regulatory(&mut self, mut fields: Fields<'_>) -> Option<()> {
        self.country = fields.u16()?;
        self.regulation = fields.u16()?;
        let band = fields
            .parameters()
            .find(|it| it.kind == tlv::UHF_BAND_CAPABILITIES);
        let Some(band) = band else { return Some(()) };
        for view in (Views { rest: band.body }).take(PARAMETERS_MAX) {
            let mut fields = Fields::of(view.body);
            match view.kind {
                tlv::TRANSMIT_POWER_ENTRY => {
                    let entry = (fields.u16()?, fields.u16()?.cast_signed());
                    self.powers.push(entry);
                }
                tlv::FREQUENCY_INFORMATION => {
                    self.hops = fields.u8()? & 0x80 != 0;
                    let fixed = fields
                        .parameters()
                        .find(|it| it.kind == tlv::FIXED_FREQUENCY_TABLE);
                    if let Some(fixed) = fixed {
                        self.fixed_frequencies_khz = frequencies(Fields::of(fixed.body))?;
                    }
                }
                tlv::RF_MODE_TABLE => {
                    let entries = fields
                        .parameters()
                        .filter(|it| it.kind == tlv::RF_MODE_ENTRY);
                    self.rf_modes
                        .extend(entries.filter_map(|it| Fields::of(it.body).u32()));
                }
                _ => {}
            }
        }
        Some(())
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.tlv(tlv::GENERAL_DEVICE_CAPABILITIES, |w| self.put_general(w));
        w.tlv(tlv::LLRP_CAPABILITIES, |w| {
            w.u8(u8::from(self.warns_of_buffer) << 6 | u8::from(self.holds_reports) << 3);
            w.u8(0).u16(0).u32(self.ro_specs_max);
            // One AISpec, one inventory in it, no access specs.
            w.u32(1).u32(1).u32(0).u32(0);
        });
        w.tlv(tlv::REGULATORY_CAPABILITIES, |w| self.put_regulatory(w));
        if !self
            .extensions
            .iter()
            .any(|it| it.kind == tlv::C1G2_LLRP_CAPABILITIES)
        {
            w.tlv(tlv::C1G2_LLRP_CAPABILITIES, |w| {
                w.u8(0).u16(0);
            });
        }
        w.parameters(&self.extensions);
    }

    fn put_general(&self, w: &mut Writer) {
        w.u16(self.antennas_max)
            .u16(0x8000 | u16::from(self.has_utc_clock) << 14)
            .u32(self.manufacturer)
            .u32(self.model)
            .text(&self.firmware);
        for &(index, value) in &self.sensitivities {
            w.tlv(tlv::RECEIVE_SENSITIVITY_ENTRY, |w| {
                w.u16(index).u16(value.cast_unsigned());
            });
        }
        w.tlv(tlv::GPIO_CAPABILITIES, |w| {
            w.u16(self.gpio.0).u16(self.gpio.1);
        });
        for (antenna, protocols) in &self.air_protocols {
            w.tlv(tlv::PER_ANTENNA_AIR_PROTOCOL, |w| {
                w.u16(*antenna).counted(protocols);
            });
        }
    }

    fn put_regulatory(&self, w: &mut Writer) {
        w.u16(self.country).u16(self.regulation);
        w.tlv(tlv::UHF_BAND_CAPABILITIES, |w| {
            for &(index, value) in &self.powers {
                w.tlv(tlv::TRANSMIT_POWER_ENTRY, |w| {
                    w.u16(index).u16(value.cast_unsigned());
                });
            }
            w.tlv(tlv::FREQUENCY_INFORMATION, |w| {
                w.u8(u8::from(self.hops) << 7);
                w.tlv(tlv::FIXED_FREQUENCY_TABLE, |w| {
                    let count = u16::try_from(self.fixed_frequencies_khz.len()).unwrap_or(u16::MAX);
                    w.u16(count);
                    for &khz in self.fixed_frequencies_khz.iter().take(usize::from(count)) {
                        w.u32(khz);
                    }
                });
            });
            w.tlv(tlv::RF_MODE_TABLE, |w| {
                for &mode in &self.rf_modes {
                    w.tlv(tlv::RF_MODE_ENTRY, |w| {
                        // Division ratio 8, Miller 4, any modulation and mask, and the times of an ordinary
                        // mode.
                        w.u32(mode).u8(0).u8(2).u8(0).u8(0);
                        w.u32(64_000).u32(1_500).u32(20_000).u32(20_000).u32(0);
                    });
                }
            });
        });
    }
}

fn frequencies(mut fields: Fields<'_>) -> Option<Vec<u32>> {
    let count = fields.u16()?;
    (0..count).map(|_| fields.u32()).collect()
}
