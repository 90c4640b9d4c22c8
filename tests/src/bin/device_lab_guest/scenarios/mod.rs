//! What is proven on the machine, by kind of device. Each scenario leaves the machine as it found it.

mod cards;
mod hid;
mod keyboards;
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
    ("wedge_exclusive", keyboards::exclusive),
    ("wedge_shared", keyboards::shared),
    ("wedge_relayed", keyboards::relayed),
    ("wedge_busy", keyboards::busy),
    ("wedge_burst", keyboards::burst),
    ("wedge_on_usb", keyboards::on_usb),
    ("cdc_scanner", serial::cdc),
    ("ftdi_scanner", serial::ftdi),
    ("hung_converter_is_reset", serial::reset),
    ("ftdi_of_the_machine", serial::ftdi_of_the_machine),
    ("card_reader", cards::reader),
    ("card_reader_of_the_machine", cards::reader_of_the_machine),
    ("wrong_mode_is_named", whole::wrong_mode),
    ("idle_costs_nothing", whole::idle),
];
