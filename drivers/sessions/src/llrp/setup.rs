//! What the set-up asks and what follows from the answers; no connection, no time.

use shelf_codecs::llrp::{
    Capabilities, EventKind, Message, ReaderConfig, RoSpec, SpecCommand, status,
};

use super::interface::{Config, SetupStep};

impl SetupStep {
    /// The question of this step.
    pub(super) fn message(self, config: &Config, known: &Known) -> Message {
        let spec = |command| Message::Spec {
            command,
            id: config.ro_spec.id,
        };
        match self {
            SetupStep::Capabilities => Message::GetReaderCapabilities { requested: 0 },
            SetupStep::GetSpecs => Message::GetRoSpecs,
            SetupStep::Disable => spec(SpecCommand::DisableRoSpec),
            SetupStep::Delete => spec(SpecCommand::DeleteRoSpec),
            SetupStep::Configure => Message::SetReaderConfig(Box::new(settings(config, known))),
            SetupStep::Add => Message::AddRoSpec(Box::new(known.fitted(&config.ro_spec))),
            SetupStep::Enable => spec(SpecCommand::EnableRoSpec),
            SetupStep::Start => spec(SpecCommand::StartRoSpec),
        }
    }

    /// Whether a refusal ends the set-up. Taking away what may not be there never does.
    pub(super) fn is_needed(self) -> bool {
        matches!(self, SetupStep::Add | SetupStep::Enable)
    }

    /// The step after this one where all is to be set up.
    pub(super) fn next(self) -> Option<SetupStep> {
        Some(match self {
            SetupStep::Capabilities => SetupStep::GetSpecs,
            SetupStep::GetSpecs => SetupStep::Disable,
            SetupStep::Disable => SetupStep::Delete,
            SetupStep::Delete => SetupStep::Configure,
            SetupStep::Configure => SetupStep::Add,
            SetupStep::Add => SetupStep::Enable,
            SetupStep::Enable | SetupStep::Start => return None,
        })
    }
}

/// Settings of the reader as a whole. Holding is asked for only where it is offered.
fn settings(config: &Config, known: &Known) -> ReaderConfig {
    let events = [
        EventKind::RO_SPEC,
        EventKind::BUFFER_WARNING,
        EventKind::EXCEPTION,
        EventKind::ANTENNA,
    ];
    ReaderConfig {
        events: events.map(|kind| (kind, true)).to_vec(),
        keepalive_ms: Some(config.keepalive_ms),
        hold_events_and_reports: known.holds_reports().then_some(true),
        ..ReaderConfig::default()
    }
}

/// What the reader told of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) capabilities: Option<Box<Capabilities>>,
    /// What is left to do after the sink is ready: nothing, or starting.
    pub(super) start_needed: bool,
}

impl Known {
    pub(super) fn holds_reports(&self) -> bool {
        self.capabilities
            .as_ref()
            .is_some_and(|capabilities| capabilities.holds_reports)
    }

    /// Our work without what this reader doesn't list: it would refuse the whole of it.
    pub(super) fn fitted(&self, spec: &RoSpec) -> RoSpec {
        let mut spec = spec.clone();
        let Some(known) = &self.capabilities else {
            return spec;
        };
        let antennas = spec
            .inventories
            .iter_mut()
            .flat_map(|it| &mut it.inventories)
            .flat_map(|it| &mut it.antennas);
        for antenna in antennas {
            let listed = |power: u16| known.powers.iter().any(|row| row.0 == power);
            if antenna
                .transmitter
                .is_some_and(|it| !known.powers.is_empty() && !listed(it.power_index))
            {
                antenna.transmitter = None;
            }
            let listed = |index: u16| known.sensitivities.iter().any(|row| row.0 == index);
            if antenna
                .receive_sensitivity
                .is_some_and(|it| !known.sensitivities.is_empty() && !listed(it))
            {
                antenna.receive_sensitivity = None;
            }
            if let Some(inventory) = &mut antenna.inventory
                && let Some((mode, _)) = inventory.rf_mode
                && !known.rf_modes.is_empty()
                && !known.rf_modes.contains(&u32::from(mode))
            {
                inventory.rf_mode = None;
            }
        }
        for inventory in &mut spec.inventories {
            if known.antennas_max > 0 {
                inventory.antennas.retain(|it| *it <= known.antennas_max);
            }
        }
        spec
    }

    /// What is to be done about the work that the reader has: `None` is all of the set-up, else the step
    /// with which it goes on (`Some(None)`: it is at work).
    pub(super) fn judge(&self, config: &Config, specs: &[RoSpec]) -> Option<Option<SetupStep>> {
        let wanted = self.fitted(&config.ro_spec);
        let own = specs.iter().find(|it| it.same_work(&wanted))?;
        Some(match own.state {
            0 => Some(SetupStep::Enable),
            1 => Some(SetupStep::Start),
            _ => None,
        })
    }
}

/// Whether a refusal says no more than that this is not known to the reader.
pub(super) fn is_unsupported(code: u16) -> bool {
    matches!(
        code,
        status::UNSUPPORTED_MESSAGE | status::UNSUPPORTED_VERSION
    )
}
