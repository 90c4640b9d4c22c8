//! `shelfd devices test`: the device page's buttons. None of them can start a payment.

use serde_json::json;

use super::super::Failure;
use super::super::ask::{encode, print, said};
use super::TestArguments;
use crate::daemon::beside::Errand;

pub(super) fn run(arguments: &TestArguments, json: bool) -> Result<(), Failure> {
    let name = encode(&arguments.name);
    let what = arguments.what.replace('-', "_");
    let (path, body) = match Errand::from_word(&what) {
        Some(_) => {
            let confirm = if arguments.yes { "yes" } else { "no" };
            let body = json!({ "do": what, "confirm": confirm });
            (format!("/api/v1/tills/{name}/beside"), body)
        }
        None => (
            format!("/api/v1/devices/{name}/test"),
            json!({ "what": what }),
        ),
    };
    let answer = said(&arguments.ask, &path, &body)?;
    if json {
        return print(&answer);
    }
    println!("{}", answer["message"].as_str().unwrap_or("done"));
    Ok(())
}
