//! The developer's commands: `cargo xtask test` is the README's second command and all that CI
//! runs.
//!
//! Everything here is plain code over the tools of the house (cargo, apt, pip): it says what it
//! runs before it runs it, stops at the first failure, and never skips a step because a program
//! is missing: it installs what the steps need. It must never decide that a test is optional.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "reads the tree and measures its own steps"
)]

mod deb;
mod fuzz;
mod install;
mod levels;
mod simulate;
mod steps;
mod tidy;
mod trial;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test           install what the tests need, then run every check and test (CI runs this)
  test --quick   only formatting, lints, tidy and the workspace's own tests; installs nothing
  install        only install what the tests need (Debian packages; needs root)
  tidy           the house rules that no compiler knows: sizes, opening paragraphs, leftovers
  deb            build the .deb into target/debian
  prove FILE     install, kill, upgrade and purge a built .deb in a container (needs root)
  trial          run the demo as a new user would and check what it reports
  fuzz [SECONDS] every parser under a coverage-guided fuzzer, SECONDS (60) each; wants a nightly compiler
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => steps::all(&root()),
        ["test", "--quick"] => steps::quick(&root()),
        ["install"] => install::everything(),
        ["tidy"] => tidy::check(&root()),
        ["deb"] => deb::build(&root()).map(|path| println!("{}", path.display())),
        ["prove", package] => deb::prove_package(&root(), Path::new(package)),
        ["trial"] => trial::run(&root()),
        ["fuzz"] => fuzz::run(&root(), fuzz::SECONDS_DEFAULT),
        ["fuzz", seconds] => match seconds.parse() {
            Ok(seconds) => fuzz::run(&root(), seconds),
            Err(_) => {
                eprint!("{USAGE}");
                return ExitCode::from(2);
            }
        },
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's root: two folders above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("."))
        .into()
}
