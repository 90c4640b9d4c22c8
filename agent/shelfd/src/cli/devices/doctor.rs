//! `shelfd devices doctor`

use shelf_devices::doctor::diagnose;

use super::super::ask::{AskArguments, asked, print};
use super::super::{Failure, run};
use crate::config::devices::configured;
use crate::daemon::devices::{Complaint, DeviceBoard, at_rest};

pub(super) fn run(arguments: &AskArguments, json: bool) -> Result<(), Failure> {
    let answer = asked(arguments, "/api/v1/devices")?;
    let is_running = answer.is_some();
    let findings: Vec<Complaint> = match answer {
        Some(answer) => {
            let board: DeviceBoard = serde_json::from_value(answer).map_err(Failure::new)?;
            board.findings
        }
        None => {
            let (_, config) = run::configuration(arguments.config.as_deref(), false)?;
            let configs = configured(&config).map_err(Failure::configuration)?;
            diagnose(&at_rest(&configs))
                .into_iter()
                .map(Complaint::from)
                .collect()
        }
    };
    let wrong = findings.iter().filter(|it| it.severity == "wrong").count();
    if json {
        print(&serde_json::json!({ "daemon": is_running, "findings": findings }))?;
    } else {
        tell(&findings, is_running);
    }
    match wrong {
        0 => Ok(()),
        _ => Err(Failure::new(format!(
            "{wrong} of {} findings keep a device from working",
            findings.len()
        ))),
    }
}

fn tell(findings: &[Complaint], is_running: bool) {
    if !is_running {
        eprintln!(
            "the daemon does not answer: what devices send and who holds them is not known, only what \
             is plugged in"
        );
    }
    if findings.is_empty() {
        println!("nothing is wrong");
    }
    for it in findings {
        let sign = match it.severity.as_str() {
            "wrong" => "WRONG",
            "risk" => "risk ",
            _ => "note ",
        };
        let about = it.device.as_deref().unwrap_or("this PC");
        println!("{sign} {about}: {}\n      {}", it.what, it.remedy);
    }
}
