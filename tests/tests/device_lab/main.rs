//! The device layer over real kernel devices: a machine is booted under emulation with Debian's own
//! kernel, and in it our code reads scanners, keyboards, serial ports and card readers through plugging
//! and unplugging.
//!
//! One machine for all: it runs every scenario of `device_lab_guest` once, and each test here is the
//! verdict on one. Nothing of the host's hardware or kernel modules is needed, nor KVM.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::panic,
    reason = "this test owns its files, waits for another machine, and says what that one did"
)]

mod initramfs;
mod kernel;
mod machine;
mod udev;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use machine::Verdict;

/// Runs the machine once; every test looks at its own scenario.
fn verdicts() -> &'static Result<BTreeMap<String, Verdict>, String> {
    static RUN: OnceLock<Result<BTreeMap<String, Verdict>, String>> = OnceLock::new();
    RUN.get_or_init(|| machine::run().map_err(|error| format!("{error:#}")))
}

fn passed(name: &str) {
    let verdicts = match verdicts() {
        Ok(verdicts) => verdicts,
        Err(error) => panic!("the machine failed: {error}"),
    };
    match verdicts.get(name) {
        Some(Verdict::Passed { ms }) => println!("{name}: {ms} ms"),
        Some(Verdict::Failed { words }) => panic!("{name}: {words}"),
        None => panic!("the machine never came to `{name}`: {verdicts:?}"),
    }
}

macro_rules! scenarios {
    ($($name:ident: $scenario:literal),* $(,)?) => {
        $(#[test] fn $name() { passed($scenario); })*

        #[test]
        fn every_scenario_of_the_machine_has_a_test() {
            let here = [$($scenario),*];
            let ran = match verdicts() {
                Ok(verdicts) => verdicts,
                Err(error) => panic!("the machine failed: {error}"),
            };
            assert_eq!(ran.len(), here.len(), "{ran:?}");
        }
    };
}

scenarios! {
    a_hid_pos_scanner_is_read_through_unplugging: "hid_pos_scanner",
    a_makers_scanner_is_switched_to_hid_pos_and_beeps_in_its_own_words: "hid_maker_switch",
    a_burst_of_reports_loses_nothing_without_a_word: "hid_burst",
    an_ibm_oem_scanner_is_enabled_and_read_through_unplugging: "ibm_oem_scanner",
    an_oem_scanner_rests_and_scans_again_over_a_plug_and_takes_its_configuration: "ibm_oem_off_and_on",
    a_scanner_of_reports_is_typed_on_to_a_pos_once: "hid_typed_on",
    a_hid_scale_is_read_in_every_unit_and_what_is_no_weight_is_refused: "hid_scale",
    a_swiped_card_is_refused_and_its_number_is_nowhere: "wedge_magstripe",
    a_twin_takes_no_role_by_number_and_a_moved_unit_keeps_its_own: "twin_and_port",
    what_another_process_holds_is_busy_in_words_until_it_is_free: "held_by_another_process",
    nonsense_costs_little_and_starves_nobody: "nonsense_is_bounded",
    a_hung_scale_is_reset_by_itself_and_weighs_again: "hung_scale_is_reset_by_itself",
    the_packages_rules_open_what_the_service_needs_and_nothing_else: "rules_and_own_user",
    a_grabbed_wedge_is_read_and_the_console_sees_nothing: "wedge_exclusive",
    a_shared_wedge_is_read_beside_the_console: "wedge_shared",
    a_relayed_wedge_is_typed_on_once: "wedge_relayed",
    a_wedge_held_by_another_is_busy_until_it_is_free: "wedge_busy",
    keys_faster_than_the_kernel_keeps_never_make_a_short_code: "wedge_burst",
    a_keyboard_behind_the_real_usb_driver_is_grabbed: "wedge_on_usb",
    a_cdc_scanner_is_read_through_unplugging_and_other_ports: "cdc_scanner",
    an_ftdi_scanner_is_read_through_unplugging: "ftdi_scanner",
    a_hung_converter_is_reset_and_read_again: "hung_converter_is_reset",
    somebody_elses_ftdi_converter_is_read_through_unplugging: "ftdi_of_the_machine",
    badges_are_read_through_unplugging: "card_reader",
    somebody_elses_card_reader_is_claimed_and_held: "card_reader_of_the_machine",
    a_scanner_in_the_wrong_mode_is_named: "wrong_mode_is_named",
    waiting_devices_cost_nothing: "idle_costs_nothing",
}
