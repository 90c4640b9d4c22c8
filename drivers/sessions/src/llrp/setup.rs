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
            id: match command {
                SpecCommand::DisableRoSpec | SpecCommand::DeleteRoSpec => known
                    .in_the_way
                    .last()
                    .copied()
                    .unwrap_or(config.ro_spec.id),
                _ => config.ro_spec.id,
            },
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

/// The upper half of the ids that [`own_id`] makes.
const OWN_ID_MARK: u32 = 0x5E1F_0000;

/// An id for our work that says what the work is. Readers give a spec back in their own words, so what we
/// find in one is known again by its number, not by comparing it.
pub(super) fn own_id(spec: &RoSpec) -> u32 {
    let unnumbered = RoSpec {
        id: 0,
        ..spec.clone()
    };
    let bytes = Message::AddRoSpec(Box::new(unnumbered)).encode(0);
    // FNV-1a, folded to 16 bits.
    let hash = bytes.iter().fold(0x811C_9DC5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    OWN_ID_MARK | (hash >> 16 ^ hash & 0xFFFF)
}

fn is_own_id(id: u32) -> bool {
    id & 0xFFFF_0000 == OWN_ID_MARK
}

/// Settings of the reader as a whole, with less in them after each refusal. Holding is asked for only where
/// it is offered.
fn settings(config: &Config, known: &Known) -> ReaderConfig {
    let events = [
        EventKind::RO_SPEC,
        EventKind::BUFFER_WARNING,
        EventKind::EXCEPTION,
        EventKind::ANTENNA,
    ];
    let holds = known.holds_reports() && known.settings_refused < SETTINGS_REFUSED_MAX;
    ReaderConfig {
        events: match known.settings_refused {
            0 => events.map(|kind| (kind, true)).to_vec(),
            _ => Vec::new(),
        },
        keepalive_ms: Some(config.keepalive_ms),
        hold_events_and_reports: holds.then_some(true),
        ..ReaderConfig::default()
    }
}

/// After so many refusals only the keep-alive is asked for.
pub(super) const SETTINGS_REFUSED_MAX: u8 = 2;

/// What the reader told of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) capabilities: Option<Box<Capabilities>>,
    /// What is left to do after the sink is ready: nothing, or starting.
    pub(super) start_needed: bool,
    /// Specs that must go before ours can be: older work of ours, or ours itself.
    pub(super) in_the_way: Vec<u32>,
    /// How often it refused our settings.
    pub(super) settings_refused: u8,
    /// It refused even the keep-alive: it must be asked for signs of life.
    pub(super) is_mute: bool,
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

    /// The spec of the reader that is our work.
    fn own<'a>(&self, config: &Config, specs: &'a [RoSpec]) -> Option<&'a RoSpec> {
        let wanted = self.fitted(&config.ro_spec);
        let is_own =
            |it: &&RoSpec| it.id == wanted.id && (is_own_id(wanted.id) || it.same_work(&wanted));
        specs.iter().find(is_own)
    }

    /// Looks at the work that the reader has: notes what is in the way, and says how our own goes on.
    /// `None`: it must be set up.
    pub(super) fn judge(
        &mut self,
        config: &Config,
        specs: &[RoSpec],
        is_distrusted: bool,
    ) -> Option<OwnWork> {
        let own = self.own(config, specs).filter(|_| !is_distrusted);
        let work = own.map(|it| match it.state {
            0 => OwnWork::Disabled,
            1 => OwnWork::Ended,
            _ => OwnWork::Running,
        });
        let stale = specs.iter().map(|it| it.id);
        self.in_the_way = stale
            .filter(|id| is_own_id(*id) && *id != config.ro_spec.id)
            .take(STALE_SPECS_MAX)
            .collect();
        if work.is_none() {
            self.in_the_way.push(config.ro_spec.id);
        }
        work
    }
}

/// Most older specs of ours that are taken away in one set-up.
const STALE_SPECS_MAX: usize = 16;

/// How our work stands in the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnWork {
    Disabled,
    Ended,
    Running,
}

/// Whether a refusal says no more than that this is not known to the reader.
pub(super) fn is_unsupported(code: u16) -> bool {
    matches!(
        code,
        status::UNSUPPORTED_MESSAGE | status::UNSUPPORTED_VERSION
    )
}
