//! Process 1 of the device lab's machine: loads the kernel's drivers, plugs simulated devices in, and
//! reads them with the device layer as it ships, over real `hidraw`, `input`, `tty` and USB nodes.
//!
//! It talks to the test that booted it over the second serial port: `@@PASS name ms`,
//! `@@FAIL name words`, `@@ask …` where the machine itself must do something (plug QEMU's devices),
//! and `@@END`. It never runs on a computer that is anything else than this machine.
#![allow(
    clippy::disallowed_methods,
    reason = "the whole machine is its own: clock, files and waiting"
)]

mod console;
mod desk;
mod machine;
mod other;
mod rules;
mod scenarios;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use anyhow::{Result, ensure};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [other::WORD, more @ ..] = arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        let more: Vec<String> = more.iter().map(|it| (*it).to_owned()).collect();
        return other::run(&more);
    }
    ensure!(
        std::process::id() == 1,
        "this is the first process of the device lab's machine, and nothing else"
    );
    let began = machine::bring_up();
    match &began {
        Ok(()) => run_all(),
        Err(error) => machine::say(&format!("@@FAIL machine {error:#}")),
    }
    machine::say("@@END");
    machine::power_off();
    began
}

fn run_all() {
    for (name, scenario) in scenarios::ALL {
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(scenario));
        let ms = start.elapsed().as_millis();
        match outcome {
            Ok(Ok(())) => machine::say(&format!("@@PASS {name} {ms}")),
            Ok(Err(error)) => {
                let words = format!("{error:#}").replace('\n', " / ");
                machine::say(&format!("@@FAIL {name} {words}"));
            }
            Err(_) => machine::say(&format!("@@FAIL {name} it panicked; see the console")),
        }
    }
}
