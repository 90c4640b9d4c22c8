//! Where the programs under test are: built once by cargo into the directory of this test.
//!
//! Cargo tells a test only the programs of its own package, so the first who asks has them built.
//! Programs of the outside world come from Debian; who misses one is told the command that
//! installs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

/// Says what to do about a program that is not there.
pub const INSTALL: &str = "`cargo xtask test` installs what the tests need, as root on Debian 12";

/// The daemon.
pub fn shelfd() -> Result<PathBuf> {
    built().map(|it| it.join("shelfd"))
}

/// The hub.
pub fn shelf_hub() -> Result<PathBuf> {
    built().map(|it| it.join("shelf-hub"))
}

/// The simulated devices.
pub fn shelf_sim() -> Result<PathBuf> {
    built().map(|it| it.join("shelf-sim"))
}

/// `SHELF_BIN_DIR` names programs that were built elsewhere, such as those of a package.
fn built() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("SHELF_BIN_DIR") {
        return Ok(given.into());
    }
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().map_err(|it| format!("{it:#}")));
    built.clone().map_err(anyhow::Error::msg)
}

/// Builds into the target directory that this test runs from, in its profile.
fn build() -> Result<PathBuf> {
    let test = std::env::current_exe().context("where this test is")?;
    let profile = test
        .parent()
        .and_then(Path::parent)
        .context("target/PROFILE/deps/TEST")?;
    let target = profile.parent().context("target")?;
    let name = profile
        .file_name()
        .and_then(|it| it.to_str())
        .unwrap_or("debug");
    let name = if name == "debug" { "dev" } else { name };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "-p", "shelfd", "-p", "shelf-hub"])
        .args(["-p", "shelf-sim"])
        // As packages ship them: without the demo.
        .args(["--no-default-features", "--profile", name])
        .arg("--target-dir")
        .arg(target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .stdin(Stdio::null())
        .output()
        .context("cargo can't be started")?;
    if !output.status.success() {
        bail!(
            "cargo build failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(profile.to_owned())
}

/// A program of the outside world on the search path.
pub fn installed(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(usual)
        .map(|it| it.join(name))
        .find(|it| it.is_file())
        .with_context(|| format!("`{name}` is not installed; {INSTALL}"))
}

/// The directory for what a test leaves behind on purpose, such as screenshots.
pub fn target() -> Result<PathBuf> {
    let test = std::env::current_exe().context("where this test is")?;
    test.ancestors()
        .nth(3)
        .map(Path::to_owned)
        .context("target/PROFILE/deps/TEST")
}
