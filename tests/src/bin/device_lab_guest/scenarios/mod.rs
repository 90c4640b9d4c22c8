//! What is proven on the machine, by kind of device. Each scenario leaves the machine as it found it.

mod cards;
mod hid;
mod keyboards;
mod moves;
mod scales;
mod serial;
mod whole;

use anyhow::Result;

/// A scenario.
pub(crate) type Scenario = fn() -> Result<()>;

/// All of them, by name.
pub(crate) const ALL: &[(&str, Scenario)] = &[
    ("hid_pos_scanner", hid::pos_scanner),
    ("hid_maker_switch", hid::maker_switch),
    ("hid_burst", hid::burst),
    ("ibm_oem_scanner", hid::oem_scanner),
    ("ibm_oem_off_and_on", hid::oem_off_and_on),
    ("hid_typed_on", keyboards::typed_on),
    ("hid_scale", scales::hid_scale),
    ("wedge_exclusive", keyboards::exclusive),
    ("wedge_shared", keyboards::shared),
    ("wedge_relayed", keyboards::relayed),
    ("wedge_busy", keyboards::busy),
    ("wedge_burst", keyboards::burst),
    ("wedge_on_usb", keyboards::on_usb),
    ("wedge_magstripe", keyboards::magstripe),
    ("cdc_scanner", serial::cdc),
    ("ftdi_scanner", serial::ftdi),
    ("hung_converter_is_reset", serial::reset),
    ("ftdi_of_the_machine", serial::ftdi_of_the_machine),
    ("card_reader", cards::reader),
    ("card_reader_of_the_machine", cards::reader_of_the_machine),
    ("twin_and_port", moves::twin_and_port),
    ("held_by_another_process", moves::held_by_another_process),
    ("wrong_mode_is_named", whole::wrong_mode),
    ("idle_costs_nothing", whole::idle),
    ("nonsense_is_bounded", whole::nonsense),
    ("hung_scale_is_reset_by_itself", serial::hung_scale),
    ("rules_and_own_user", crate::rules::own_user),
];
